import { describe, expect, test } from 'vitest';
import { CheckSchema } from '../../../simulator/judge/check.ts';
import { Metrics } from '../../../simulator/judge/metrics.ts';
import { judgeThresholds, parseThreshold, type ThresholdError } from '../../../simulator/judge/threshold.ts';

const DURATION = 'mcp_request_duration_ms';

/** 100 requests of 1 ms … 100 ms; the last two were errors; half were calls. */
function measured(): Metrics {
  const metrics = new Metrics();
  for (let ms = 1; ms <= 100; ms += 1) {
    metrics.trend(DURATION, ms, ms % 2 === 0 ? 'tools/call' : 'tools/list');
    metrics.rate('mcp_request_errors', ms > 98);
  }
  metrics.error('http-500');
  metrics.error('timeout');
  metrics.error('timeout');
  metrics.count('mcp_requests', 1100);
  metrics.count('dropped_iterations', 0);
  for (const bytes of [90, 120, 100]) metrics.gauge('target_rss_bytes', bytes * 2 ** 20);
  metrics.gauge('target_cpu_cores', 0.25);
  return metrics;
}

const check = (selector: string, rule: string, timingInvalidReason?: string) => {
  const [first] = judgeThresholds([parseThreshold(selector, rule)], measured().snapshot(), {
    timingInvalidReason,
  });
  return first;
};

describe('a rule is read', () => {
  test.each([
    [DURATION, 'p(95) < 250ms', { aggregate: 'p(N)', percentile: 95, operator: '<', limit: 250 }],
    [DURATION, 'p(99.9)<=1.5s', { aggregate: 'p(N)', percentile: 99.9, operator: '<=', limit: 1500 }],
    [DURATION, ' max  < 2m ', { aggregate: 'max', operator: '<', limit: 120_000 }],
    [DURATION, 'med < 250 ms', { aggregate: 'med', limit: 250 }],
    [DURATION, 'avg < 250', { aggregate: 'avg', limit: 250 }],
    [DURATION, 'count >= 1000', { aggregate: 'count', operator: '>=', limit: 1000 }],
    ['mcp_request_errors', 'rate < 7%', { aggregate: 'rate', limit: 0.07 }],
    ['mcp_request_errors', 'rate == 0', { aggregate: 'rate', operator: '==', limit: 0 }],
    ['target_rss_bytes', 'max < 1.5GiB', { aggregate: 'max', limit: 1.5 * 2 ** 30 }],
    ['sessions_observed', 'value != 3', { aggregate: 'value', operator: '!=', limit: 3 }],
    [`${DURATION}{method:tools/call}`, 'min > 0', { metric: DURATION, method: 'tools/call' }],
  ])('%s: %s', (selector, rule, expected) => {
    expect(parseThreshold(selector, rule)).toMatchObject(expected);
  });
});

describe('what is no rule is refused at the character', () => {
  test.each([
    [
      'nonsense',
      'count > 1',
      'selector',
      0,
      /^unknown metric 'nonsense'. Allowed: mcp_request_duration_ms, /,
    ],
    [`${DURATION}{tool:echo}`, 'max < 1s', 'selector', 0, /^expected metric or metric\{method:name\}/],
    [
      'mcp_requests{method:ping}',
      'count > 1',
      'selector',
      12,
      /^mcp_requests is not kept per method; these are: /,
    ],
    [DURATION, 'p(95)', 'rule', 0, /^expected a rule such as 'p\(95\) < 250ms', got 'p\(95\)'/],
    [DURATION, 'p < 5ms', 'rule', 0, /^unknown aggregate of the trend mcp_request_duration_ms 'p'/],
    [DURATION, 'p(101) < 5ms', 'rule', 2, /^a percentile is a number from 0 to 100, got '101'/],
    [DURATION, 'p() < 5ms', 'rule', 2, /^a percentile is a number from 0 to 100, got ''/],
    [DURATION, 'max(3) < 5ms', 'rule', 3, /^max takes no argument/],
    [DURATION, 'max =< 5ms', 'rule', 4, /^unknown operator '=<'. Allowed: <=, >=, ==, !=, <, >/],
    [DURATION, 'max < fast', 'rule', 6, /^expected a number as the limit, got 'fast'/],
    [DURATION, 'max < 5KiB', 'rule', 7, /^unknown unit 'KiB'. Allowed: ms, s, m/],
    [DURATION, 'count < 5ms', 'rule', 9, /^count of mcp_request_duration_ms has no unit, got 'ms'/],
    [DURATION, 'max < 61m', 'rule', 6, /^trends are recorded up to 60m, so that 61m cannot be judged/],
    [
      'mcp_requests',
      'p(95) < 5',
      'rule',
      0,
      /^unknown aggregate of the counter mcp_requests 'p\(95\)'. Allowed: count/,
    ],
    ['mcp_request_errors', 'rate < 5', 'rule', 7, /^a rate lies between 0 and 1 \(0% and 100%\), got 5/],
    [
      'target_rss_bytes',
      'avg < 5',
      'rule',
      0,
      /^unknown aggregate of the gauge target_rss_bytes 'avg'. Allowed: value, min, max/,
    ],
    [DURATION, `max <${' '.repeat(1e6)}5ms`, 'rule', 0, /^expected a rule such as/],
  ] as const)('%s: %s', (selector, rule, part, offset, message) => {
    const refused: ThresholdError = expect.objectContaining({
      part,
      offset,
      message: expect.stringMatching(message),
    });
    expect(() => parseThreshold(selector, rule)).toThrow(refused);
  });
});

describe('a threshold is judged', () => {
  test.each([
    [DURATION, 'p(95) < 96ms', 'pass', '95.039 ms', '< 96 ms', 'HDR: within 0.1 % of 95'],
    [DURATION, 'p(95) < 95ms', 'fail', '95.039 ms', '< 95 ms', 'sad'],
    [DURATION, 'max <= 100ms', 'pass', '100 ms', '<= 100 ms', 'the largest sample is exact'],
    [DURATION, 'max < 100ms', 'fail', '100 ms', '< 100 ms', 'the border itself is outside'],
    [DURATION, 'min >= 1ms', 'pass', '1 ms', '>= 1 ms', 'the smallest is exact'],
    [DURATION, 'avg == 50.5ms', 'pass', '50.5 ms', '== 50.5 ms', 'the mean is exact'],
    [DURATION, 'count == 100', 'pass', '100', '== 100', 'samples of a trend'],
    [`${DURATION}{method:tools/call}`, 'min > 1.5ms', 'pass', '2 ms', '> 1.5 ms', 'only the calls'],
    ['mcp_requests', 'count > 1.0', 'pass', '1,100', '> 1', 'a counter'],
    ['mcp_request_errors', 'rate <= 2%', 'pass', '2 % (2 of 100)', '<= 2 %', 'a share with its numbers'],
    ['mcp_request_errors', 'rate < 0.01', 'fail', '2 % (2 of 100)', '< 1 %', 'sad'],
    ['dropped_iterations', 'count == 0', 'pass', '0', '== 0', 'watched, and nothing happened'],
    ['target_rss_bytes', 'value < 100MiB', 'fail', '100 MiB', '< 100 MiB', 'the last value'],
    ['target_rss_bytes', 'max < 1GiB', 'pass', '120 MiB', '< 1 GiB', 'the largest value'],
    ['target_cpu_cores', 'value != 1', 'pass', '0.25 cores', '!= 1 cores', 'another unit'],
  ])('%s: %s → %s (%s, %s: %s)', (selector, rule, verdict, observed, limit) => {
    expect(check(selector, rule)).toMatchObject({ kind: 'threshold', verdict, observed, limit });
  });

  test('with a reason when it fails, and the commonest errors as evidence', () => {
    expect(check('mcp_request_errors', 'rate == 0')).toEqual(
      CheckSchema.parse({
        name: 'mcp_request_errors rate == 0 %',
        kind: 'threshold',
        class: 'protocol',
        verdict: 'fail',
        observed: '2 % (2 of 100)',
        limit: '== 0 %',
        reason: 'rate of mcp_request_errors is 2 % (2 of 100), the limit is == 0 %',
        evidence: ['timeout: 2', 'http-500: 1'],
      }),
    );
  });

  test.each([
    ['reap_lag_ms', 'max < 1m', 'a trend'],
    ['iterations', 'count > 0', 'a counter'],
    ['sessions_observed', 'value == 0', 'a gauge: 0 would pass if nothing were taken for 0'],
    [`${DURATION}{method:ping}`, 'max < 1s', 'a method'],
    [`${DURATION}{method:constructor}`, 'max < 1s', 'a method named like a property of every object'],
  ])('as no-data without a sample: %s %s (%s)', (selector, rule) => {
    expect(check(selector, rule)).toMatchObject({ verdict: 'no-data', reason: `${selector} has no sample` });
  });

  test('as invalid when no time can be trusted, whether it would pass or fail; counts and bytes stand', () => {
    const starved = 'schedule lag p99 was 163 ms';
    for (const rule of ['max < 1s', 'max < 1ms']) {
      expect(check(DURATION, rule, starved)).toMatchObject({
        verdict: 'invalid',
        reason: starved,
        observed: '100 ms',
      });
    }
    expect(check('dropped_iterations', 'count == 0', starved)?.verdict).toBe('invalid');
    expect(check('mcp_requests', 'count > 0', starved)?.verdict).toBe('pass');
    expect(check('target_rss_bytes', 'max < 1MiB', starved)?.verdict).toBe('fail');
  });

  test('by the class of evidence that its metric is', () => {
    const classes = [
      [DURATION, 'max < 1s'],
      ['mcp_request_errors', 'rate == 0'],
      ['target_rss_bytes', 'max < 1GiB'],
      ['mcp_requests', 'count > 0'],
    ].map(([selector = '', rule = '']) => check(selector, rule)?.class);
    expect(classes).toEqual(['timing', 'protocol', 'memory', 'counts']);
  });
});
