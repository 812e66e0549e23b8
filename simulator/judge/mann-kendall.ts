/** Up to here the distribution is exact and cheap; a series is never longer. */
export const MAX_VALUES = 60;

/**
 * The exact one-sided p of Mann–Kendall's test for a rise: how likely a series without a trend has as many rising
 * pairs as this one. A tied pair counts as not rising, so that ties never make a trend out of nothing.
 * @throws RangeError beyond MAX_VALUES
 */
export function risingP(values: readonly number[]): number {
  if (values.length > MAX_VALUES) {
    throw new RangeError(`Mann–Kendall: got ${values.length} values, allowed: at most ${MAX_VALUES}.`);
  }
  const pairs = (values.length * (values.length - 1)) / 2;
  const notRising = pairs - risingPairs(values);
  // Orders with as few inversions as that, of all orders there are.
  const shares = inversionShares(values.length);
  let p = 0;
  for (let inversions = 0; inversions <= notRising; inversions += 1) p += shares[inversions] ?? 0;
  return Math.min(1, p);
}

function risingPairs(values: readonly number[]): number {
  let rising = 0;
  values.forEach((later, index) => {
    for (const earlier of values.slice(0, index)) if (later > earlier) rising += 1;
  });
  return rising;
}

/**
 * The share of all orders of `n` values that have 0, 1, 2, … inversions. The n-th value, put into an order of the
 * others, adds 0 … n-1 inversions, each equally often. Shares, not counts: 60! is no number that adds exactly.
 */
function inversionShares(n: number): number[] {
  let shares = [1];
  for (let size = 2; size <= n; size += 1) {
    const next = new Array<number>((size * (size - 1)) / 2 + 1).fill(0);
    shares.forEach((share, inversions) => {
      for (let added = 0; added < size; added += 1) {
        next[inversions + added] = (next[inversions + added] ?? 0) + share / size;
      }
    });
    shares = next;
  }
  return shares;
}
