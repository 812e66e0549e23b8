import { expect, test } from 'vitest';
import { createRandom } from '../../../simulator/scenario/random.ts';

const draw = (n: number, ...key: [number, ...(string | number)[]]) => {
  const random = createRandom(...key);
  return Array.from({ length: n }, () => random.next());
};

test('the same seed and stream give the same numbers, for ever', () => {
  expect(draw(100, 7, 'idle', 0)).toEqual(draw(100, 7, 'idle', 0));
  // Pinned: another generator would change every run that a seed is meant to repeat.
  expect(draw(3, 7, 'idle', 0)).toEqual([0.40431333566084504, 0.5265834843739867, 0.920904298312962]);
});

test('every seed, workload and virtual user has a stream of its own', () => {
  const streams = [
    draw(4, 7, 'idle', 0),
    draw(4, 8, 'idle', 0),
    draw(4, 7, 'busy', 0),
    draw(4, 7, 'idle', 1),
  ];
  // The two names below would be one if they were only joined.
  streams.push(draw(4, 7, 'idle1', 0), draw(4, 7, 'idle', 10), draw(4, 71, 'idle', 0));
  expect(new Set(streams.flat()).size).toBe(streams.flat().length);
});

test('drawing from one stream does not shift another', () => {
  const a = createRandom(7, 'idle', 0);
  const b = createRandom(7, 'idle', 1);
  a.next();
  expect(b.next()).toBe(draw(1, 7, 'idle', 1)[0]);
});

test('10^5 numbers are spread evenly over ten bins', () => {
  const bins = new Array<number>(10).fill(0);
  for (const value of draw(100_000, 1, 'bins', 0))
    bins[Math.floor(value * 10)] = (bins[Math.floor(value * 10)] ?? 0) + 1;
  // Chi-squared, 9 degrees of freedom: 27.9 is passed once in a thousand seeds, and this seed is fixed.
  expect(bins.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.9);
});

test('first numbers of neighbouring virtual users are spread evenly, too', () => {
  const mean =
    Array.from({ length: 10_000 }, (_, vu) => draw(1, 1, 'w', vu)[0] ?? 0).reduce((a, b) => a + b, 0) /
    10_000;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
});

test('uniform stays in [min, max), integer reaches both ends', () => {
  const random = createRandom(3, 'ends', 0);
  const uniform = Array.from({ length: 1000 }, () => random.uniform(5, 6));
  expect(uniform.every((value) => value >= 5 && value < 6)).toBe(true);
  expect(new Set(Array.from({ length: 1000 }, () => random.integer(1, 3)))).toEqual(new Set([1, 2, 3]));
  expect([random.uniform(4, 4), random.integer(4, 4)]).toEqual([4, 4]);
});
