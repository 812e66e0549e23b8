import { describe, expect, it } from 'vitest';
import { causeOfDrops, type DropEvidence } from '../../../simulator/judge/dropped.ts';
import { Metrics } from '../../../simulator/judge/metrics.ts';
import { judgeThresholds, parseThreshold } from '../../../simulator/judge/threshold.ts';

const SLOW_TARGET: DropEvidence = {
  dropped: 150,
  timingInvalid: undefined,
  shortest: { workload: 'w', needed: 10, maxVUs: 50 },
  serviceP99Ms: 1_006,
};
const LATE = 'the simulator sent its requests late';

describe('arrivals were dropped', () => {
  it.each<[string, Partial<DropEvidence>, string | undefined, string]>([
    ['by nobody', { dropped: 0 }, undefined, ''],
    ['by a target that let virtual users wait', {}, 'target', 'service time p99 1.006 s'],
    ['by a generator that was late itself', { timingInvalid: LATE }, 'generator', LATE],
    [
      'by a scenario that has too few virtual users for its think times',
      { shortest: { workload: 'w', needed: 50.5, maxVUs: 50 } },
      'scenario',
      'w needs 51 virtual users for its think times alone and has 50: raise maxVUs',
    ],
    [
      'by a target, where nothing was ever answered',
      { serviceP99Ms: undefined },
      'target',
      'answers of the target',
    ],
  ])('%s', (_, changes, cause, why) => {
    const found = causeOfDrops({ ...SLOW_TARGET, ...changes });
    expect(found?.cause).toBe(cause);
    expect(found?.why ?? '').toContain(why);
  });
});

describe('a rate claim that is not met', () => {
  const metrics = new Metrics();
  metrics.count('dropped_iterations', 150);
  metrics.count('iterations', 1_850);
  metrics.count('sessions_opened', 1_850);
  const claims = [
    parseThreshold('dropped_iterations', 'count == 0'),
    parseThreshold('iterations', 'count >= 2000'),
    parseThreshold('sessions_opened', 'count <= 1000'),
  ];
  const judged = (circumstances: Parameters<typeof judgeThresholds>[2]) =>
    judgeThresholds(claims, metrics.snapshot(), circumstances).map(({ verdict, reason }) => [
      verdict,
      reason,
    ]);

  it('fails, and names the target, where the target was the cause', () => {
    const dropCause = { cause: 'target', why: 'virtual users were all waiting' } as const;
    const [dropped, iterations, atMost] = judged({ dropCause });
    const reason = expect.stringContaining('caused by the target: virtual users were all waiting');
    expect([dropped, iterations]).toEqual([
      ['fail', reason],
      ['fail', reason],
    ]);
    expect(atMost).toEqual(['fail', expect.not.stringContaining('caused')]);
  });

  it('is invalid, and says why, where the generator was the cause; other counts stand', () => {
    const dropCause = { cause: 'generator', why: LATE } as const;
    const [dropped, iterations, atMost] = judged({ dropCause, timingInvalidReason: LATE });
    const invalid = ['invalid', expect.stringContaining(LATE)];
    expect([dropped, iterations, atMost?.[0]]).toEqual([invalid, invalid, 'fail']);
  });

  it('needs no word where it is met', () => {
    const met = [parseThreshold('iterations', 'count >= 1850')];
    const [check] = judgeThresholds(met, metrics.snapshot(), { timingInvalidReason: LATE });
    expect([check?.verdict, check?.reason]).toEqual(['pass', '']);
  });
});
