import { describe, expect, test } from 'vitest';
import {
  MAX_ERROR_CLASSES,
  MAX_METHODS,
  Metrics,
  type MetricsSnapshot,
  MetricsSnapshotSchema,
  OTHER,
  percentileMs,
} from '../../../simulator/judge/metrics.ts';
import { createRandom } from '../../../simulator/scenario/random.ts';

const DURATION = 'mcp_request_duration_ms';

/** What a run measures, sample by sample; `part` of `of` workers takes its share. */
function fill(metrics: Metrics, { part, of }: { part: number; of: number }): void {
  const random = createRandom(11, 'samples');
  for (let n = 0; n < 20_000; n += 1) {
    const ms = 10 ** random.uniform(-3, 5);
    if (n % of !== part) continue;
    metrics.trend(DURATION, ms, n % 3 === 0 ? 'tools/call' : 'tools/list');
    metrics.trend('schedule_lag_ms', ms / 7);
    metrics.count('mcp_requests');
    metrics.rate('mcp_request_errors', n % 100 === 0);
    if (n % 100 === 0) metrics.error(n % 200 === 0 ? 'timeout' : 'http-500');
  }
}

describe('percentiles', () => {
  test('of 10^5 known values are off by less than 0.1 %', () => {
    const metrics = new Metrics();
    // 1 µs to 10 s, each decade alike, so that small values are tested as well as large ones.
    const values = Array.from({ length: 100_000 }, (_, n) => Math.round(10 ** ((7 * n) / 100_000)) / 1000);
    for (const value of values) metrics.trend('reap_lag_ms', value);
    const trend = metrics.snapshot().trends.reap_lag_ms;
    if (trend === undefined) throw new Error('nothing was recorded');
    for (const percentile of [1, 10, 50, 75, 90, 95, 99, 99.9, 99.99]) {
      const exact = values[Math.ceil((percentile / 100) * values.length) - 1] ?? 0;
      expect(Math.abs(percentileMs(trend, percentile) - exact) / exact).toBeLessThan(0.001);
    }
    expect([trend.minMs, trend.maxMs, trend.count]).toEqual([values[0], values.at(-1), 100_000]);
    const sum = values.reduce((total, value) => total + value, 0);
    expect(trend.meanMs).toBeCloseTo(sum / values.length, 6);
  });

  test('never lie beyond the smallest and the largest sample', () => {
    const metrics = new Metrics();
    for (const ms of [5000, 5000, 5000]) metrics.trend(DURATION, ms);
    expect(metrics.snapshot().trends[DURATION]).toMatchObject({
      p50Ms: 5000,
      p99Ms: 5000,
      maxMs: 5000,
      minMs: 5000,
    });
  });

  test.each([
    [0, 0.001, 'virtual time takes no time: recorded as 1 µs'],
    [-3, 0.001, 'sent before it was due: not late at all'],
    [0.0004, 0.001, 'below a µs'],
    [1.0006, 1.001, 'whole µs'],
    [7_200_000, 3_600_000, 'two hours: recorded as one'],
    [Number.POSITIVE_INFINITY, 3_600_000, 'for ever: recorded as one hour'],
  ])('a sample of %d ms is kept as %d ms (%s)', (ms, kept) => {
    const metrics = new Metrics();
    metrics.trend(DURATION, ms);
    expect(metrics.snapshot().trends[DURATION]).toMatchObject({
      count: 1,
      minMs: kept,
      maxMs: kept,
      meanMs: kept,
    });
  });

  test('a sample that is no number is refused', () => {
    expect(() => new Metrics().trend(DURATION, Number.NaN)).toThrow('got NaN');
  });
});

describe('merging', () => {
  const whole = new Metrics();
  fill(whole, { part: 0, of: 1 });
  const workers = [0, 1, 2].map((part) => {
    const worker = new Metrics();
    fill(worker, { part, of: 3 });
    return worker;
  });

  test('the stores of three workers gives what one would have seen', () => {
    const merged = new Metrics();
    for (const worker of workers) merged.merge(worker);
    expect(merged.snapshot()).toEqual(whole.snapshot());
  });

  test('snapshots that went through JSON gives the same', () => {
    const merged = new Metrics();
    for (const worker of workers) {
      merged.merge(MetricsSnapshotSchema.parse(JSON.parse(JSON.stringify(worker.snapshot()))));
    }
    expect(merged.snapshot()).toEqual(whole.snapshot());
  });

  test('does not change the other store', () => {
    const before = workers[1]?.snapshot();
    new Metrics().merge(workers[1] ?? new Metrics());
    expect(workers[1]?.snapshot()).toEqual(before);
  });

  test('takes the last value of a gauge from the other', () => {
    const [morning, evening] = [new Metrics(), new Metrics()];
    for (const value of [5, 9]) morning.gauge('sessions_observed', value);
    for (const value of [7, 2, 3]) evening.gauge('sessions_observed', value);
    morning.merge(evening);
    expect(morning.snapshot().gauges.sessions_observed).toEqual({ samples: 5, min: 2, max: 9, last: 3 });
  });

  test('refuses a histogram that does not hold what its snapshot says', () => {
    const broken: MetricsSnapshot = structuredClone(whole.snapshot());
    if (broken.trends[DURATION]) broken.trends[DURATION].count += 1;
    expect(() => new Metrics().merge(broken)).toThrow(
      'a histogram holds 20000 samples, its snapshot says 20001',
    );
  });
});

describe('limits', () => {
  test(`methods beyond ${MAX_METHODS} share one series`, () => {
    const metrics = new Metrics();
    for (let n = 0; n < MAX_METHODS + 10; n += 1) metrics.trend(DURATION, 1, `method/${n}`);
    const methods = metrics.snapshot().trends[DURATION]?.methods ?? {};
    expect(Object.keys(methods)).toHaveLength(MAX_METHODS + 1);
    expect(methods[OTHER]?.count).toBe(10);
  });

  test(`error classes beyond ${MAX_ERROR_CLASSES} share one count`, () => {
    const metrics = new Metrics();
    for (let n = 0; n < MAX_ERROR_CLASSES + 5; n += 1) metrics.error(`error-${n}`);
    expect(metrics.snapshot().errors[OTHER]).toBe(5);
  });

  test('trends that do not belong to requests keep no methods', () => {
    const metrics = new Metrics();
    metrics.trend('schedule_lag_ms', 1, 'tools/call');
    expect(metrics.snapshot().trends.schedule_lag_ms?.methods).toEqual({});
  });
});

test('a store without samples is empty, and a counter that was only watched is not', () => {
  const metrics = new Metrics();
  expect(metrics.snapshot()).toEqual({ trends: {}, counters: {}, rates: {}, gauges: {}, errors: {} });
  metrics.count('dropped_iterations', 0);
  expect(metrics.snapshot().counters).toEqual({ dropped_iterations: 0 });
});

test('a snapshot with an unknown metric is refused', () => {
  const snapshot = { ...new Metrics().snapshot(), counters: { requests: 1 } };
  expect(MetricsSnapshotSchema.safeParse(snapshot).success).toBe(false);
});
