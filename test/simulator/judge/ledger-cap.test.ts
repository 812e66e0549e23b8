import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../../simulator/judge/check.ts';
import { judgeLedger } from '../../../simulator/judge/ledger-checks.ts';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { POLICY, Script } from './ledger-script.ts';

const CAP = 2;

/** An initialize that is refused. */
function refuse(script: Script, session: number, at: number, status: number, answered = at): Script {
  return script.initialize(session, at).event(session, answered, { kind: 'initialize-refused', status });
}

function capHeld(play: (script: Script) => unknown, maxSessions: number | null) {
  const script = new Script({ maxSessions });
  play(script);
  const policy = PolicySchema.parse({ ...POLICY, maxSessions });
  const label = (session: number) => `flood/${session}#0`;
  const checks = judgeLedger(script.close(1_000), policy, { label });
  const check = checks.find(({ name }) => name === 'cap_held');
  if (!check) throw new Error('there is no cap_held');
  return check;
}

const full = (s: Script) => s.open(1, 0).open(2, 0);

interface Row {
  readonly title: string;
  readonly play: (script: Script) => unknown;
  readonly cap?: number | null;
  readonly verdict: Verdict;
  readonly observed?: string;
  readonly reason?: string;
}

const ROWS: readonly Row[] = [
  {
    title: 'full, and whoever else comes is refused with 503: as it should be',
    play: (s) => refuse(full(s).look(1, [1, 2]), 3, 2, 503),
    verdict: 'pass',
    observed: 'at most 2 sessions, 1 refused while full, 0 wrongly',
    reason: '',
  },
  {
    title: '429 says so as well',
    play: (s) => refuse(full(s), 3, 2, 429),
    verdict: 'pass',
    observed: 'at most 0 sessions, 1 refused while full, 0 wrongly',
  },
  {
    title: 'full, and nobody else comes: its cap was reached',
    play: (s) => full(s).look(1, [1, 2]),
    verdict: 'pass',
  },
  {
    title: 'more than the cap in a listing',
    play: (s) => full(s).open(3, 1).look(2, [1, 2, 3]),
    verdict: 'fail',
    observed: 'at most 3 sessions, 0 refused while full, 0 wrongly',
    reason: 'a session, 2.000 s: it held 3 sessions, and its cap is 2',
  },
  {
    title: 'more than the cap in a count; those of others take room, too',
    play: (s) => s.open(1, 0).count(1, 5),
    verdict: 'fail',
    reason: 'a session, 1.000 s: it held 5 sessions, and its cap is 2',
  },
  {
    title: 'refused with 503 while there is room: a slot was not given back',
    play: (s) => refuse(full(s).delete(1, 1).look(2, [2]), 3, 3, 503),
    verdict: 'fail',
    observed: 'at most 1 session, 0 refused while full, 1 wrongly',
    reason:
      'flood/3#0, 3.000 s: refused with 503 while it could hold no more than 1 session of 2: slots are not given back',
  },
  {
    title: 'refused with 503 after the others had to be reaped',
    play: (s) => refuse(full(s).abandon(1, 0).abandon(2, 0), 3, 13, 503),
    verdict: 'fail',
  },
  {
    title: 'refused with 503 while the others may still be there: T has passed, C has not',
    play: (s) => refuse(full(s).abandon(1, 0).abandon(2, 0), 3, 11, 503),
    verdict: 'pass',
  },
  {
    title: 'refused with 503 while the DELETE of another was under way',
    play: (s) => {
      full(s).event(1, 1, { kind: 'delete-sent' });
      refuse(s, 3, 1.5, 503).event(1, 2, { kind: 'delete-answered', status: 200 });
    },
    verdict: 'pass',
  },
  {
    title: 'refused with 503 while two more ask at once: each of them may have had the last slot',
    play: (s) => {
      s.open(1, 0).initialize(2, 1).initialize(3, 1);
      s.event(3, 1.1, { kind: 'initialize-refused', status: 503 }).answer(2, 1.2);
    },
    verdict: 'pass',
  },
  {
    title: 'refused with 500 when it is full: nobody is told to come back',
    play: (s) => refuse(full(s).look(1, [1, 2]), 3, 2, 500),
    verdict: 'fail',
    reason:
      'flood/3#0, 2.000 s: refused with 500: a target that is full says 503 or 429, and when to come back',
  },
  {
    title: '429 while there is room: it may be about the rate',
    play: (s) =>
      refuse(
        refuse(full(s).look(1, [1, 2]), 3, 2, 503)
          .delete(1, 3)
          .delete(2, 3),
        4,
        5,
        429,
      ),
    verdict: 'pass',
    observed: 'at most 2 sessions, 1 refused while full, 0 wrongly',
  },
  {
    title: '400 is about what was sent',
    play: (s) => refuse(full(s).look(1, [1, 2]), 3, 2, 400),
    verdict: 'pass',
  },
  {
    title: 'the cap was never reached: no data',
    play: (s) => s.open(1, 0).look(1, [1]),
    verdict: 'no-data',
    reason: 'the cap was never reached',
  },
  {
    title: 'no cap is promised: not observable, whatever is refused',
    play: (s) => refuse(full(s).look(1, [1, 2]), 3, 2, 503),
    cap: null,
    verdict: 'not-observable',
    reason: 'the policy promises no cap',
  },
];

describe('The cap on sessions', () => {
  test.each(ROWS)('$title', ({ play, cap = CAP, verdict, observed, reason }) => {
    expect(capHeld(play, cap)).toMatchObject({
      verdict,
      ...(observed !== undefined && { observed }),
      ...(reason !== undefined && { reason }),
    });
  });

  test('is a limit that the check names', () => {
    expect(capHeld(full, CAP).limit).toBe('<= 2 sessions, 0 refused wrongly');
    expect(capHeld(full, null).limit).toBe('none promised');
  });

  test('is looked up once for many refusals that come close together', () => {
    const check = capHeld((s) => {
      full(s).look(1, [1, 2]);
      for (let session = 3; session < 103; session += 1) refuse(s, session, 1 + session / 2_000, 503);
    }, CAP);
    expect(check).toMatchObject({
      verdict: 'pass',
      observed: 'at most 2 sessions, 100 refused while full, 0 wrongly',
    });
  });
});
