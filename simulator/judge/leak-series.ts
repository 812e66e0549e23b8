import * as z from 'zod';
import { VerdictSchema } from './check.ts';

/** What is done and undone again and again while memory is watched. */
export const LeakUnitSchema = z.enum(['session', 'request', 'event', 'reader']);
export type LeakUnit = z.infer<typeof LeakUnitSchema>;

/**
 * Where bytes are read: `heap`: heapUsed + external of a Node process after forced collections ·
 * `anonymous`: `Anonymous` of smaps_rollup · `rss`: without a collection, a coarse alarm only.
 */
export const MemorySourceSchema = z.enum(['heap', 'anonymous', 'rss']);
export type MemorySource = z.infer<typeof MemorySourceSchema>;

const count = z.number().int().nonnegative();

/** Memory of the target over cycles of act, undo, settle: what a leak verdict rests on. */
export const LeakSeriesSchema = z.object({
  /** What was done in a cycle, in words: `initialize, echo, DELETE`. */
  name: z.string(),
  unit: LeakUnitSchema,
  source: MemorySourceSchema,
  /** V8 runs pinned (no tiers, no bytecode flushing), so that a drift of its own is no leak. */
  isPinned: z.boolean(),
  verdict: VerdictSchema,
  /** Why, as a sentence; also for a pass with a note (a bounded cache that filled up, say). */
  reason: z.string(),
  budgetBytes: z.number(),
  /** Cycles before measuring, and units in each cycle. */
  warmupCycles: count,
  unitsPerCycle: count,
  /** One reading at the end of each measured cycle: cumulative ended units, and bytes. */
  readings: z.array(z.object({ units: count, bytes: z.number() })),
  /** Index of the first reading that the verdict and the slope rest on: a rise is confirmed by a later stretch. */
  decidedFrom: count.optional(),
  /** Bytes per unit: Theil–Sen slope, and Sen's one-sided 99 % bounds. Null when there were too few readings. */
  slope: z.object({ bytes: z.number(), lo: z.number(), hi: z.number() }).nullable(),
  /** Exact one-sided Mann–Kendall p of a rise. */
  pRising: z.number().nullable(),
  /** The smallest leak this series could have shown, bytes per unit. */
  detectableBytes: z.number().nullable(),
  /**
   * Classes that grew by (nearly) the number of units in every interval, on Node, after a fail. `retainers`: the names on
   * the way from the root to one of the objects: `process`, `_events`, `SIGTERM`, `zombies (Map)`, …
   */
  growing: z.array(
    z.object({ className: z.string(), counts: z.array(count), retainers: z.array(z.string()) }),
  ),
  /** Where what survived was allocated, bytes per unit. */
  allocations: z.array(z.object({ site: z.string(), bytes: z.number() })),
  /** What the target holds for a unit while it lasts: a reader that reads nothing, a session that is open and waits. */
  heldBytes: z.number().optional(),
  /** How much that may be, where the user said so. */
  heldBudgetBytes: z.number().optional(),
  /** Exact integers at the end of each measured cycle: open files, sockets, timers, listeners. */
  counted: z.array(z.object({ what: z.string(), values: z.array(count) })),
});
export type LeakSeries = z.infer<typeof LeakSeriesSchema>;
