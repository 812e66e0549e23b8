import type { LeakSeries, LeakUnit, MemorySource } from '../judge/leak-series.ts';
import { estimateLeak, type LeakJudgement, type MemoryReading } from '../judge/leak-verdict.ts';
import { MAX_VALUES } from '../judge/mann-kendall.ts';
import type { Culprit } from './culprit.ts';
import type { LeakPlan } from './leak-plan.ts';

export interface SeriesParts {
  readonly name: string;
  readonly unit: LeakUnit;
  readonly source: MemorySource;
  readonly plan: LeakPlan;
  readonly warmupCycles: number;
  readonly readings: readonly MemoryReading[];
  readonly counts: readonly Readonly<Record<string, number>>[];
  readonly judgement: LeakJudgement;
  /** What makes the measurement worthless, or cut it short; undefined when nothing did. */
  readonly trouble: string | undefined;
  readonly culprit: Culprit | undefined;
  readonly heldBytes: number | undefined;
  readonly heldBudgetBytes: number | undefined;
}

/** A measurement as the result of a run keeps it. */
export function seriesOf(parts: SeriesParts): LeakSeries {
  const { name, unit, source, plan, warmupCycles, readings, counts, judgement, trouble, culprit } = parts;
  const { heldBytes, heldBudgetBytes } = parts;
  const isDecided = judgement.kind === 'decided' && trouble === undefined;
  const estimate =
    judgement.kind === 'decided' ? judgement : estimateLeak(readings.slice(-MAX_VALUES), plan.budgetBytes);
  const { slope, pRising, detectableBytes } = estimate;
  const reasons = [
    isDecided ? judgement.reason : (trouble ?? `it was stopped after ${readings.length} cycles`),
    source === 'rss' ? COARSE : '',
    culprit?.note ?? '',
  ];
  return {
    name,
    unit,
    source,
    isPinned: source === 'heap',
    verdict: isDecided ? judgement.verdict : 'invalid',
    reason: reasons.filter((reason) => reason !== '').join('; '),
    budgetBytes: plan.budgetBytes,
    warmupCycles,
    unitsPerCycle: plan.unitsPerCycle,
    readings: [...readings],
    decidedFrom: judgement.kind === 'decided' ? judgement.decidedFrom : 0,
    slope: slope ? { bytes: slope.median, lo: slope.lo, hi: slope.hi } : null,
    pRising: readings.length === 0 ? null : pRising,
    detectableBytes: detectableBytes ?? null,
    growing: culprit?.growing ?? [],
    allocations: culprit?.allocations ?? [],
    ...(heldBytes !== undefined && { heldBytes }),
    ...(heldBudgetBytes !== undefined && { heldBudgetBytes }),
    counted: countedOf(counts),
  };
}

const COARSE =
  'a coarse alarm only: nobody can make this process collect its garbage, so that smaller leaks cannot be told from it';

/** A kind that was not there at a reading counted 0. */
function countedOf(counts: readonly Readonly<Record<string, number>>[]): LeakSeries['counted'] {
  const kinds = [...new Set(counts.flatMap((count) => Object.keys(count)))];
  return kinds.map((what) => ({ what, values: counts.map((count) => count[what] ?? 0) }));
}
