export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The median of the slopes between all pairs, and one-sided 99 % bounds for it. */
export interface Slope {
  readonly median: number;
  readonly lo: number;
  readonly hi: number;
}

/** One-sided 99 % of the normal distribution. */
const Z_99 = 2.326;

/**
 * Theil–Sen: one reading in ten that jumps does not move the slope, as it moves a least-squares line. Bounds are Sen's
 * (JASA 63, 1968), by ranks; ranks are rounded outwards, and ties do not narrow them. Undefined below six points: their
 * bounds would lie outside of all slopes.
 */
export function theilSen(points: readonly Point[]): Slope | undefined {
  const slopes = pairSlopes(points);
  const n = points.length;
  const spread = Z_99 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  // Ranks count from 1.
  const lo = slopes[Math.floor((slopes.length - spread) / 2) - 1];
  const hi = slopes[Math.ceil((slopes.length + spread) / 2)];
  return lo === undefined || hi === undefined ? undefined : { median: median(slopes), lo, hi };
}

/** @throws RangeError for none */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined)
    throw new RangeError('median: got no value, allowed: one or more.');
  return (low + high) / 2;
}

function pairSlopes(points: readonly Point[]): number[] {
  return points
    .flatMap((to, index) =>
      points.slice(0, index).flatMap((from) => (to.x === from.x ? [] : [(to.y - from.y) / (to.x - from.x)])),
    )
    .sort((a, b) => a - b);
}
