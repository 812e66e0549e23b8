import * as z from 'zod';
import { coarser } from './round-width.ts';

/** Which promise decided when the session might end: T, H, or T of a session whose stream's peer was dead (D). */
export const ReapRuleSchema = z.enum(['idle', 'handshake', 'stream']);
export type ReapRule = z.infer<typeof ReapRuleSchema>;

const count = z.number().int().nonnegative();

/** How long after their last use sessions were gone that nobody ended, and within which bounds they had to be. */
export const ReapGroupSchema = z.object({
  rule: ReapRuleSchema,
  /** Bounds since the last use, ms: earliest due, and latest tolerated of the group; null where nothing bounds it. */
  fromMs: z.number().nullable(),
  toMs: z.number().nullable(),
  /** Late ones that never went: they are in no bin. */
  stillThere: count,
  binMs: z.number().positive(),
  /** Bin `at` holds [at × binMs, (at + 1) × binMs). */
  bins: z.array(
    z.object({ at: z.number().int(), certified: count, early: count, late: count, tooCoarse: count }),
  ),
});
export type ReapGroup = z.infer<typeof ReapGroupSchema>;

/** More columns than that nobody tells apart on a page. */
export const MAX_BINS = 150;
/** Rules, times timeouts of client names; further ones share the last group of their rule. */
export const MAX_GROUPS = 12;

/** One session that nobody ended. Times since its last use, ms; `goneMs` undefined: it was there to the end. */
export interface ReapedSession {
  readonly rule: ReapRule;
  readonly timeoutMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly goneMs: number | undefined;
  readonly verdict: 'certified' | 'early' | 'late' | 'tooCoarse';
}

type Counts = Record<ReapedSession['verdict'], number>;

interface Group {
  readonly rule: ReapRule;
  fromMs: number;
  toMs: number;
  stillThere: number;
  binMs: number;
  bins: Map<number, Counts>;
}

/** Counts reaped sessions into bins that grow coarser with need: bounded, and the same in whatever order they come. */
export class ReapHistogram {
  readonly #groups = new Map<string, Group>();

  add(session: ReapedSession): void {
    const group = this.#groupOf(session);
    group.fromMs = Math.min(group.fromMs, session.fromMs);
    group.toMs = Math.max(group.toMs, session.toMs);
    if (session.goneMs === undefined) {
      group.stillThere += 1;
      return;
    }
    const at = Math.floor(session.goneMs / group.binMs);
    countsAt(group.bins, at)[session.verdict] += 1;
    while (span(group.bins) > MAX_BINS) coarsen(group);
  }

  groups(): ReapGroup[] {
    return [...this.#groups.values()].map(({ bins, fromMs, toMs, ...group }) => ({
      ...group,
      fromMs: finite(fromMs),
      toMs: finite(toMs),
      bins: [...bins].sort(([a], [b]) => a - b).map(([at, counts]) => ({ at, ...counts })),
    }));
  }

  #groupOf({ rule, timeoutMs }: ReapedSession): Group {
    const key = `${rule} ${timeoutMs}`;
    const found = this.#groups.get(key);
    if (found) return found;
    const shared = [...this.#groups.values()].findLast((group) => group.rule === rule);
    if (this.#groups.size >= MAX_GROUPS && shared) return shared;
    const none = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY };
    const group: Group = { rule, ...none, stillThere: 0, binMs: 1, bins: new Map() };
    this.#groups.set(key, group);
    return group;
  }
}

function coarsen(group: Group): void {
  const binMs = coarser(group.binMs);
  const bins = new Map<number, Counts>();
  for (const [at, counts] of group.bins) {
    const sum = countsAt(bins, Math.floor((at * group.binMs) / binMs));
    for (const verdict of ['certified', 'early', 'late', 'tooCoarse'] as const)
      sum[verdict] += counts[verdict];
  }
  group.binMs = binMs;
  group.bins = bins;
}

function countsAt(bins: Map<number, Counts>, at: number): Counts {
  const counts = bins.get(at) ?? { certified: 0, early: 0, late: 0, tooCoarse: 0 };
  bins.set(at, counts);
  return counts;
}

function span(bins: ReadonlyMap<number, unknown>): number {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const at of bins.keys()) {
    least = Math.min(least, at);
    most = Math.max(most, at);
  }
  return most - least + 1;
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}
