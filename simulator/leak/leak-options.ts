import type { LeakUnit } from '../judge/leak-series.ts';
import type { Headers } from '../mcp/headers.ts';
import type { CountSourceRequest } from '../observers/count-source.ts';

/** What is done again and again, how often, and how much memory may stay behind. */
export interface LeakOptions {
  readonly unit: LeakUnit;
  /** Bytes that one unit may leave behind. Default: that of the unit, and of where bytes are read. */
  readonly budgetBytes?: number;
  /** Bytes that a unit may hold while it lasts, where that is judged. Default: see `judge/held.ts`. */
  readonly heldBudgetBytes?: number;
  /** A quarter of the default budget. */
  readonly isStrict?: boolean;
  /** Units in a cycle, and cycles of warm-up and of a stretch of measurement. Defaults: those of the unit. */
  readonly unitsPerCycle?: number;
  readonly warmupCycles?: number;
  readonly cycles?: number;
  /** Whether what leaks is looked for after a fail, which takes some seconds. Default true. */
  readonly namesCulprit?: boolean;
  /** What is called in a session. Default: the tool `echo` where there is one, else `tools/list`. */
  readonly call?: { readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> };
  /** The process to look at, where it is not the target's own: a Node process, whose inspector is used. */
  readonly inspectPid?: number;
  /** Where the number of sessions is read, instead of the target's own `/health` and `/sessions`. */
  readonly sessionsFrom?: CountSourceRequest;
  /** Sent with every request to the target, a token say. */
  readonly headers?: Headers;
}

interface UnitDefaults {
  /** Bytes per unit: one forgotten entry of a Map takes 74 at least. */
  readonly budgetBytes: number;
  readonly strictBytes: number;
  readonly unitsPerCycle: number;
}

/**
 * Noise of a reading is a few hundred bytes, so that few units a cycle blur small leaks: readers, which are costly to
 * stall, have a larger budget for that. What one leaves behind, if anything, is a response with all that it buffered.
 */
export const UNIT_DEFAULTS: Readonly<Record<LeakUnit, UnitDefaults>> = {
  session: { budgetBytes: 64, strictBytes: 16, unitsPerCycle: 20 },
  request: { budgetBytes: 64, strictBytes: 16, unitsPerCycle: 100 },
  event: { budgetBytes: 64, strictBytes: 16, unitsPerCycle: 400 },
  reader: { budgetBytes: 1_024, strictBytes: 256, unitsPerCycle: 5 },
};

export const WARMUP_CYCLES = 5;
/** A target that has not warmed up by then is measured as it is. */
export const MAX_WARMUP_CYCLES = 20;
export const CYCLES = 12;
