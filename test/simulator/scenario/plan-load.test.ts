import { describe, expect, it } from 'vitest';
import type { PlannedWorkload } from '../../../simulator/scenario/plan.ts';
import { modelOfPlan, shortestOfUsers } from '../../../simulator/scenario/plan-load.ts';
import type { PlannedExecutor } from '../../../simulator/scenario/schedule.ts';

const workload = (name: string, executor: PlannedExecutor): PlannedWorkload => ({
  name,
  client: { name, protocolVersion: '2025-11-25', profile: 'plain' },
  failureModes: [],
  startMs: 0,
  executor,
  flow: [{ kind: 'think', minMs: 2_000, maxMs: 3_000 }],
});
const even = (ratePerSecond: number, maxVUs: number): PlannedExecutor => ({
  kind: 'constant-arrival-rate',
  ratePerSecond,
  durationMs: 1_000,
  maxVUs,
  arrivals: 1,
});
const closed: PlannedExecutor = { kind: 'constant-vus', vus: 1, durationMs: 1_000 };
const ramp: PlannedExecutor = {
  kind: 'ramping-arrival-rate',
  startRate: 1,
  stages: [{ durationMs: 1_000, target: 30 }],
  maxVUs: 50,
  arrivals: 1,
};

describe('a plan', () => {
  it.each([
    ['open', [even(1, 1)]],
    ['closed', [closed]],
    ['mixed', [even(1, 1), closed]],
  ] as const)('is labelled %s', (model, executors) => {
    expect(modelOfPlan({ workloads: executors.map((one, n) => workload(`w${n}`, one)) })).toBe(model);
  });

  it('tells which workload is shortest of virtual users, at its peak', () => {
    const workloads = [workload('enough', even(10, 100)), workload('few', ramp), workload('closed', closed)];
    expect(shortestOfUsers({ workloads })).toEqual({ workload: 'few', needed: 60, maxVUs: 50 });
    expect(shortestOfUsers({ workloads: [workload('closed', closed)] })).toBeUndefined();
  });
});
