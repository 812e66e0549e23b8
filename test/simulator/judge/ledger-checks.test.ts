import { describe, expect, test } from 'vitest';
import { CheckSchema, MAX_EVIDENCE, type Verdict } from '../../../simulator/judge/check.ts';
import { judgeLedger, type LedgerCheckContext } from '../../../simulator/judge/ledger-checks.ts';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { POLICY, Script } from './ledger-script.ts';

const label = (session: number) => `load/${session}#1`;

function checksOf(
  script: Script,
  context: Partial<LedgerCheckContext> = {},
  policy = PolicySchema.parse(POLICY),
) {
  const checks = judgeLedger(script.close(1_000), policy, { label, ...context });
  return new Map(checks.map((check) => [check.name, CheckSchema.parse(check)]));
}

const HEALTHY = (s: Script) =>
  s.open(1, 0).open(2, 0).look(1, [1, 2]).delete(1, 2).abandon(2, 2).look(10, [2]).look(11, []).look(14, []);

interface Row {
  readonly title: string;
  readonly check: string;
  readonly play: (script: Script) => unknown;
  readonly context?: Partial<LedgerCheckContext>;
  readonly verdict: Verdict;
  readonly observed?: string;
  readonly reason?: string;
}

const ROWS: readonly Row[] = [
  {
    title: 'nothing lost passes, with the rate that this rules out',
    check: 'sessions_not_lost',
    play: HEALTHY,
    verdict: 'pass',
    observed: '0 of 2 sessions (early-kill rate <= 100 % at 95 %)',
    reason: '',
  },
  {
    title: 'one lost fails, named by its user',
    check: 'sessions_not_lost',
    play: (s) => s.open(1, 0).open(2, 0).look(1, [2]),
    verdict: 'fail',
    observed: '1 of 2 sessions',
    reason:
      'load/1#1, 1.000 s: gone, though last served request was sent at 0.000 s, T = 10 s, protected until 10.000 s (by 9 s)',
  },
  {
    title: 'lost in the middle of a call: the call is named',
    check: 'sessions_not_lost',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 0.5);
      s.look(12, []).aborted(1, call, 13, 60);
    },
    verdict: 'fail',
    reason: 'load/1#1, 12.000 s: gone, though a call was in flight, sent at 0.500 s (by 1 s)',
  },
  {
    title: 'no session opened: no data',
    check: 'sessions_not_lost',
    play: (s) => s.look(1, []),
    verdict: 'no-data',
    reason: 'no session was opened',
  },
  {
    title: 'a target that should list, and no sample: no data',
    check: 'sessions_not_lost',
    play: (s) => s.open(1, 0),
    context: { source: 'listing' },
    verdict: 'no-data',
    reason: 'no sample of the target was taken',
  },
  {
    title: 'a target that shows nothing: not observable',
    check: 'sessions_not_lost',
    play: (s) => s.open(1, 0),
    verdict: 'not-observable',
  },
  {
    title: 'a target that shows nothing, but answers 404 too soon: fails all the same',
    check: 'sessions_not_lost',
    play: (s) => s.open(1, 0).notFound(1, 5),
    verdict: 'fail',
  },
  {
    title: 'counts while others came and went: invalid',
    check: 'sessions_not_lost',
    play: (s) => {
      s.ledger.setForeign({ before: 0, after: 1 });
      s.open(1, 0).count(1, 1);
    },
    verdict: 'invalid',
    reason: 'sessions of others came or went on the target during the run',
  },
  {
    title: 'an accusation that a late event may explain: invalid',
    check: 'sessions_not_lost',
    play: (s) => s.open(1, 0).look(5, []).event(1, 4, { kind: 'delete-sent' }),
    verdict: 'invalid',
    reason: '1 event reached the ledger later than a sample that they precede',
  },
  {
    title: 'nothing leaked passes',
    check: 'sessions_not_leaked',
    play: HEALTHY,
    verdict: 'pass',
    observed: '0 of 2 sessions (leak rate <= 100 % at 95 %)',
  },
  {
    title: 'a session kept after its DELETE fails',
    check: 'sessions_not_leaked',
    play: (s) => s.open(1, 0).delete(1, 1).look(2, [1]),
    verdict: 'fail',
    observed: '1 of 1 session',
    reason: 'load/1#1, 2.000 s: listed after its end: DELETE was answered 2xx at 1.000 s (by 1 s)',
  },
  {
    title: 'too many by count fails, without a name',
    check: 'sessions_not_leaked',
    play: (s) => s.open(1, 0).delete(1, 1).count(2, 1),
    verdict: 'fail',
    reason: 'a session, 2.000 s: the target counted 1 session, at most 0 were tolerated',
  },
  {
    title: 'sessions that need not end while the target is watched: no data',
    check: 'sessions_not_leaked',
    play: (s) => s.open(1, 0).look(1, [1]),
    verdict: 'no-data',
    reason: 'no look at the target saw a session after it had to end',
  },
  {
    title: 'nothing to see but probes: they decide',
    check: 'sessions_not_leaked',
    play: (s) => s.open(1, 0).abandon(1, 0).notFound(1, 50),
    verdict: 'pass',
  },
  {
    title: 'nothing to see and no probes: not observable',
    check: 'sessions_not_leaked',
    play: (s) => s.open(1, 0).abandon(1, 0),
    verdict: 'not-observable',
  },
  {
    title: 'reaped in time passes',
    check: 'reap_lag',
    play: HEALTHY,
    verdict: 'pass',
    observed: '0 early, 0 late of 1 session, at most 11 s after the last use',
  },
  {
    title: 'one late fails',
    check: 'reap_lag',
    play: (s) => s.open(1, 0).abandon(1, 0).look(13, [1]).look(14, []),
    verdict: 'fail',
    reason:
      'load/1#1, 13.000 s to 14.000 s: late: last possible activity at 0.000 s, T = 10 s, C = 2 s, still there at 13.000 s (by 1 s)',
  },
  {
    title: 'samples too far apart: invalid',
    check: 'reap_lag',
    play: (s) => s.open(1, 0).abandon(1, 0).look(1, [1]).look(30, []),
    verdict: 'invalid',
  },
  {
    title: 'only counts: not observable',
    check: 'reap_lag',
    play: (s) => s.open(1, 0).abandon(1, 0).count(1, 1),
    verdict: 'not-observable',
  },
  {
    title: 'a listing, but no session ended by itself: no data',
    check: 'reap_lag',
    play: (s) => s.open(1, 0).delete(1, 0).look(1, []),
    verdict: 'no-data',
  },
  {
    title: 'books that agree pass',
    check: 'books_balance',
    play: (s) =>
      s
        .count(0, 0, { opened: 0, refused: 0, ended: {} })
        .open(1, 1)
        .count(2, 1, { opened: 1, refused: 0, ended: {} }),
    verdict: 'pass',
    observed: '0 of 4 rows out of balance',
  },
  {
    title: 'a session too many in the books fails',
    check: 'books_balance',
    play: (s) =>
      s
        .count(0, 0, { opened: 0, refused: 0, ended: {} })
        .open(1, 1)
        .count(2, 2, { opened: 2, refused: 0, ended: {} }),
    verdict: 'fail',
    reason: 'opened, by the target: 2, must be 1',
  },
  {
    title: 'a target without counters: not observable',
    check: 'books_balance',
    play: HEALTHY,
    verdict: 'not-observable',
  },
  {
    title: 'a cycle that leaves a session fails',
    check: 'returns_to_zero',
    play: (s) => {
      s.open(1, 0).delete(1, 1);
      s.ledger.endOfCycle({ sentAt: 2_000, receivedAt: 2_000, stalenessMs: 0, count: 1 });
    },
    verdict: 'fail',
    observed: '1 of 1 cycle ended with sessions left',
  },
  {
    title: 'cycles that ended before their sessions could go: invalid',
    check: 'returns_to_zero',
    play: (s) => {
      s.open(1, 0);
      s.ledger.endOfCycle({ sentAt: 2_000, receivedAt: 2_000, stalenessMs: 0, count: 1 });
    },
    verdict: 'invalid',
  },
];

describe('Checks on the ledger', () => {
  test.each(ROWS)('$check: $title', ({ check, play, context, verdict, observed, reason }) => {
    const script = new Script();
    play(script);
    const result = checksOf(script, context).get(check);
    expect(result).toMatchObject({
      verdict,
      ...(observed !== undefined && { observed }),
      ...(reason !== undefined && { reason }),
    });
    if (verdict !== 'pass') expect(result?.reason).not.toBe('');
  });

  test('say nothing of cycles where there were none', () => {
    expect([...checksOf(HEALTHY(new Script())).keys()]).toEqual([
      'sessions_not_lost',
      'sessions_not_leaked',
      'reap_lag',
      'books_balance',
      'cap_held',
    ]);
  });

  test('keep no more evidence than a check may have', () => {
    const script = new Script();
    for (let session = 0; session < 50; session += 1) script.open(session, 0);
    const check = checksOf(script.look(1, [])).get('sessions_not_lost');
    expect(check).toMatchObject({ observed: '50 of 50 sessions' });
    expect(check?.evidence).toHaveLength(MAX_EVIDENCE);
  });

  test('state the rule of three for many sessions', () => {
    const script = new Script();
    const all = Array.from({ length: 500 }, (_, session) => session);
    for (const session of all) script.open(session, 0);
    expect(checksOf(script.look(1, all)).get('sessions_not_lost')?.observed).toBe(
      '0 of 500 sessions (early-kill rate <= 0.6 % at 95 %)',
    );
  });

  test('do not ask for an end that no policy promises', () => {
    const endless = PolicySchema.parse({});
    const script = new Script({ sessionTimeoutMs: null, handshakeTimeoutMs: null });
    const checks = checksOf(script.open(1, 0).look(1, [1]), {}, endless);
    expect(checks.get('sessions_not_leaked')?.verdict).toBe('not-observable');
    expect(checks.get('reap_lag')).toMatchObject({
      verdict: 'not-observable',
      limit: '0 early, 0 late',
    });
  });
});
