import type { Check } from './check.ts';
import type { DrainFacts, RunFacts, Tally } from './facts.ts';
import { formatCount, formatLength, formatMoment, grouped } from './format.ts';

/** What an exit may take beyond the drain: streams told to end, connections closed, the process gone (F38). */
const EXIT_GRACE_MS = 1_000;

/** The rule of a check apart from its verdict. */
interface Rule {
  readonly name: string;
  readonly class: Check['class'];
  readonly failureModes: string[];
}

/** Judges what the virtual users saw themselves. Pure; one check per invariant, whatever the scenario names. */
export function judgeFacts(facts: RunFacts): Check[] {
  const checks = [
    none(facts.wrongAnswers, facts.calls, 'call', {
      name: 'answers_correct',
      class: 'protocol',
      failureModes: ['F28', 'F29', 'F30', 'F31'],
    }),
    none(facts.unanswered, facts.calls, 'call', {
      name: 'calls_answered',
      class: 'protocol',
      failureModes: ['F12', 'F17', 'F36', 'F40'],
    }),
    eventsExact(facts.events),
    none(facts.goneNot404, facts.goneProbes, 'probe', {
      name: 'gone_is_404',
      class: 'protocol',
      failureModes: ['F20', 'F52'],
    }),
    none(facts.unmetExpectations, facts.expectations, 'expectation', {
      name: 'expectations_met',
      class: 'protocol',
      failureModes: ['F01', 'F05', 'F12', 'F13', 'F15'],
    }),
  ];
  return facts.drain ? [...checks, ...judgeDrain(facts.drain)] : checks;
}

function judgeDrain(drain: DrainFacts): Check[] {
  return [
    none(drain.callsUnanswered, drain.callsInFlight, 'call in flight', {
      name: 'drain_answers_calls',
      class: 'protocol',
      failureModes: ['F36', 'F37'],
    }),
    streamsEnded(drain),
    none(drain.openedAfter, drain.initializesTried, 'initialize', {
      name: 'drain_accepts_nothing',
      class: 'protocol',
      failureModes: ['F37'],
    }),
    exited(drain),
  ];
}

/** A target that was not told to end must be there at the end of the run (F39, F40). */
export function judgeSurvival(
  exit:
    | { readonly at: number; readonly exit: { readonly code: number | null; readonly signal: string | null } }
    | undefined,
  wasSignalled: boolean,
  isObservable: boolean,
  /** It was told to restart and did not end by itself: in words. */
  stuck?: string,
): Check[] {
  if (wasSignalled) return [];
  const base = {
    name: 'target_survives',
    kind: 'invariant',
    class: 'protocol',
    limit: 'alive to the end',
    failureModes: ['F39', 'F40'],
    evidence: [],
  } as const;
  const check = (verdict: Check['verdict'], observed: string, reason = ''): Check[] => [
    { ...base, failureModes: [...base.failureModes], evidence: [], verdict, observed, reason },
  ];
  if (!isObservable) {
    return check(
      'not-observable',
      'unknown',
      'the target is not a process of ours, so its end cannot be seen',
    );
  }
  if (stuck !== undefined) return check('fail', 'did not end when told to restart', stuck);
  if (!exit) return check('pass', 'alive');
  const how = exit.exit.signal ? `killed by ${exit.exit.signal}` : `code ${exit.exit.code}`;
  return check(
    'fail',
    `ended at ${formatMoment(exit.at)}, ${how}`,
    'the target ended by itself while it was under load',
  );
}

/** `0 of n`: nothing of a kind may have happened, and something must have been there for it to happen to. */
function none(bad: Tally, seen: number, noun: string, rule: Rule): Check {
  const verdict = bad.count > 0 ? 'fail' : seen === 0 ? 'no-data' : 'pass';
  const reasons = { fail: bad.evidence[0] ?? '', 'no-data': `no ${noun} was seen`, pass: '' } as const;
  return {
    ...rule,
    kind: rule.name === 'expectations_met' ? 'expectation' : 'invariant',
    verdict,
    observed: `${grouped(bad.count)} of ${formatCount(seen, noun).replace('call in flights', 'calls in flight')}`,
    limit: '0',
    reason: reasons[verdict],
    evidence: [...bad.evidence],
  };
}

function eventsExact({ owed, excused, resumable, seen, faults }: RunFacts['events']): Check {
  const check = none(faults, Math.max(owed, seen, faults.count), 'event', {
    name: 'events_exact',
    class: 'protocol',
    failureModes: ['F29', 'F30', 'F31', 'F41', 'F42'],
  });
  if (faults.count > 0 || excused === 0 || resumable > 0) return check;
  return {
    ...check,
    verdict: 'not-observable',
    observed: `${check.observed}, ${grouped(excused)} lost with their streams`,
    reason: 'streams were lost, and the target gives its events no ids to resume them by',
  };
}

function streamsEnded(drain: DrainFacts): Check {
  const { streamsOpen, streamsLeft } = drain;
  const verdict = streamsOpen === 0 ? 'no-data' : streamsLeft > 0 ? 'fail' : 'pass';
  const reasons = {
    'no-data': 'no stream was open when the signal came',
    fail: `${formatCount(streamsLeft, 'stream')} still open at ${formatMoment(drain.watchedUntil)}, ${formatLength(drain.watchedUntil - drain.signalledAt)} after ${drain.signal}`,
    pass: '',
  } as const;
  return {
    name: 'drain_ends_streams',
    kind: 'invariant',
    class: 'protocol',
    failureModes: ['F38'],
    verdict,
    observed: `${grouped(streamsLeft)} of ${formatCount(streamsOpen, 'stream')} left open`,
    limit: '0',
    reason: reasons[verdict],
    evidence: [],
  };
}

function exited(drain: DrainFacts): Check {
  const limitMs = drain.drainMs === null ? null : drain.drainMs + EXIT_GRACE_MS;
  const base = {
    name: 'exits_by_itself',
    kind: 'invariant',
    class: 'protocol',
    failureModes: ['F38', 'F58'],
    limit: limitMs === null ? 'in its own time, code 0' : `<= ${formatLength(limitMs)}, code 0`,
    evidence: [],
  } as const;
  const check = (verdict: Check['verdict'], observed: string, reason: string): Check => ({
    ...base,
    failureModes: [...base.failureModes],
    evidence: [],
    verdict,
    observed,
    reason,
  });
  const { exit } = drain;
  if (exit === undefined) {
    return check(
      'not-observable',
      'unknown',
      'the target is not a process of ours, so its exit cannot be seen',
    );
  }
  if (exit === 'not-yet') {
    const watched = formatLength(drain.watchedUntil - drain.signalledAt);
    return check(
      'fail',
      `still running after ${watched}`,
      `the target did not end within ${watched} of ${drain.signal}`,
    );
  }
  const tookMs = exit.at - drain.signalledAt;
  const how = exit.signal ? `killed by ${exit.signal}` : `code ${exit.code}`;
  const observed = `${formatLength(tookMs)}, ${how}`;
  if (exit.code !== 0) return check('fail', observed, `the target ended with ${how} instead of code 0`);
  if (limitMs !== null && tookMs > limitMs) {
    return check(
      'fail',
      observed,
      `the target took ${formatLength(tookMs)} to end, its drain allows ${formatLength(limitMs)}`,
    );
  }
  return check('pass', observed, '');
}
