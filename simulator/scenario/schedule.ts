/** How iterations (one session each) are started, resolved to numbers. */
export type PlannedExecutor =
  | {
      readonly kind: 'constant-arrival-rate';
      readonly ratePerSecond: number;
      readonly durationMs: number;
      readonly maxVUs: number;
      /** Iterations that become due: floor(rate × duration). */
      readonly arrivals: number;
    }
  | { readonly kind: 'per-vu-iterations'; readonly vus: number; readonly iterations: number };

/**
 * When iteration `n` (from 0) is due, whole ms since the workload began; computed from `n` alone, so that no
 * error adds up. A closed executor has no schedule: its iterations are due as soon as a virtual user is free.
 */
export function dueAt(executor: PlannedExecutor, n: number): number {
  switch (executor.kind) {
    case 'constant-arrival-rate':
      return floorExact((n * 1000) / executor.ratePerSecond);
    case 'per-vu-iterations':
      return 0;
  }
}

/** How many iterations become due before the duration ends. */
export function arrivalsIn(ratePerSecond: number, durationMs: number): number {
  return floorExact((ratePerSecond * durationMs) / 1000);
}

/** How many sessions the executor attempts in one cycle. */
export function sessionsPerCycle(executor: PlannedExecutor): number {
  switch (executor.kind) {
    case 'constant-arrival-rate':
      return executor.arrivals;
    case 'per-vu-iterations':
      return executor.vus * executor.iterations;
  }
}

/** Floor, but 0.29 × 100 s is 29 and not 28: a decimal rate must not lose an arrival to binary rounding. */
function floorExact(value: number): number {
  return Math.floor(value + Math.max(1, value) * 2 ** -50);
}
