import type { Policy } from '../judge/policy.ts';
import { parseThreshold, type Threshold } from '../judge/threshold.ts';
import { applicableInvariants } from './combinations.ts';
import { formatDuration, type PolicyTimes, policyTimes } from './duration.ts';
import { type Finding, type Path, renderPath, ScenarioError } from './errors.ts';
import type { InvariantName } from './invariant-names.ts';
import { LIMITS, overLimit } from './limits.ts';
import { planSteps, Resolver } from './plan-steps.ts';
import { arrivalsIn, type PlannedExecutor, sessionsPerCycle } from './schedule.ts';
import {
  DEFAULT_PROTOCOL_VERSION,
  type ProtocolVersion,
  type Scenario,
  type SIGNALS,
  type Workload,
} from './schema.ts';
import { MODES, type Mode } from './schema-parts.ts';
import type { ScenarioSource } from './source.ts';
import type { PlannedStep } from './step.ts';

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
  /** Sessions that all cycles together attempt. */
  readonly plannedSessions: number;
}

export interface PlannedWorkload {
  readonly name: string;
  readonly client: { readonly name: string; readonly protocolVersion: ProtocolVersion };
  readonly failureModes: readonly string[];
  readonly executor: PlannedExecutor;
  readonly flow: readonly PlannedStep[];
}

export interface PlannedEvent {
  /** Since the run began. */
  readonly atMs: number;
  readonly signal: (typeof SIGNALS)[number];
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
    planWorkload(name, workload, mode, timesFor, findings),
  );
  const plannedSessions =
    scenario.cycles * workloads.reduce((sum, { executor }) => sum + sessionsPerCycle(executor), 0);
  if (plannedSessions > LIMITS.plannedSessions.most) {
    const planned = `${plannedSessions.toLocaleString('en-US')} planned sessions`;
    const message = overLimit(`${planned} in ${mode} mode; they are`, LIMITS.plannedSessions);
    run.note({ path: ['workloads'], message, at: 'key' });
  }
  return {
    scenario: scenario.name,
    mode,
    seed,
    cycles: scenario.cycles,
    settleMs: resolved(run, choose(scenario.settle, undefined, mode, [], 'settle')),
    observeMs: atLeastOne(run, choose(scenario.observe, undefined, mode, [], 'observe')),
    workloads,
    events: scenario.events.map(({ at, signal }, index) => ({
      atMs: resolved(run, choose(at, undefined, mode, ['events', index], 'at')),
      signal,
    })),
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
  mode: Mode,
  timesFor: TimesFor,
  findings: Finding[],
): PlannedWorkload {
  const client = {
    name: workload.client?.name ?? name,
    protocolVersion: workload.client?.protocolVersion ?? DEFAULT_PROTOCOL_VERSION,
  };
  const path = ['workloads', name];
  const resolver = new Resolver(timesFor(client.name), findings);
  return {
    name,
    client,
    failureModes: workload.failureModes ?? [],
    executor: planExecutor(workload, mode, path, resolver),
    flow: planSteps(workload.flow, [...path, 'flow'], resolver),
  };
}

function planExecutor(workload: Workload, mode: Mode, path: Path, resolver: Resolver): PlannedExecutor {
  switch (workload.executor) {
    case 'constant-arrival-rate': {
      const over = workload[mode] ?? {};
      const ratePerSecond = choose(workload.rate, over.rate, mode, path, 'rate').value;
      const duration = choose(workload.duration, over.duration, mode, path, 'duration');
      const durationMs = resolved(resolver, duration);
      const arrivals = arrivalsIn(ratePerSecond, durationMs);
      if (arrivals < 1) {
        const message = `no session would start: ${ratePerSecond} per second for ${formatDuration(durationMs)} is less than one`;
        resolver.note({ path: duration.path, message });
      }
      const maxVUs = choose(workload.maxVUs, over.maxVUs, mode, path, 'maxVUs').value;
      return { kind: workload.executor, ratePerSecond, durationMs, maxVUs, arrivals };
    }
    case 'per-vu-iterations': {
      const over = workload[mode] ?? {};
      const vus = choose(workload.vus, over.vus, mode, path, 'vus').value;
      const iterations = choose(workload.iterations, over.iterations, mode, path, 'iterations').value;
      return { kind: workload.executor, vus, iterations };
    }
  }
}

type Scalar = string | number;

/** The value that holds in this mode, and where it was written. */
function choose<Value extends Scalar>(
  setting: Value | Readonly<Record<Mode, Value>>,
  override: Value | undefined,
  mode: Mode,
  parent: Path,
  key: string,
): { value: Value; path: Path } {
  if (override !== undefined) return { value: override, path: [...parent, mode, key] };
  if (typeof setting === 'object') return { value: setting[mode], path: [...parent, key, mode] };
  return { value: setting, path: [...parent, key] };
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
