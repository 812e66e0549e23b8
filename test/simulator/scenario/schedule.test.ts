import { describe, expect, test } from 'vitest';
import {
  arrivalsIn,
  dueAt,
  type PlannedExecutor,
  sessionsPerCycle,
} from '../../../simulator/scenario/schedule.ts';

const constantRate = (ratePerSecond: number, durationMs: number): PlannedExecutor => ({
  kind: 'constant-arrival-rate',
  ratePerSecond,
  durationMs,
  maxVUs: 1,
  arrivals: arrivalsIn(ratePerSecond, durationMs),
});

describe('arrivals are floor(rate × duration)', () => {
  test.each([
    [20, 20_000, 400, 'whole numbers'],
    [3, 1_000, 3, 'the third is due at 667 ms'],
    [0.5, 3_000, 1, 'one and a half: the second would be due at 2 s, but its period does not end within'],
    [0.29, 100_000, 29, 'binary 0.29 × 100 is 28.999999999999996'],
    [0.7, 10_000, 7, 'a decimal rate'],
    [0.01, 20_000, 0, 'too slow to start at all'],
    [10_000, 3_600_000, 36_000_000, 'an hour at the highest rate'],
  ])('%d/s for %d ms gives %d (%s)', (rate, duration, arrivals) => {
    expect(arrivalsIn(rate, duration)).toBe(arrivals);
  });
});

describe('iterations are due at n/rate, computed from n alone', () => {
  test.each([
    [20, 0, 0, 'the first is due at once'],
    [20, 1, 50, 'every 50 ms'],
    [3, 1, 333, 'whole ms: rounded down'],
    [3, 3, 1000, 'and without drift'],
    [0.1, 3, 30_000, 'binary 3000/0.1 is not lost'],
    [3, 1_000_000, 333_333_333, 'the millionth is exact'],
    [7, 7_000_000, 1_000_000_000, 'seven millionth at 7/s: exactly a million seconds'],
  ])('at %d/s the iteration %d is due at %d ms (%s)', (rate, n, due) => {
    expect(dueAt(constantRate(rate, 1000), n)).toBe(due);
  });

  test.each([3, 7, 33.3, 9_999, 10_000])(
    'at %d/s the last of 10^6 arrivals and more is due before the end, and none is early',
    (rate) => {
      const durationMs = Math.ceil((1_000_000 / rate) * 1000);
      const executor = constantRate(rate, durationMs);
      expect(sessionsPerCycle(executor)).toBeGreaterThanOrEqual(1_000_000);
      let worst = 0;
      for (let n = 0; n < 1_000_000; n += 1)
        worst = Math.max(worst, Math.abs(dueAt(executor, n) - (n * 1000) / rate));
      expect(worst).toBeLessThan(1);
      expect(dueAt(executor, sessionsPerCycle(executor) - 1)).toBeLessThan(durationMs);
    },
  );

  test('a closed executor has no schedule: everything is due at once', () => {
    const closed: PlannedExecutor = { kind: 'per-vu-iterations', vus: 3, iterations: 4 };
    expect([dueAt(closed, 0), dueAt(closed, 11)]).toEqual([0, 0]);
    expect(sessionsPerCycle(closed)).toBe(12);
  });
});
