import { CLIENT_PROFILES, STARTING_OVER } from './client-profile.ts';
import { checkEngineFlow, engineOf } from './engine.ts';
import type { Finding, Path } from './errors.ts';
import { type Step, stepName } from './flow-schema.ts';
import { type Evidence, INVARIANT_NAMES, type InvariantName, neededEvidence } from './invariant-names.ts';
import { LIMITS, overLimit } from './limits.ts';
import { checkEventOrder, endsOf } from './plan-events.ts';
import { modelOf } from './schedule.ts';
import type { Scenario, Workload } from './schema.ts';
import { SESSION_PLACEHOLDER, type StepName, sendsEvents } from './step.ts';
import { allSteps, type PlacedStep, stepsPerIteration, walkSteps } from './walk-steps.ts';

/** What is wrong with a scenario although each of its parts is right, as far as no time matters (see plan.ts). */
export function checkCombinations(scenario: Scenario): Finding[] {
  return [
    ...Object.entries(scenario.workloads).flatMap(([name, workload]) => {
      const path = ['workloads', name, 'flow'];
      return [
        ...checkFlow(workload.flow, path),
        ...checkProfile(workload, path),
        ...checkEngineFlow(workload, path),
      ];
    }),
    ...checkEvents(scenario),
    ...checkInvariants(scenario),
    ...checkTwice(scenario),
  ];
}

/** The invariants of a run: those named, or all that can see something in this scenario. */
export function applicableInvariants(scenario: Scenario): InvariantName[] {
  if (scenario.invariants !== undefined) return scenario.invariants;
  const evidence = evidenceIn(scenario);
  return INVARIANT_NAMES.filter((name) => neededEvidence(name).every((needed) => evidence.has(needed)));
}

/** What a client can do before it has a session. */
const BEFORE_THE_BEGINNING: readonly StepName[] = ['think', 'raw', 'fault', 'repeat'];
/** After these the session is left; only waiting and looking make sense, and asking for what is no more. */
const AFTER_THE_END = {
  delete: ['think', 'expect-gone', 'expect-alive', 'raw'],
  abandon: ['think', 'expect-gone', 'expect-alive'],
} as const satisfies Partial<Record<StepName, readonly StepName[]>>;
type Ending = keyof typeof AFTER_THE_END;
/** What makes one session of a flow into another: nothing can be at work beside it. */
const ALONE: readonly StepName[] = ['initialize', 'reinitialize', 'parallel', 'abandon'];

/** How far a flow has come. */
interface Progress {
  hasBegun: boolean;
  hasListened: boolean;
  hasEvents: boolean;
  ended: Ending | undefined;
}

/** What a step stands in. */
interface Place {
  /** Repeats and flows side by side, one inside another. */
  readonly depth: number;
  readonly isRepeated: boolean;
  readonly isBeside: boolean;
}

function checkFlow(flow: readonly Step[], path: Path): Finding[] {
  const progress: Progress = { hasBegun: false, hasListened: false, hasEvents: false, ended: undefined };
  const findings = checkSteps(flow, path, progress, { depth: 0, isRepeated: false, isBeside: false });
  if (stepsPerIteration(flow) > LIMITS.stepsPerIteration.most) {
    findings.push({
      path,
      message: overLimit('one iteration performs', LIMITS.stepsPerIteration),
      at: 'key',
    });
  }
  return findings;
}

/** Each of several flows at once would open a session of its own, in place of the one that all of them share. */
function checkProfile({ client, flow }: Workload, base: Path): Finding[] {
  const profile = client?.profile ?? 'plain';
  if (!STARTING_OVER.includes(profile)) return [];
  const others = CLIENT_PROFILES.filter((other) => !STARTING_OVER.includes(other));
  const message = `the flows of parallel share one session, and each of them would open another in its place at a 404, as a client with the profile ${profile} does: parallel goes with ${others.join(', ')}`;
  return [...walkSteps(flow, base)].flatMap(({ name, path }) =>
    name === 'parallel' ? [{ path, message }] : [],
  );
}

/** Notes in `progress` how far these steps come. */
function checkSteps(steps: readonly Step[], base: Path, progress: Progress, place: Place): Finding[] {
  return steps.flatMap((step, index) => {
    const path = [...base, index];
    const name = stepName(step);
    const message = stepProblem({ step, name }, progress, place);
    progress.hasBegun ||= !BEFORE_THE_BEGINNING.includes(name);
    progress.hasListened ||= name === 'listen';
    progress.hasEvents ||= announcesEvents(step);
    if (isEnding(name)) progress.ended ??= name;
    const { repeat, parallel } = typeof step === 'string' ? {} : step;
    const depth = place.depth + 1;
    const inner = repeat
      ? checkSteps(repeat.steps, [...path, 'repeat', 'steps'], progress, {
          ...place,
          depth,
          isRepeated: true,
        })
      : checkBranches(parallel?.flows ?? [], [...path, 'parallel', 'flows'], progress, {
          ...place,
          depth,
          isBeside: true,
        });
    return message === undefined ? inner : [{ path, message }, ...inner];
  });
}

/** Each begins where the step begins; what any of them has done has been done when the last is over. */
function checkBranches(flows: readonly Step[][], base: Path, progress: Progress, place: Place): Finding[] {
  const each = flows.map((flow, index) => {
    const own = { ...progress };
    return { own, findings: checkSteps(flow, [...base, index], own, place) };
  });
  for (const { own } of each) {
    progress.hasListened ||= own.hasListened;
    progress.hasEvents ||= own.hasEvents;
    progress.ended ??= own.ended;
  }
  return each.flatMap(({ findings }) => findings);
}

function isEnding(name: StepName): name is Ending {
  return Object.hasOwn(AFTER_THE_END, name);
}

function stepProblem(
  { step, name }: Pick<PlacedStep, 'step' | 'name'>,
  { hasBegun, hasListened, hasEvents, ended }: Progress,
  { depth, isRepeated, isBeside }: Place,
): string | undefined {
  if (isBeside && ALONE.includes(name))
    return `${name} concerns the client as a whole, so it cannot stand inside parallel`;
  if (!hasBegun && name !== 'initialize' && !BEFORE_THE_BEGINNING.includes(name))
    return `the first step of a flow is initialize, got ${name}`;
  if ((hasBegun || depth > 0) && name === 'initialize')
    return 'initialize is only the first step: reinitialize opens another session';
  if (isRepeated && isEnding(name)) return `${name} ends the session, so it cannot stand inside repeat`;
  if (depth >= LIMITS.nesting.most && name === 'repeat')
    return overLimit('repeats are nested', LIMITS.nesting);
  if (!hasListened && (name === 'reconnect' || name === 'resume'))
    return `${name} opens a stream again, so a listen comes before it`;
  if (!hasEvents && name === 'expect-events')
    return 'expect-events waits for what a call of emit sends, so one with on: stream or progress: true comes before it';
  if (!hasBegun && namesSession(step))
    return `there is no ${SESSION_PLACEHOLDER} yet: an initialize comes before it`;
  // What stands inside a repeat is covered by the message about that repeat.
  if (ended === undefined || isRepeated) return undefined;
  const allowed: readonly StepName[] = AFTER_THE_END[ended];
  return allowed.includes(name)
    ? undefined
    : `nothing but ${allowed.join(', ')} can follow ${ended}, got ${name}`;
}

function announcesEvents(step: Step): boolean {
  if (typeof step === 'string') return false;
  const { call, concurrent } = step;
  return [call, concurrent?.call, ...(concurrent?.calls ?? [])].some(
    (each) => each !== undefined && (each.progress === true || sendsEvents(each.tool, each.arguments)),
  );
}

function namesSession(step: Step): boolean {
  const headers = typeof step === 'string' ? undefined : step.raw?.headers;
  return Object.values(headers ?? {}).some(
    (value) => typeof value === 'string' && value.includes(SESSION_PLACEHOLDER),
  );
}

function checkEvents({ events, cycles }: Scenario): Finding[] {
  const { bySignal, byKill } = endsOf(events);
  if ((!bySignal && !byKill) || cycles === 1) return checkEventOrder(events);
  const message = `with events there is one cycle, got ${cycles}: the target does not come back after a signal`;
  return [{ path: ['cycles'], message }];
}

const MISSING: Readonly<Record<Evidence, string>> = {
  signal: 'a signal under events',
  'no-signal': 'a target that lives to the end, so no signal under events',
  call: 'a call, concurrent or list step',
  stream: 'a listen step',
  arrivals: 'a workload with an arrival rate',
  expectation: 'an expect-gone, expect-alive or raw step',
  'expect-gone': 'an expect-gone step',
  events: 'an expect-events step',
  cap: 'a hub with maxSessions',
  reap: 'a session that its flow does not delete',
};

function checkInvariants(scenario: Scenario): Finding[] {
  const evidence = evidenceIn(scenario);
  return (scenario.invariants ?? []).flatMap((name, index) => {
    const missing = neededEvidence(name).find((needed) => !evidence.has(needed));
    if (missing === undefined) return [];
    return [
      { path: ['invariants', index], message: `${name} would see nothing: it needs ${MISSING[missing]}` },
    ];
  });
}

function evidenceIn(scenario: Scenario): Set<Evidence> {
  const { bySignal, byKill } = endsOf(scenario.events);
  const evidence = new Set<Evidence>();
  if (bySignal) evidence.add('signal');
  if (!bySignal && !byKill) evidence.add('no-signal');
  for (const { name } of allSteps(scenario)) {
    if (name === 'call' || name === 'concurrent' || name === 'list') evidence.add('call');
    if (name === 'expect-gone' || name === 'expect-alive' || name === 'raw') evidence.add('expectation');
    if (name === 'expect-gone') evidence.add('expect-gone');
    if (name === 'expect-events') evidence.add('events');
    if (name === 'listen') evidence.add('stream');
  }
  // Who sets the hub a cap writes of caps; any target may have another.
  if (scenario.hub?.virtual?.maxSessions ?? scenario.hub?.real?.maxSessions) evidence.add('cap');
  const workloads = Object.values(scenario.workloads);
  const isOpen = (workload: Workload) =>
    engineOf(workload) === undefined && modelOf({ kind: workload.executor }) === 'open';
  if (workloads.some(isOpen)) evidence.add('arrivals');
  // A target that is told to end seldom gets to reap: whoever wants to see that has to ask for it.
  const isTold = bySignal || byKill || scenario.events.some(({ restart }) => restart);
  if (!isTold && workloads.some(({ flow }) => leavesSession(flow))) evidence.add('reap');
  return evidence;
}

/** Whether sessions of this flow are left for the target to end. */
function leavesSession(flow: readonly Step[]): boolean {
  const names = [...walkSteps(flow, [])].map(({ name }) => name);
  if (names.includes('reinitialize')) return true;
  return names.includes('initialize') && !names.includes('delete');
}

/** A rule that stands twice in a list is a slip: one of the two was meant to be another. */
function checkTwice({ covers, invariants = [], thresholds }: Scenario): Finding[] {
  const lists: [Path, readonly string[]][] = [
    [['covers'], covers],
    [['invariants'], invariants],
    ...Object.entries(thresholds).map(([name, rules]): [Path, string[]] => [['thresholds', name], rules]),
  ];
  return lists.flatMap(([path, words]) =>
    words.flatMap((word, index) =>
      words.indexOf(word) < index ? [{ path: [...path, index], message: `'${word}' stands here twice` }] : [],
    ),
  );
}
