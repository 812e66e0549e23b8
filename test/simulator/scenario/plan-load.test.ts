import { describe, expect, it } from 'vitest';
import type { PlannedWorkload } from '../../../simulator/scenario/plan.ts';
import { modelOfPlan, peakConnections, shortestOfUsers } from '../../../simulator/scenario/plan-load.ts';
import type { PlannedExecutor } from '../../../simulator/scenario/schedule.ts';
import type { PlannedStep } from '../../../simulator/scenario/step.ts';

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

describe('the connections of a plan', () => {
  const thinkMs = (ms: number): PlannedStep => ({ kind: 'think', minMs: ms, maxMs: ms });
  const listen: PlannedStep = { kind: 'listen' };
  const vanish = (how: 'silent' | 'frozen'): PlannedStep => ({ kind: 'abandon', how });
  const call: PlannedStep = {
    kind: 'call',
    tool: 'echo',
    arguments: {},
    timeoutMs: 1,
    abortAfterMs: null,
    longestMs: 1,
    wantsProgress: false,
  };
  const arrivals = (ratePerSecond: number, maxVUs: number, count = 10_000): PlannedExecutor => ({
    kind: 'constant-arrival-rate',
    ratePerSecond,
    durationMs: 10_000,
    maxVUs,
    arrivals: count,
  });
  const users = (vus: number): PlannedExecutor => ({ kind: 'per-vu-iterations', vus, iterations: 3 });

  it.each<[string, PlannedExecutor, PlannedStep[], number]>([
    ['one for each client at work', users(50), [thinkMs(0)], 50],
    ['one more for its stream', users(50), [{ kind: 'repeat', times: 2, steps: [listen] }], 100],
    [
      'one for each call at once',
      users(10),
      [{ kind: 'concurrent', calls: [call, call, call] } as PlannedStep],
      30,
    ],
    ['arrivals stay as long as they think', arrivals(100, 9_999), [thinkMs(2_000)], 200],
    ['arrivals have no more than their virtual users', arrivals(100, 150), [thinkMs(2_000)], 150],
    ['no more arrive than there are', arrivals(100, 9_999, 120), [thinkMs(2_000)], 120],
    ['at the peak of a ramp', ramp, [thinkMs(1_000)], 1],
    [
      'who left waits without one',
      arrivals(100, 9_999),
      [thinkMs(1_000), vanish('silent'), thinkMs(9_000)],
      100,
    ],
    ['who froze keeps it', arrivals(100, 9_999, 500), [listen, vanish('frozen')], 2 * 2 * 500],
    [
      'an engine has its own',
      { kind: 'saturation', connections: 20, durationMs: 1, ratePerSecond: null },
      [call],
      40,
    ],
  ])('%s', (_, executor, flow, expected) => {
    const workloads = [{ ...workload('one', executor), flow }];
    const cycles = 2;
    expect(peakConnections({ workloads, cycles })).toBe(expected);
  });

  it('of all workloads add up', () => {
    const workloads = [workload('a', users(5)), workload('b', users(7))];
    expect(peakConnections({ workloads, cycles: 1 })).toBe(12);
  });
});
