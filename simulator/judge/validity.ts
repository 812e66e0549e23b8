import type { MetricsSnapshot } from './metrics.ts';
import type { Strain } from './strain.ts';

/** How the load generator itself fared. */
export interface GeneratorHealth {
  readonly planned: number;
  readonly started: number;
  readonly dropped: number;
  /** How late requests left, by the generator's own fault, ms. */
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
  readonly lagMaxMs: number;
  /** Delay of the generator's event loop, ms; null in virtual time, where there is none. */
  readonly loopDelayP99Ms: number | null;
  /** Requests that failed for want of local ports, files or memory. */
  readonly localFailures: number;
  /** The same by error code (`EMFILE`, `EADDRNOTAVAIL`, …), where there were any. */
  readonly localFailuresBy?: Readonly<Record<string, number>> | undefined;
  /** Absent in virtual time. */
  readonly strain?: Strain | undefined;
}

/** Lag below this is noise of any machine; above it, latencies measured are partly the generator's own. */
const MAX_LAG_P99_MS = 10;
/** Or this share of the tightest latency limit, where that is more. */
const MAX_LAG_SHARE = 0.1;
const MIN_STARTED_SHARE = 0.99;

/**
 * Why claims about time cannot be decided in this run; undefined when they can. Schedule lag decides: CPU and
 * event-loop utilisation *fall* when neighbours starve the generator. Counts and protocol checks stand anyway.
 */
export function timingInvalidReason(
  health: GeneratorHealth,
  tightestLimitMs: number | null,
): string | undefined {
  const allowedMs = Math.max(MAX_LAG_P99_MS, MAX_LAG_SHARE * (tightestLimitMs ?? 0));
  if (health.lagP99Ms > allowedMs) {
    return `the simulator sent its requests late (p99 ${health.lagP99Ms.toFixed(1)} ms, at most ${allowedMs} ms): this machine was too busy to measure time`;
  }
  if (health.localFailures > 0) {
    const codes = Object.keys(health.localFailuresBy ?? {});
    const named = codes.length === 0 ? '' : ` (${codes.join(', ')})`;
    return `${health.localFailures} requests failed for want of files or ports on the simulator's own machine${named}`;
  }
  const missing = health.planned - health.started - health.dropped;
  if (missing > (1 - MIN_STARTED_SHARE) * health.planned) {
    return `only ${health.started} of ${health.planned} planned sessions were started`;
  }
  return undefined;
}

export function generatorHealth(
  metrics: MetricsSnapshot,
  counts: Pick<GeneratorHealth, 'planned' | 'started' | 'loopDelayP99Ms' | 'localFailuresBy' | 'strain'>,
): GeneratorHealth {
  const lag = metrics.trends.schedule_lag_ms;
  return {
    ...counts,
    dropped: metrics.counters.dropped_iterations ?? 0,
    lagP50Ms: lag?.p50Ms ?? 0,
    lagP99Ms: lag?.p99Ms ?? 0,
    lagMaxMs: lag?.maxMs ?? 0,
    localFailures: metrics.errors.local_limit ?? 0,
  };
}
