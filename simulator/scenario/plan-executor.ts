import { formatDuration } from './duration.ts';
import { planSaturation } from './engine.ts';
import type { Path } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Resolver } from './resolver.ts';
import {
  type ArrivalExecutor,
  dueTimes,
  evenArrivals,
  expectedArrivals,
  type PlannedExecutor,
  type Stage,
} from './schedule.ts';
import type { Workload } from './schema.ts';
import type { Mode } from './schema-parts.ts';

/** Of which workload, and of which run. */
interface Place {
  readonly name: string;
  readonly mode: Mode;
  readonly seed: number;
}

/** Settings of an executor in numbers. What is wrong with them is noted. */
export function planExecutor(workload: Workload, place: Place, resolver: Resolver): PlannedExecutor {
  const { mode } = place;
  const path: Path = ['workloads', place.name];
  switch (workload.executor) {
    case 'constant-arrival-rate': {
      const over = workload[mode] ?? {};
      const ratePerSecond = choose(workload.rate, over.rate, mode, path, 'rate').value;
      const duration = choose(workload.duration, over.duration, mode, path, 'duration');
      const durationMs = resolver.ms(duration.value, duration.path);
      const maxVUs = choose(workload.maxVUs, over.maxVUs, mode, path, 'maxVUs').value;
      const arrivals = choose(workload.arrivals ?? 'even', over.arrivals, mode, path, 'arrivals').value;
      if (workload.engine) {
        if (arrivals !== 'even') {
          const message = `engine ${workload.engine} knows no arrivals at random`;
          resolver.note({ path: [...path, 'arrivals'], message });
        }
        return planSaturation({ connections: maxVUs, durationMs, ratePerSecond }, path, resolver);
      }
      const even = { kind: workload.executor, ratePerSecond, durationMs, maxVUs, arrivals: 0 };
      const why = `${ratePerSecond} per second for ${formatDuration(durationMs)} is less than one`;
      return withArrivals(even, arrivals, place, { why, path: duration.path, resolver });
    }
    case 'ramping-arrival-rate': {
      const over = workload[mode] ?? {};
      const stages = chooseStages(workload.stages, over.stages, mode, path);
      const maxVUs = choose(workload.maxVUs, over.maxVUs, mode, path, 'maxVUs').value;
      const startRate = choose(workload.startRate ?? 0, over.startRate, mode, path, 'startRate').value;
      const arrivals = choose(workload.arrivals ?? 'even', over.arrivals, mode, path, 'arrivals').value;
      const planned = planStages(stages, resolver);
      const even = { kind: workload.executor, startRate, stages: planned, maxVUs, arrivals: 0 };
      const why = 'the stages add up to less than one';
      return withArrivals(even, arrivals, place, { why, path: stages.path, resolver });
    }
    case 'per-vu-iterations': {
      const over = workload[mode] ?? {};
      const vus = choose(workload.vus, over.vus, mode, path, 'vus').value;
      const iterations = choose(workload.iterations, over.iterations, mode, path, 'iterations').value;
      return { kind: workload.executor, vus, iterations };
    }
    case 'constant-vus': {
      const over = workload[mode] ?? {};
      const vus = choose(workload.vus, over.vus, mode, path, 'vus').value;
      const duration = choose(workload.duration, over.duration, mode, path, 'duration');
      const durationMs = resolver.ms(duration.value, duration.path);
      if (workload.engine) {
        return planSaturation({ connections: vus, durationMs, ratePerSecond: null }, path, resolver);
      }
      if (durationMs < 1)
        resolver.note({ path: duration.path, message: 'no session would start in no time' });
      return { kind: workload.executor, vus, durationMs };
    }
    case 'ramping-vus': {
      const over = workload[mode] ?? {};
      const startVUs = choose(workload.startVUs ?? 0, over.startVUs, mode, path, 'startVUs').value;
      const stages = chooseStages(workload.stages, over.stages, mode, path);
      const text = over.gracefulRampDown ?? workload.gracefulRampDown;
      const graceful =
        text === undefined ? undefined : choose(text, over.gracefulRampDown, mode, path, 'gracefulRampDown');
      return {
        kind: workload.executor,
        startVUs,
        stages: plannedUsers(startVUs, stages, resolver),
        gracefulRampDownMs: graceful ? resolver.ms(graceful.value, graceful.path) : null,
      };
    }
  }
}

/** The value that holds in this mode, and where it was written. */
export function choose<Value extends string | number>(
  setting: PerMode<Value>,
  override: Value | undefined,
  mode: Mode,
  parent: Path,
  key: string,
): { value: Value; path: Path } {
  if (override !== undefined) return { value: override, path: [...parent, mode, key] };
  if (typeof setting === 'object') return { value: setting[mode], path: [...parent, key, mode] };
  return { value: setting, path: [...parent, key] };
}

type PerMode<Value> = Value | Readonly<Record<Mode, Value>>;
type StagesAsWritten = { duration: string; target: number }[];
type WrittenStages = { value: StagesAsWritten; path: Path };

function chooseStages(
  setting: PerMode<StagesAsWritten>,
  override: StagesAsWritten | undefined,
  mode: Mode,
  parent: Path,
): WrittenStages {
  if (override !== undefined) return { value: override, path: [...parent, mode, 'stages'] };
  if (!Array.isArray(setting)) return { value: setting[mode], path: [...parent, 'stages', mode] };
  return { value: setting, path: [...parent, 'stages'] };
}

function planStages({ value, path }: WrittenStages, resolver: Resolver): Stage[] {
  return value.map(({ duration, target }, index) => ({
    durationMs: resolver.ms(duration, [...path, index, 'duration']),
    target,
  }));
}

function plannedUsers(startVUs: number, stages: WrittenStages, resolver: Resolver): Stage[] {
  const planned = planStages(stages, resolver);
  const lasts = planned.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const isEmpty = startVUs === 0 && planned.every(({ target }) => target === 0);
  if (isEmpty || lasts < 1) {
    const message = isEmpty
      ? 'no session would start: no stage has a virtual user'
      : 'no session would start: the stages last no time';
    resolver.note({ path: stages.path, message });
  }
  return planned;
}

/** Counts the arrivals, at random ones as the seed gives them. */
function withArrivals(
  even: ArrivalExecutor,
  arrivals: 'even' | 'poisson',
  { name, seed }: Place,
  { why, path, resolver }: { why: string; path: Path; resolver: Resolver },
): ArrivalExecutor {
  const expected = evenArrivals(even);
  if (expected < 1) resolver.note({ path, message: `no session would start: ${why}` });
  if (arrivals === 'even') return { ...even, arrivals: expected };
  const executor: ArrivalExecutor = { ...even, poisson: { seed, workload: name } };
  // Too many to count are refused elsewhere, and unknown times have no arrivals yet.
  const isCountable = expectedArrivals(even) <= 2 * LIMITS.plannedSessions.most;
  return { ...executor, arrivals: isCountable ? [...dueTimes(executor)].length : expected };
}
