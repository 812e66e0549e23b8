import type { CanaryProbe } from './canary-ladder.ts';
import { formatCount, formatLength } from './format.ts';

/**
 * The idle age at which a target ends sessions, as far as canaries can tell: every end lies in (loMs, hiMs].
 * For the idle timeout T and the sweep interval C it says T <= hiMs and T + C > loMs. Where sessions end by timers of
 * their own, or on access, C is 0 and T itself lies in the interval.
 */
export interface TimeoutEstimate {
  readonly loMs: number;
  /** null: no session was seen to end. */
  readonly hiMs: number | null;
  /** How sure that is, in words. */
  readonly confidence: string;
}

/**
 * Bounds that hold whatever the target does. Where one canary was alive at an age at which another was gone,
 * the interval holds the ends of both: that is how a sweep looks.
 */
export function estimateTimeout(probes: readonly CanaryProbe[]): TimeoutEstimate {
  const alive = probes.filter((probe) => probe.alive);
  const gone = probes.filter((probe) => !probe.alive);
  const asked = `${formatCount(probes.length, 'session')} asked once each`;
  if (probes.length === 0) return { loMs: 0, hiMs: null, confidence: 'unknown: no session could be asked' };
  const lastAlive = Math.max(0, ...alive.map(({ ageLoMs }) => ageLoMs));
  if (gone.length === 0) {
    const confidence = `longer than ${formatLength(lastAlive)}: none had ended, ${asked}`;
    return { loMs: lastAlive, hiMs: null, confidence };
  }
  const firstGone = Math.min(...gone.map(({ ageHiMs }) => ageHiMs));
  const below = alive.filter(({ ageLoMs }) => ageLoMs < firstGone).map(({ ageLoMs }) => ageLoMs);
  const above = gone.filter(({ ageHiMs }) => ageHiMs > lastAlive).map(({ ageHiMs }) => ageHiMs);
  const loMs = Math.max(0, ...below);
  // Where one was alive beyond every age at which another was gone, nothing bounds the ends from above.
  const hiMs = above.length === 0 ? null : Math.min(...above);
  const isSpread = lastAlive > firstGone;
  if (!isSpread) {
    const lower = loMs === 0 ? '' : `longer than ${formatLength(loMs)} and `;
    return {
      loMs,
      hiMs: firstGone,
      confidence: `${lower}at most ${formatLength(firstGone)}: ${asked}`,
    };
  }
  const span = `one had ended by ${formatLength(firstGone)}, another was alive at ${formatLength(lastAlive)}`;
  return { loMs, hiMs, confidence: `sessions end at different ages, as with a sweep: ${span}, ${asked}` };
}

/** Ages at which to ask, doubling from `firstMs` as long as they are within the budget, ms. */
export function doublingAges({ firstMs, budgetMs }: { firstMs: number; budgetMs: number }): number[] {
  if (!(firstMs > 0)) throw new RangeError(`firstMs: got ${firstMs}, allowed: more than 0`);
  const ages: number[] = [];
  for (let age = firstMs; age <= budgetMs; age *= 2) ages.push(age);
  return ages;
}

/** Ages that divide what is still unknown into equal parts, both ends left out; empty when nothing had ended. */
export function finerAges({ loMs, hiMs }: TimeoutEstimate, { rungs }: { rungs: number }): number[] {
  if (hiMs === null || hiMs <= loMs) return [];
  return Array.from({ length: rungs }, (_, index) => loMs + ((index + 1) * (hiMs - loMs)) / (rungs + 1));
}
