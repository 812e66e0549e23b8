/** Where the true median lies, told from the samples' order alone: no shape of their distribution is assumed. */
export interface Spread {
  readonly lo: number;
  readonly hi: number;
  /** How often such an interval holds the median, 0 to 1. Two samples: a half; five: 94 %. */
  readonly coverage: number;
}

/** An interval need not be surer than that: with more samples it grows narrower instead. */
const SURE_ENOUGH = 0.9;

/**
 * The narrowest interval between two samples, equally far from both ends, that holds the median in 90 % of cases;
 * the whole range where there are too few samples for that. Undefined for fewer than two.
 */
export function spreadOf(samples: readonly number[]): Spread | undefined {
  const sorted = [...samples].sort((a, b) => a - b);
  if (sorted.length < 2) return undefined;
  let cut = 0;
  while (cut + 1 < sorted.length / 2 && coverageOf(sorted.length, cut + 1) >= SURE_ENOUGH) cut += 1;
  const [lo, hi] = [sorted[cut], sorted.at(-1 - cut)];
  return lo === undefined || hi === undefined
    ? undefined
    : { lo, hi, coverage: coverageOf(sorted.length, cut) };
}

/** 1 − 2 P(at most `cut` of n fall below the median): each falls on either side like a coin. */
function coverageOf(n: number, cut: number): number {
  let term = 2 ** -n;
  let tail = term;
  for (let k = 1; k <= cut; k += 1) {
    term = (term * (n - k + 1)) / k;
    tail += term;
  }
  return 1 - 2 * tail;
}
