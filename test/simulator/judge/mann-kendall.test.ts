import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_VALUES, risingP } from '../../../simulator/judge/mann-kendall.ts';

/** `falling`: so many pairs fall, all others rise. One value that is moved back by k places makes k falling pairs. */
function withFallingPairs(n: number, falling: number): number[] {
  const values = Array.from({ length: n }, (_, index) => index);
  let left = falling;
  for (let index = n - 1; index > 0 && left > 0; index -= 1) {
    const places = Math.min(left, index);
    const [moved] = values.splice(index, 1);
    if (moved !== undefined) values.splice(index - places, 0, moved);
    left -= places;
  }
  return values;
}

describe('risingP', () => {
  // Kendall's table of upper tail probabilities for S = rising - falling pairs (Gilbert 1987, table A18).
  it.each([
    [4, 6, 0.042],
    [4, 4, 0.167],
    [5, 10, 0.0083],
    [5, 8, 0.042],
    [5, 6, 0.117],
    [6, 15, 0.0014],
    [6, 13, 0.0083],
    [6, 11, 0.028],
    [8, 16, 0.031],
    [8, 20, 0.0071],
    [9, 18, 0.038],
    [10, 21, 0.036],
    [10, 25, 0.014],
  ])('of %i values with S = %i is %f, as published', (n, s, p) => {
    const pairs = (n * (n - 1)) / 2;
    const values = withFallingPairs(n, (pairs - s) / 2);
    expect(risingP(values)).toBeCloseTo(p, p < 0.01 ? 4 : 3);
  });

  it('is 1 / n! for a series that rises throughout', () => {
    expect(risingP([1, 2, 3, 4, 5, 6, 7])).toBeCloseTo(1 / 5_040, 12);
  });

  it('takes ties for no rise: equal values are no trend at all', () => {
    expect(risingP([5, 5, 5, 5, 5, 5])).toBeCloseTo(1, 12);
    expect(risingP([1, 2, 2, 3])).toBe(risingP([1, 3, 2, 4]));
  });

  it('is 1 where there is nothing to compare', () => {
    expect(risingP([])).toBe(1);
    expect(risingP([7])).toBe(1);
  });

  it('says where it ends', () => {
    const longest = Array.from({ length: MAX_VALUES }, (_, index) => index);
    expect(risingP(longest)).toBeGreaterThan(0);
    expect(() => risingP([...longest, 0])).toThrow('got 61 values, allowed: at most 60');
  });

  it('is that of all orders, counted one by one', () => {
    const all = orders([1, 2, 3, 4, 5, 6]);
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 6 }), (values) => {
        const asRising = all.filter((order) => rising(order) >= rising(values)).length;
        expect(risingP(values)).toBeCloseTo(asRising / all.length, 10);
      }),
      { numRuns: 50 },
    );
  });

  it('depends on order alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1_000, max: 1_000 }), { maxLength: 30 }), (values) => {
        const p = risingP(values);
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(risingP(values.map((value) => 3 * value + 7))).toBe(p);
      }),
    );
  });
});

function rising(values: readonly number[]): number {
  return values.reduce(
    (sum, later, index) => sum + values.slice(0, index).filter((value) => value < later).length,
    0,
  );
}

function orders(values: readonly number[]): number[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((first) =>
    orders(values.filter((value) => value !== first)).map((rest) => [first, ...rest]),
  );
}
