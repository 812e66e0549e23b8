import { median } from './theil-sen.ts';

export interface WarmUpRule {
  readonly unitsPerCycle: number;
  readonly budgetBytes: number;
  readonly minCycles: number;
  readonly maxCycles: number;
}

/** Cycles looked at together. */
const STRETCH = 4;

/**
 * Whether a target has warmed up: what it gained in the last cycles is small beside the budget, or does not become less
 * any more. One that leaks never gets there by the first; without the second it would be watched to the very end.
 * `bytes`: one reading per cycle so far.
 */
export function isWarm(bytes: readonly number[], rule: WarmUpRule): boolean {
  const { unitsPerCycle, budgetBytes, minCycles, maxCycles } = rule;
  if (bytes.length >= maxCycles) return true;
  if (bytes.length < Math.max(2, minCycles)) return false;
  const gained = bytes.slice(1).map((value, index) => value - (bytes[index] ?? value));
  const tolerated = (budgetBytes * unitsPerCycle) / 2;
  const last = median(gained.slice(-STRETCH));
  if (Math.abs(last) < tolerated) return true;
  const before = gained.slice(-2 * STRETCH, -STRETCH);
  return before.length === STRETCH && median(before) - last < tolerated;
}
