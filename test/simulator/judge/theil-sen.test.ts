import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, theilSen } from '../../../simulator/judge/theil-sen.ts';

const line = (length: number, slope: number, offset = 0) =>
  Array.from({ length }, (_, index) => ({ x: index, y: offset + slope * index }));

describe('theilSen', () => {
  it("finds the slope of Sen's own example (1968), which is 4", () => {
    const x = [1, 2, 3, 4, 10, 12, 18];
    const y = [9, 15, 19, 20, 45, 55, 78];
    const slope = theilSen(x.map((value, index) => ({ x: value, y: y[index] ?? 0 })));
    expect(slope?.median).toBe(4);
    // 21 slopes, spread 2.326 * sqrt(7 * 6 * 19 / 18) = 15.49: the second smallest and the second largest.
    expect(slope?.lo).toBe(2.5);
    expect(slope?.hi).toBe(5);
  });

  it('is not moved by a single step, as a least-squares line is', () => {
    const points = line(12, 0).map(({ x, y }) => ({ x, y: x >= 11 ? y + 142_200 : y }));
    expect(theilSen(points)?.median).toBe(0);
  });

  it('says nothing of fewer than six points', () => {
    expect(theilSen(line(5, 1))).toBeUndefined();
    expect(theilSen(line(6, 1))).toEqual({ median: 1, lo: 1, hi: 1 });
    expect(theilSen([])).toBeUndefined();
  });

  it('finds any line, and moves and grows with the points', () => {
    const integer = fc.integer({ min: -1_000, max: 1_000 });
    fc.assert(
      fc.property(
        fc.array(integer, { minLength: 6, maxLength: 20 }),
        integer,
        integer,
        (ys, slope, offset) => {
          const points = ys.map((y, x) => ({ x, y }));
          const own = theilSen(points);
          const moved = theilSen(points.map(({ x, y }) => ({ x, y: y + offset + slope * x })));
          if (!own || !moved) throw new Error('There are points enough.');
          expect(moved.median - own.median).toBeCloseTo(slope, 6);
          expect(moved.lo - own.lo).toBeCloseTo(slope, 6);
          expect(own.lo).toBeLessThanOrEqual(own.median);
          expect(own.median).toBeLessThanOrEqual(own.hi);
        },
      ),
    );
  });
});

describe('median', () => {
  it.each([
    [[3], 3],
    [[1, 9], 5],
    [[9, 1, 2], 2],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('of nothing is a mistake', () => {
    expect(() => median([])).toThrow('got no value');
  });
});
