import type { MemorySource } from '../judge/leak-series.ts';
import { CYCLES, type LeakOptions, MAX_WARMUP_CYCLES, UNIT_DEFAULTS, WARMUP_CYCLES } from './leak-options.ts';

/** How often what is done, and what may stay behind. */
export interface LeakPlan {
  readonly budgetBytes: number;
  readonly unitsPerCycle: number;
  readonly warmupCycles: number;
  readonly maxWarmupCycles: number;
  readonly cycles: number;
}

/** Pages of 4 KiB are read there, so that a cycle needs units enough to fill some. */
const MIN_ANONYMOUS_UNITS = 100;
/** Garbage that nobody collected: healthy servers have read as ±70 kB per session. */
const COARSE_BUDGET_BYTES = 100_000;
const MIN_COARSE_UNITS = 60;

/** What was asked for, completed with what fits the unit and the source of bytes. */
export function planLeak(options: LeakOptions, source: MemorySource): LeakPlan {
  const usual = UNIT_DEFAULTS[options.unit];
  const ownBytes = options.isStrict === true ? usual.strictBytes : usual.budgetBytes;
  const least = { heap: 0, anonymous: MIN_ANONYMOUS_UNITS, rss: MIN_COARSE_UNITS }[source];
  const budgetBytes = options.budgetBytes ?? ownBytes;
  const { warmupCycles = WARMUP_CYCLES, cycles = CYCLES } = options;
  return {
    budgetBytes: source === 'rss' ? Math.max(budgetBytes, COARSE_BUDGET_BYTES) : budgetBytes,
    unitsPerCycle: options.unitsPerCycle ?? Math.max(usual.unitsPerCycle, least),
    warmupCycles,
    maxWarmupCycles: Math.max(warmupCycles, MAX_WARMUP_CYCLES),
    cycles,
  };
}
