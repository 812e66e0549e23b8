import { describe, expect, test } from 'vitest';
import { MAX_FINDINGS } from '../../../simulator/judge/findings.ts';
import { LedgerReportSchema } from '../../../simulator/judge/ledger-report.ts';
import { Script } from './ledger-script.ts';

/** Names of the rows that do not balance. */
function unbalanced(script: Script): string[] {
  const isOff = (n: number, low: number | null, high: number | null) => n < (low ?? n) || n > (high ?? n);
  return script
    .close(1_000)
    .books.filter(({ observed, atLeast, atMost }) => isOff(observed, atLeast, atMost))
    .map(({ name }) => name);
}

const ZERO = { opened: 0, refused: 0, ended: {} };

describe('The account of attempts and ends', () => {
  test('names every attempt and every end once', () => {
    const script = new Script();
    for (let session = 1; session <= 6; session += 1) script.open(session, 0);
    script.initialize(7, 0).event(7, 0, { kind: 'initialize-refused', status: 503 });
    script.initialize(8, 0).event(8, 0, { kind: 'initialize-lost', longestMs: 0 });
    script.initialize(9, 0);
    script
      .delete(1, 1)
      .abandon(2, 1)
      .abandon(3, 1)
      .look(11, [3, 4])
      .call(4, 11)
      .notFound(5, 12)
      .notFound(6, 12);
    script.look(13, [4]).look(20, [4]);
    const { attempts, ends } = script.close(20);
    expect(attempts).toEqual({ begun: 9, opened: 6, refused: 1, lost: 1, unanswered: 1 });
    expect(ends).toEqual({ deleted: 1, notFound: 2, unlisted: 2, targetExit: 0, presumed: 0, live: 1 });
  });

  test('is the same when asked twice, and plain data', () => {
    const script = new Script();
    script.open(1, 0).delete(1, 1).look(2, [1]);
    const report = script.close(3);
    expect(script.close(99)).toBe(report);
    expect(LedgerReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test.each([
    {
      title: 'agree',
      play: (s: Script) =>
        s
          .count(0, 0, ZERO)
          .open(1, 1)
          .open(2, 1)
          .delete(1, 2)
          .count(3, 1, { opened: 2, refused: 0, ended: { client: 1 } }),
      off: [],
    },
    {
      title: 'agree on one end where two DELETEs at once were both told that it is done',
      play: (s: Script) => {
        s.count(0, 0, ZERO).open(1, 1);
        s.event(1, 2, { kind: 'delete-sent' }).event(1, 2, { kind: 'delete-sent' });
        for (let n = 0; n < 2; n += 1) s.event(1, 2.1, { kind: 'delete-answered', status: 200 });
        s.count(3, 0, { opened: 1, refused: 0, ended: { client: 1 } });
      },
      off: [],
    },
    {
      title: 'agree where the second of two DELETEs found it gone',
      play: (s: Script) => {
        s.count(0, 0, ZERO).open(1, 1);
        s.event(1, 2, { kind: 'delete-sent' }).event(1, 2, { kind: 'delete-sent' });
        s.event(1, 2.1, { kind: 'delete-answered', status: 200 });
        s.event(1, 2.2, { kind: 'delete-answered', status: 404 });
        s.count(3, 0, { opened: 1, refused: 0, ended: { client: 1 } });
      },
      off: [],
    },
    {
      title: 'differ where one session is counted as two ends',
      play: (s: Script) => {
        s.count(0, 0, ZERO).open(1, 1);
        s.event(1, 2, { kind: 'delete-sent' }).event(1, 2, { kind: 'delete-sent' });
        for (let n = 0; n < 2; n += 1) s.event(1, 2.1, { kind: 'delete-answered', status: 200 });
        s.count(3, 0, { opened: 1, refused: 0, ended: { client: 2 } });
      },
      off: ['opened - ended - live, by the target (worst drift)'],
    },
    {
      title: 'agree while an initialize and a DELETE are on their way',
      play: (s: Script) =>
        s
          .count(0, 0, ZERO)
          .open(1, 1)
          .initialize(2, 2)
          .event(1, 2, { kind: 'delete-sent' })
          .count(3, 1, { opened: 2, refused: 0, ended: { client: 1 } }),
      off: [],
    },
    {
      title: 'agree when the answer may be older than what happened meanwhile',
      play: (s: Script) => {
        s.count(0, 0, ZERO).open(1, 2.5).delete(1, 2.8);
        s.ledger.sample({ sentAt: 2_000, receivedAt: 3_000, stalenessMs: 0, count: 0, counters: ZERO });
      },
      off: [],
    },
    {
      title: 'agree when the answer may be older than a DELETE',
      play: (s: Script) => {
        s.count(0, 0, ZERO).open(1, 1).delete(1, 2.8);
        const counters = { opened: 1, refused: 0, ended: { client: 0 } };
        s.ledger.sample({ sentAt: 2_000, receivedAt: 3_000, stalenessMs: 0, count: 1, counters });
      },
      off: [],
    },
    {
      title: 'disagree: the target opened one that nobody asked for',
      play: (s: Script) => s.count(0, 0, ZERO).open(1, 1).count(3, 2, { opened: 2, refused: 0, ended: {} }),
      off: ['opened, by the target'],
    },
    {
      title: 'disagree: a DELETE was answered 200 and not counted',
      play: (s: Script) =>
        s
          .count(0, 0, ZERO)
          .open(1, 1)
          .delete(1, 2)
          .count(3, 0, { opened: 1, refused: 0, ended: { client: 0, idle: 1 } }),
      off: ['ended by DELETE, by the target'],
    },
    {
      title: "disagree: the target's own sessions do not add up",
      play: (s: Script) => s.count(0, 0, ZERO).open(1, 1).count(3, 0, { opened: 1, refused: 0, ended: {} }),
      off: ['opened - ended - live, by the target (worst drift)'],
    },
    {
      title: 'agree over a restart, after which the target counts anew',
      play: (s: Script) =>
        s
          .count(0, 0, ZERO)
          .open(1, 1)
          .count(2, 1, { opened: 1, refused: 0, ended: {} })
          .exit(3)
          .count(4, 0, ZERO),
      off: [],
    },
    {
      title: 'know that others on the target open sessions too',
      play: (s: Script) =>
        s
          .count(0, 3, { ...ZERO, opened: 3 })
          .open(1, 1)
          .count(3, 5, { opened: 5, refused: 0, ended: {} }),
      off: [],
    },
    {
      title: 'disagree: one id was given to two sessions',
      play: (s: Script) =>
        s.open(1, 0).initialize(2, 0).event(2, 0, { kind: 'initialize-answered', fingerprint: 'f1' }),
      off: ['session ids given twice'],
    },
  ])('two accounts $title', ({ play, off }) => {
    const script = new Script();
    play(script);
    expect(unbalanced(script)).toEqual(off);
  });
});

describe('The ledger while it runs', () => {
  test('tells how many sessions must and may live', () => {
    const { ledger } = new Script().open(1, 0).open(2, 0, { half: true }).initialize(3, 1);
    expect(ledger.bounds(2_000)).toEqual({ must: 2, may: 3 });
    expect(ledger.bounds(5_000)).toEqual({ must: 1, may: 3 });
    expect(ledger.bounds(11_000)).toEqual({ must: 0, may: 2 });
    expect(ledger.live()).toBe(2);
  });

  test('tells when the last session has to be gone', () => {
    const script = new Script();
    expect(script.ledger.lastDeadline()).toBe(0);
    const call = script.open(1, 0).open(2, 0).send(2, 1);
    expect(script.ledger.lastDeadline()).toBeNull();
    script.served(2, call, 5);
    expect(script.ledger.lastDeadline()).toBe(17_000);
    expect(script.ledger.settled(17_000)).toBe(false);
    expect(script.ledger.settled(17_001)).toBe(true);
  });

  test('counts live sessions as they are seen to come, go and come back', () => {
    const { ledger } = new Script().open(1, 0).open(2, 0).look(11, [2]);
    expect(ledger.live()).toBe(1);
    const script = new Script().open(1, 0).look(11, []).look(12, [1]);
    expect(script.ledger.live()).toBe(1);
    expect(script.delete(1, 13).ledger.live()).toBe(0);
  });

  test('names the sessions that only a probe can prove gone', () => {
    const script = new Script().open(1, 0).open(2, 0).open(3, 5).delete(2, 1).abandon(1, 1).abandon(3, 6);
    expect(script.ledger.unseenEnds(13_000)).toEqual([1]);
    script.count(13, 1);
    expect(script.ledger.unseenEnds(20_000)).toEqual([1, 3]);
    script.notFound(1, 20);
    expect(script.close(21)).toMatchObject({ probesNotFound: 1, leaked: { total: 0 } });
  });

  test('notices cycles that do not end at zero, and those that cannot yet', () => {
    const script = new Script();
    const cycle = (at: number, count: number) =>
      script.ledger.endOfCycle({ sentAt: at * 1000, receivedAt: at * 1000, stalenessMs: 0, count });
    script.open(1, 0).delete(1, 1);
    cycle(2, 0);
    script.open(2, 3).abandon(2, 4);
    cycle(5, 1);
    cycle(16, 1);
    expect(script.close(17).cycles).toMatchObject({ total: 3, unsettled: 1, notZero: { total: 1 } });
  });

  test('keeps the first findings only, and counts them all', () => {
    const script = new Script();
    for (let session = 0; session < MAX_FINDINGS + 50; session += 1) script.open(session, 0);
    const { lost } = script.look(1, []).close(2);
    expect(lost.total).toBe(MAX_FINDINGS + 50);
    expect(lost.first).toHaveLength(MAX_FINDINGS);
  });

  test('counts events that come after a sample they should have preceded', () => {
    const script = new Script();
    script.open(1, 0).look(5, [1]).call(1, 4);
    expect(script.close(6).lateEvents).toBe(2);
  });

  test('refuses a session number used twice', () => {
    const script = new Script();
    expect(() => script.open(1, 0).initialize(1, 1)).toThrow('session 1 began twice');
  });

  test('blames nobody for counts when others came or went', () => {
    const script = new Script();
    script.ledger.setForeign({ before: 1 });
    script.open(1, 1).count(2, 5);
    script.ledger.setForeign({ before: 1, after: 2 });
    expect(script.close(3).foreign).toEqual({ before: 1, after: 2, isSteady: false });
  });
});
