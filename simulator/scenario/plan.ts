import type { Policy } from '../judge/policy.ts';
import { parseThreshold, type Threshold } from '../judge/threshold.ts';
import type { ClientProfile } from './client-profile.ts';
import { applicableInvariants } from './combinations.ts';
import { type PolicyTimes, policyTimes } from './duration.ts';
import { refuseEngines } from './engine.ts';
import { type Finding, type Path, renderPath, ScenarioError } from './errors.ts';
import type { InvariantName } from './invariant-names.ts';
import { LIMITS, overLimit } from './limits.ts';
import { type PlannedEvent, planEvent } from './plan-events.ts';
import { choose, planExecutor } from './plan-executor.ts';
import { planSteps } from './plan-steps.ts';
import { Resolver } from './resolver.ts';
import { mostSessionsPerCycle, type PlannedExecutor, sessionsPerCycle } from './schedule.ts';
import { DEFAULT_PROTOCOL_VERSION, type ProtocolVersion, type Scenario, type Workload } from './schema.ts';
import { MODES, type Mode } from './schema-parts.ts';
import type { ScenarioSource } from './source.ts';
import { type PlannedStep, sessionsPerIteration, shortestMs } from './step.ts';

export type { PlannedEvent } from './plan-events.ts';

/** A scenario with everything decided: times in ms, one mode, one seed. Plain JSON, so that workers can be sent it. */
export interface Plan {
  readonly scenario: string;
  readonly mode: Mode;
  readonly seed: number;
  readonly cycles: number;
  readonly settleMs: number;
  readonly observeMs: number;
  readonly workloads: readonly PlannedWorkload[];
  readonly events: readonly PlannedEvent[];
  readonly thresholds: readonly Threshold[];
  readonly invariants: readonly InvariantName[];
  /** Iterations that all cycles together begin, as far as that is planned: not those of executors that time alone ends. */
  readonly plannedSessions: number;
}

export interface PlannedWorkload {
  readonly name: string;
  readonly client: PlannedClient;
  readonly failureModes: readonly string[];
  /** When it begins, since its cycle began. */
  readonly startMs: number;
  readonly executor: PlannedExecutor;
  readonly flow: readonly PlannedStep[];
}

export interface PlannedClient {
  readonly name: string;
  readonly protocolVersion: ProtocolVersion;
  readonly profile: ClientProfile;
  /** Sent with every request; absent where it has none of its own. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PlanOptions {
  readonly mode: Mode;
  /** A whole number >= 0. */
  readonly seed: number;
  /** What the target promises: gives T, C, H and D their values. */
  readonly policy: Policy;
  /** Gives errors their line and column. */
  readonly source?: ScenarioSource;
}

/** Resolves a scenario for one run. Throws ScenarioError, for example when it uses a time the target does not promise. */
export function makePlan(scenario: Scenario, { mode, seed, policy, source }: PlanOptions): Plan {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`a seed is a whole number >= 0, got ${seed}`);
  const findings: Finding[] = [];
  const plan = draftPlan(scenario, mode, seed, (client) => policyTimes(policy, client), findings);
  findings.push(...refuseEngines(scenario, mode));
  if (findings.length === 0) return plan;
  throw new ScenarioError(
    findings.map(
      (finding) =>
        source?.problem(finding) ?? {
          file: scenario.name,
          line: 0,
          column: 0,
          message: `${renderPath(finding.path)}: ${finding.message}`,
          excerpt: '',
        },
    ),
  );
}

const UNKNOWN: PolicyTimes = { T: Number.NaN, C: Number.NaN, H: Number.NaN, D: Number.NaN };

/** What is wrong with the times of a scenario, whatever the target promises. */
export function checkTimes(scenario: Scenario): Finding[] {
  const findings: Finding[] = [];
  for (const mode of MODES) draftPlan(scenario, mode, 0, () => UNKNOWN, findings);
  // Most settings hold in both modes and are then found wrong twice.
  const seen = new Set<string>();
  return findings.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return !seen.has(key) && seen.add(key);
  });
}

type TimesFor = (clientName: string) => PolicyTimes;

function draftPlan(
  scenario: Scenario,
  mode: Mode,
  seed: number,
  timesFor: TimesFor,
  findings: Finding[],
): Plan {
  const names = Object.entries(scenario.workloads).map(([name, { client }]) => client?.name ?? name);
  const run = new Resolver(longestTimes(names.map(timesFor)), findings);
  const workloads = Object.entries(scenario.workloads).map(([name, workload]) =>
    planWorkload(name, workload, { mode, seed }, timesFor, findings),
  );
  const plannedSessions =
    scenario.cycles * workloads.reduce((sum, { executor }) => sum + sessionsPerCycle(executor), 0);
  checkNumberOfSessions(workloads, scenario.cycles, mode, run);
  return {
    scenario: scenario.name,
    mode,
    seed,
    cycles: scenario.cycles,
    settleMs: resolved(run, choose(scenario.settle, undefined, mode, [], 'settle')),
    observeMs: atLeastOne(run, choose(scenario.observe, undefined, mode, [], 'observe')),
    workloads,
    events: scenario.events.map((event, index) =>
      planEvent(event, resolved(run, choose(event.at, undefined, mode, ['events', index], 'at'))),
    ),
    thresholds: Object.entries(scenario.thresholds).flatMap(([selector, rules]) =>
      rules.map((rule) => parseThreshold(selector, rule)),
    ),
    invariants: applicableInvariants(scenario),
    plannedSessions,
  };
}

function planWorkload(
  name: string,
  workload: Workload,
  { mode, seed }: { mode: Mode; seed: number },
  timesFor: TimesFor,
  findings: Finding[],
): PlannedWorkload {
  const client = {
    name: workload.client?.name ?? name,
    protocolVersion: workload.client?.protocolVersion ?? DEFAULT_PROTOCOL_VERSION,
    profile: workload.client?.profile ?? 'plain',
    ...(workload.client?.headers && { headers: workload.client.headers }),
  };
  const path = ['workloads', name];
  const resolver = new Resolver(timesFor(client.name), findings);
  return {
    name,
    client,
    failureModes: workload.failureModes ?? [],
    startMs: resolved(resolver, choose(workload.startTime ?? '0s', undefined, mode, path, 'startTime')),
    executor: planExecutor(workload, { name, mode, seed }, resolver),
    flow: planSteps(workload.flow, [...path, 'flow'], resolver),
  };
}

/** Planned ones, and those of closed executors, which are as many as fit into their time. */
function checkNumberOfSessions(
  workloads: readonly PlannedWorkload[],
  cycles: number,
  mode: Mode,
  run: Resolver,
): void {
  const { most } = LIMITS.plannedSessions;
  let planned = 0;
  for (const { name, executor, flow } of workloads) {
    const sessions = cycles * sessionsPerIteration(flow);
    planned += sessions * sessionsPerCycle(executor);
    const possible = sessions * mostSessionsPerCycle(executor, shortestMs(flow));
    // Unknown times make it NaN, which is more than nothing.
    if (sessionsPerCycle(executor) > 0 || !(possible > most)) continue;
    const message = overLimit(
      `${possible.toLocaleString('en-US')} sessions could be opened in ${mode} mode (let the flow think longer); they are`,
      LIMITS.plannedSessions,
    );
    run.note({ path: ['workloads', name, 'flow'], message, at: 'key' });
  }
  if (!(planned > most)) return;
  const sessions = `${planned.toLocaleString('en-US')} planned sessions`;
  const message = overLimit(`${sessions} in ${mode} mode; they are`, LIMITS.plannedSessions);
  run.note({ path: ['workloads'], message, at: 'key' });
}

function resolved(resolver: Resolver, { value, path }: { value: string; path: Path }): number {
  return resolver.ms(value, path);
}

function atLeastOne(resolver: Resolver, setting: { value: string; path: Path }): number {
  const ms = resolved(resolver, setting);
  if (ms < 1) resolver.note({ path: setting.path, message: 'the time between two looks is at least 1ms' });
  return ms;
}

/** For times of the whole run T is the longest of its clients' timeouts: settling has to outlast every one of them. */
function longestTimes(all: readonly PolicyTimes[]): PolicyTimes {
  const [first = UNKNOWN] = all;
  const timeouts = all.map(({ T }) => T);
  return { ...first, T: timeouts.includes(null) ? null : Math.max(...timeouts.map(Number)) };
}
