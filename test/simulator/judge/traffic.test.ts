import { describe, expect, it } from 'vitest';
import { MAX_BUCKETS, TrafficCount } from '../../../simulator/judge/traffic.ts';

describe('requests over time', () => {
  it('are counted by when they were done, with percentiles to 2 %', () => {
    const traffic = new TrafficCount();
    for (let n = 1; n <= 100; n += 1) traffic.add(50, n, n === 1);
    traffic.add(250, 7, false);
    const { bucketMs, points = [] } = traffic.snapshot() ?? {};
    expect(bucketMs).toBe(100);
    expect(points.map(({ t, requests, errors }) => [t, requests, errors])).toEqual([
      [0, 100, 1],
      [200, 1, 0],
    ]);
    const [first] = points;
    for (const [seen, exact] of [
      [first?.p50Ms, 50],
      [first?.p95Ms, 95],
      [first?.p99Ms, 99],
      [first?.maxMs, 100],
    ] as const)
      expect(Math.abs((seen ?? 0) / exact - 1)).toBeLessThanOrEqual(0.021);
  });

  it('grow coarser instead of more, and lose no request', () => {
    const traffic = new TrafficCount();
    for (let n = 0; n < 10_000; n += 1) traffic.add(n * 1_000, 5, n % 10 === 0);
    const { points = [], bucketMs } = traffic.snapshot() ?? {};
    expect(points.length).toBeLessThanOrEqual(MAX_BUCKETS);
    expect(bucketMs).toBe(100_000);
    expect(points.reduce((sum, { requests }) => sum + requests, 0)).toBe(10_000);
    expect(points.reduce((sum, { errors }) => sum + errors, 0)).toBe(1_000);
  });

  it('are absent where there was none', () => expect(new TrafficCount().snapshot()).toBeUndefined());
});
