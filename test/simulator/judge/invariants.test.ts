import { describe, expect, it } from 'vitest';
import type { Check } from '../../../simulator/judge/check.ts';
import { type DrainFacts, type RunFacts, Tally } from '../../../simulator/judge/facts.ts';
import { judgeFacts, judgeSurvival } from '../../../simulator/judge/invariants.ts';

function tally(count: number): Tally {
  const found = new Tally();
  for (let n = 1; n <= count; n += 1) found.add(`case ${n}`);
  return found;
}

/** A run in which all went well. */
function facts(changes: Partial<RunFacts> = {}): RunFacts {
  return {
    calls: 1_200,
    unanswered: tally(0),
    wrongAnswers: tally(0),
    goneProbes: 40,
    goneNot404: tally(0),
    expectations: 50,
    unmetExpectations: tally(0),
    events: { owed: 20, excused: 0, resumable: 0, seen: 20, faults: tally(0) },
    ...changes,
  };
}

/** A shutdown in which all went well: SIGTERM at 10 s, gone 400 ms later. */
function drain(changes: Partial<DrainFacts> = {}): RunFacts {
  return facts({
    drain: {
      signal: 'SIGTERM',
      signalledAt: 10_000,
      callsInFlight: 3,
      callsUnanswered: tally(0),
      streamsOpen: 5,
      streamsLeft: 0,
      initializesTried: 7,
      openedAfter: tally(0),
      exit: { at: 10_400, code: 0, signal: null },
      drainMs: 2_000,
      watchedUntil: 10_400,
      ...changes,
    },
  });
}

function checkOf(run: RunFacts, name: string): Check {
  const check = judgeFacts(run).find((candidate) => candidate.name === name);
  if (!check) throw new Error(`there is no check ${name}`);
  return check;
}

describe('of what the virtual users saw', () => {
  it('nothing wrong passes', () => {
    expect(judgeFacts(facts()).map(({ name, verdict, observed }) => [name, verdict, observed])).toEqual([
      ['answers_correct', 'pass', '0 of 1,200 calls'],
      ['calls_answered', 'pass', '0 of 1,200 calls'],
      ['events_exact', 'pass', '0 of 20 events'],
      ['gone_is_404', 'pass', '0 of 40 probes'],
      ['expectations_met', 'pass', '0 of 50 expectations'],
    ]);
  });

  it.each<[string, Partial<RunFacts>, string]>([
    ['answers_correct', { wrongAnswers: tally(2) }, '2 of 1,200 calls'],
    ['calls_answered', { unanswered: tally(1) }, '1 of 1,200 calls'],
    [
      'events_exact',
      { events: { owed: 20, excused: 0, resumable: 0, seen: 21, faults: tally(1) } },
      '1 of 21 events',
    ],
    ['gone_is_404', { goneNot404: tally(40) }, '40 of 40 probes'],
    ['expectations_met', { unmetExpectations: tally(3) }, '3 of 50 expectations'],
  ])('a single case fails %s, with the first one as its reason', (name, changes, observed) => {
    const check = checkOf(facts(changes), name);
    expect(check).toMatchObject({ verdict: 'fail', observed, limit: '0', reason: 'case 1' });
    expect(check.evidence[0]).toBe('case 1');
    const others = judgeFacts(facts(changes)).filter((other) => other.name !== name);
    expect(others.every(({ verdict }) => verdict === 'pass')).toBe(true);
  });

  it.each<[string, Partial<RunFacts>, string]>([
    ['answers_correct', { calls: 0 }, 'no call was seen'],
    ['calls_answered', { calls: 0 }, 'no call was seen'],
    ['gone_is_404', { goneProbes: 0 }, 'no probe was seen'],
    ['expectations_met', { expectations: 0 }, 'no expectation was seen'],
  ])('%s that saw nothing has no data: it may not look as if it had passed', (name, changes, reason) => {
    expect(checkOf(facts(changes), name)).toMatchObject({ verdict: 'no-data', reason });
  });

  it.each<[string, Partial<RunFacts['events']>, Partial<Check>]>([
    [
      'streams without ids were lost, so nobody can say',
      { owed: 4, excused: 16, seen: 9 },
      {
        verdict: 'not-observable',
        observed: '0 of 9 events, 16 lost with their streams',
        reason: 'streams were lost, and the target gives its events no ids to resume them by',
      },
    ],
    ['some were lost, and others could be resumed', { excused: 2, resumable: 3 }, { verdict: 'pass' }],
    ['doubled ones are doubled, ids or none', { excused: 16, faults: tally(1) }, { verdict: 'fail' }],
    ['no event at all', { owed: 0, seen: 0 }, { verdict: 'no-data', reason: 'no event was seen' }],
    ['owed, and none came', { seen: 0, faults: tally(2) }, { verdict: 'fail', observed: '2 of 20 events' }],
  ])('events_exact: %s', (_, events, expected) => {
    const run = facts({ events: { ...facts().events, ...events } });
    expect(checkOf(run, 'events_exact')).toMatchObject(expected);
  });

  it('one case of one is told of in the singular', () => {
    expect(checkOf(facts({ calls: 1 }), 'calls_answered').observed).toBe('0 of 1 call');
  });

  it('nothing is said of a drain where nobody signalled', () => {
    expect(judgeFacts(facts()).some(({ name }) => name.startsWith('drain'))).toBe(false);
  });
});

describe('of a shutdown', () => {
  it('a clean one passes', () => {
    const checks = judgeFacts(drain()).slice(5);
    expect(checks.map(({ name, verdict, observed, limit }) => [name, verdict, observed, limit])).toEqual([
      ['drain_answers_calls', 'pass', '0 of 3 calls in flight', '0'],
      ['drain_ends_streams', 'pass', '0 of 5 streams left open', '0'],
      ['drain_accepts_nothing', 'pass', '0 of 7 initializes', '0'],
      ['exits_by_itself', 'pass', '400 ms, code 0', '<= 3 s, code 0'],
    ]);
  });

  it.each<[string, string, Partial<DrainFacts>, Partial<Check>]>([
    [
      'a call cut off',
      'drain_answers_calls',
      { callsUnanswered: tally(1) },
      { verdict: 'fail', reason: 'case 1' },
    ],
    ['no call in flight', 'drain_answers_calls', { callsInFlight: 0 }, { verdict: 'no-data' }],
    [
      'a stream left open',
      'drain_ends_streams',
      { streamsLeft: 1, watchedUntil: 15_000 },
      { verdict: 'fail', reason: '1 stream still open at 15.000 s, 5 s after SIGTERM' },
    ],
    ['no stream open', 'drain_ends_streams', { streamsOpen: 0 }, { verdict: 'no-data' }],
    ['a session let in', 'drain_accepts_nothing', { openedAfter: tally(1) }, { verdict: 'fail' }],
    ['nobody who tried', 'drain_accepts_nothing', { initializesTried: 0 }, { verdict: 'no-data' }],
  ])('with %s: %s', (_, name, changes, expected) => {
    expect(checkOf(drain(changes), name)).toMatchObject(expected);
  });

  it.each<[string, Partial<DrainFacts>, Partial<Check>]>([
    [
      'within drain and a second, exactly',
      { exit: { at: 13_000, code: 0, signal: null } },
      { verdict: 'pass', observed: '3 s, code 0' },
    ],
    [
      'a millisecond later',
      { exit: { at: 13_001, code: 0, signal: null } },
      { verdict: 'fail', reason: 'the target took 3.001 s to end, its drain allows 3 s' },
    ],
    [
      'in time, with another code',
      { exit: { at: 10_100, code: 1, signal: null } },
      { verdict: 'fail', reason: 'the target ended with code 1 instead of code 0' },
    ],
    [
      'killed',
      { exit: { at: 10_100, code: null, signal: 'SIGKILL' } },
      { verdict: 'fail', observed: '100 ms, killed by SIGKILL' },
    ],
    [
      'not at all',
      { exit: 'not-yet', watchedUntil: 16_000 },
      { verdict: 'fail', observed: 'still running after 6 s' },
    ],
    [
      'late, where no drain is promised',
      { exit: { at: 99_000, code: 0, signal: null }, drainMs: null },
      { verdict: 'pass', limit: 'in its own time, code 0' },
    ],
  ])('an exit %s', (_, changes, expected) => {
    expect(checkOf(drain(changes), 'exits_by_itself')).toMatchObject(expected);
  });

  it('an exit that cannot be seen is not observable', () => {
    const { drain: seen, ...rest } = drain();
    if (!seen) throw new Error('no drain');
    const { exit: _, ...unseen } = seen;
    expect(checkOf({ ...rest, drain: unseen }, 'exits_by_itself')).toMatchObject({
      verdict: 'not-observable',
    });
  });
});

describe('of survival', () => {
  const exit = { at: 12_345, exit: { code: 1, signal: null } };

  it.each<[string, Parameters<typeof judgeSurvival>, Partial<Check>[]]>([
    ['a target that is there passes', [undefined, false, true], [{ verdict: 'pass', observed: 'alive' }]],
    [
      'a target that ended by itself fails, with time and code',
      [exit, false, true],
      [{ verdict: 'fail', observed: 'ended at 12.345 s, code 1' }],
    ],
    [
      'a target that was killed fails, with the signal',
      [{ at: 5, exit: { code: null, signal: 'SIGKILL' } }, false, true],
      [{ verdict: 'fail', observed: 'ended at 0.005 s, killed by SIGKILL' }],
    ],
    ['code 0 is no excuse', [{ at: 5, exit: { code: 0, signal: null } }, false, true], [{ verdict: 'fail' }]],
    ['a target that was told to end is not judged', [exit, true, true], []],
    ['a target that is not ours cannot be seen', [undefined, false, false], [{ verdict: 'not-observable' }]],
  ])('%s', (_, given, expected) => {
    const checks = judgeSurvival(...given);
    expect(checks).toHaveLength(expected.length);
    expect(checks).toMatchObject(expected);
  });
});

it('names the failure modes that each check looks for', () => {
  for (const check of [...judgeFacts(drain()), ...judgeSurvival(undefined, false, true)]) {
    expect(check.failureModes.length, check.name).toBeGreaterThan(0);
    for (const mode of check.failureModes) expect(mode).toMatch(/^F\d\d$/);
  }
});
