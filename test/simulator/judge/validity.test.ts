import { describe, expect, it } from 'vitest';
import { Metrics } from '../../../simulator/judge/metrics.ts';
import {
  type GeneratorHealth,
  generatorHealth,
  timingInvalidReason,
} from '../../../simulator/judge/validity.ts';

const HEALTHY: GeneratorHealth = {
  planned: 1_000,
  started: 1_000,
  dropped: 0,
  lagP50Ms: 0.2,
  lagP99Ms: 2,
  lagMaxMs: 9,
  loopDelayP99Ms: 1,
  localFailures: 0,
};

describe('times', () => {
  it.each<[string, Partial<GeneratorHealth>, number | null]>([
    ['a healthy generator', {}, null],
    ['lag at the limit', { lagP99Ms: 10 }, null],
    ['lag within a tenth of what is to be measured', { lagP99Ms: 25 }, 250],
    ['a single late request: the worst is not the rule', { lagMaxMs: 5_000 }, null],
    ['one in a hundred not started', { started: 990 }, null],
    ['arrivals dropped for want of virtual users: that is counted', { started: 500, dropped: 500 }, null],
    ['a busy event loop that made no request late', { loopDelayP99Ms: 500 }, null],
  ])('can be judged with %s', (_, changes, tightestLimitMs) => {
    expect(timingInvalidReason({ ...HEALTHY, ...changes }, tightestLimitMs)).toBeUndefined();
  });

  it.each<[string, Partial<GeneratorHealth>, number | null, string]>([
    ['requests sent late', { lagP99Ms: 10.1 }, null, 'p99 10.1 ms, at most 10 ms'],
    ['requests sent late beside a strict limit', { lagP99Ms: 15 }, 20, 'p99 15.0 ms, at most 10 ms'],
    ['requests sent late beside a loose limit', { lagP99Ms: 26 }, 250, 'p99 26.0 ms, at most 25 ms'],
    [
      'ports or files that ran out',
      { localFailures: 3 },
      null,
      '3 requests failed for want of files or ports',
    ],
    ['sessions that never started', { started: 989 }, null, 'only 989 of 1000 planned sessions were started'],
  ])('cannot be judged with %s, and it says why', (_, changes, tightestLimitMs, reason) => {
    expect(timingInvalidReason({ ...HEALTHY, ...changes }, tightestLimitMs)).toContain(reason);
  });
});

describe('the generator’s health', () => {
  const counts = { planned: 10, started: 9, loopDelayP99Ms: null };

  it('comes out of the metrics', () => {
    const metrics = new Metrics();
    for (let ms = 1; ms <= 100; ms += 1) metrics.trend('schedule_lag_ms', ms);
    metrics.count('dropped_iterations', 4);
    metrics.error('local_limit');
    metrics.error('timeout');
    const health = generatorHealth(metrics.snapshot(), counts);
    expect(health).toMatchObject({ ...counts, dropped: 4, localFailures: 1 });
    expect(Math.round(health.lagP50Ms)).toBe(50);
    expect(Math.round(health.lagP99Ms)).toBe(99);
    expect(Math.round(health.lagMaxMs)).toBe(100);
  });

  it('is zero where nothing was measured', () => {
    expect(generatorHealth(new Metrics().snapshot(), counts)).toEqual({
      ...counts,
      dropped: 0,
      lagP50Ms: 0,
      lagP99Ms: 0,
      lagMaxMs: 0,
      localFailures: 0,
    });
  });
});
