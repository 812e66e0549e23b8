import type { Finding, Path } from './errors.ts';
import type { Step } from './flow-schema.ts';
import { type Evidence, INVARIANT_NAMES, type InvariantName, neededEvidence } from './invariant-names.ts';
import { LIMITS, overLimit } from './limits.ts';
import type { Scenario } from './schema.ts';
import type { StepName } from './step.ts';
import { allSteps, type PlacedStep, stepsPerIteration, walkSteps } from './walk-steps.ts';

/** What is wrong with a scenario although each of its parts is right, as far as no time matters (see plan.ts). */
export function checkCombinations(scenario: Scenario): Finding[] {
  return [
    ...Object.entries(scenario.workloads).flatMap(([name, { flow }]) =>
      checkFlow(flow, ['workloads', name, 'flow']),
    ),
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

/** After these the client has left; only waiting and looking make sense. */
const ENDINGS: readonly StepName[] = ['delete', 'abandon'];
const AFTER_THE_END: readonly StepName[] = ['think', 'expect-gone', 'expect-alive'];

function checkFlow(flow: readonly Step[], path: Path): Finding[] {
  const findings: Finding[] = [];
  let ended: StepName | undefined;
  let isFirst = true;
  for (const placed of walkSteps(flow, path)) {
    const message = stepProblem(placed, isFirst, ended);
    if (message !== undefined) findings.push({ path: placed.path, message });
    isFirst = false;
    if (ENDINGS.includes(placed.name)) ended ??= placed.name;
  }
  if (stepsPerIteration(flow) > LIMITS.stepsPerIteration.most) {
    findings.push({
      path,
      message: overLimit('one iteration performs', LIMITS.stepsPerIteration),
      at: 'key',
    });
  }
  return findings;
}

function stepProblem({ name, depth }: PlacedStep, isFirst: boolean, ended?: StepName): string | undefined {
  if (isFirst && name !== 'initialize') return `the first step of a flow is initialize, got ${name}`;
  if (!isFirst && name === 'initialize')
    return 'initialize is only the first step: each iteration is one session';
  if (depth > 0 && ENDINGS.includes(name))
    return `${name} ends the session, so it cannot stand inside repeat`;
  if (depth === LIMITS.nesting.most && name === 'repeat')
    return overLimit('repeats are nested', LIMITS.nesting);
  // What stands inside a repeat is covered by the message about that repeat.
  if (ended === undefined || depth > 0 || AFTER_THE_END.includes(name)) return undefined;
  return `nothing but ${AFTER_THE_END.join(', ')} can follow ${ended}, got ${name}`;
}

function checkEvents({ events, cycles }: Scenario): Finding[] {
  if (events.length === 0 || cycles === 1) return [];
  const message = `with events there is one cycle, got ${cycles}: the target does not come back after a signal`;
  return [{ path: ['cycles'], message }];
}

const MISSING: Readonly<Record<Evidence, string>> = {
  signal: 'a signal under events',
  'no-signal': 'a target that lives to the end, so no signal under events',
  call: 'a call or list step',
  stream: 'a listen step',
  arrivals: 'a workload with constant-arrival-rate',
  expectation: 'an expect-gone or expect-alive step',
  'expect-gone': 'an expect-gone step',
  reap: 'a flow that does not end with delete',
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
  const evidence = new Set<Evidence>([scenario.events.length > 0 ? 'signal' : 'no-signal']);
  for (const { name } of allSteps(scenario)) {
    if (name === 'call' || name === 'list') evidence.add('call');
    if (name === 'expect-gone' || name === 'expect-alive') evidence.add('expectation');
    if (name === 'expect-gone') evidence.add('expect-gone');
    if (name === 'listen') evidence.add('stream');
  }
  const workloads = Object.values(scenario.workloads);
  if (workloads.some(({ executor }) => executor === 'constant-arrival-rate')) evidence.add('arrivals');
  const flows = Object.values(scenario.workloads).map(({ flow }) => flow);
  // A target that is told to end seldom gets to reap: whoever wants to see that has to ask for it.
  const hasSignal = scenario.events.length > 0;
  if (!hasSignal && flows.some((flow) => !flow.includes('delete'))) evidence.add('reap');
  return evidence;
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
