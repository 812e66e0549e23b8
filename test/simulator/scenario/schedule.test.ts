import { describe, expect, test } from 'vitest';
import {
  type ArrivalExecutor,
  dueAt,
  dueTimes,
  evenArrivals,
  expectedArrivals,
  modelOf,
  mostSessionsPerCycle,
  type PlannedExecutor,
  type RampingArrivals,
  type Stage,
  sessionsPerCycle,
  userSpans,
} from '../../../simulator/scenario/schedule.ts';

const arrivalsIn = (ratePerSecond: number, durationMs: number) =>
  evenArrivals({ kind: 'constant-arrival-rate', ratePerSecond, durationMs });
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

type Ramp = [startRate: number, ...stages: [seconds: number, target: number][]];

function ramp(...[startRate, ...stages]: Ramp): RampingArrivals {
  const rate = {
    kind: 'ramping-arrival-rate',
    startRate,
    stages: stages.map(([seconds, target]) => ({ durationMs: seconds * 1000, target })),
  } as const;
  return { ...rate, maxVUs: 1, arrivals: evenArrivals(rate) };
}

describe('a ramp has as many arrivals as there is area under its line', () => {
  test.each<[string, Ramp, number]>([
    ['up from nothing', [0, [10, 20]], 100],
    ['down to nothing', [20, [10, 0]], 100],
    ['level', [5, [10, 5]], 50],
    ['a jump, in no time, and on', [0, [0, 10], [3, 10]], 30],
    ['up, along, down', [0, [10, 10], [20, 10], [10, 0]], 300],
    ['a fraction less than the next', [0, [10, 1.99]], 9],
    ['nothing at all', [0, [10, 0]], 0],
  ])('%s', (_, [startRate, ...stages], arrivals) => {
    expect(ramp(startRate, ...stages).arrivals).toBe(arrivals);
  });
});

describe('the iterations of a ramp', () => {
  test.each<[string, Ramp, number, number]>([
    ['the first of a ramp from 0 is due at once', [0, [10, 20]], 0, 0],
    ['a quarter of the area, half of the time', [0, [10, 20]], 25, 5000],
    ['√(n/100) of the time: n = 1', [0, [10, 20]], 1, 1000],
    ['on the way down, the last but a quarter of the area', [20, [10, 0]], 75, 5000],
    ['a level line is the constant rate', [4, [10, 4]], 7, 1750],
    ['after a jump', [0, [0, 10], [3, 10]], 5, 500],
    ['in the second stage', [0, [10, 10], [20, 10]], 60, 11_000],
    ['after a silence, when the rate rises again', [0, [10, 0], [10, 10]], 0, 10_000],
    [
      'between two bursts, the first of the second',
      [10, [1, 10], [0, 0], [5, 0], [0, 10], [1, 10]],
      10,
      6000,
    ],
  ])('%s', (_, [startRate, ...stages], n, due) => {
    expect(dueAt(ramp(startRate, ...stages), n)).toBe(due);
  });

  test.each<[string, Ramp]>([
    ['up', [0, [100, 200]]],
    ['down', [333.3, [60, 0.1]]],
    ['a mountain', [1, [60, 100], [600, 100], [60, 1], [5, 0]]],
    ['steps', [0, [0, 10], [20, 10], [0, 500], [20, 500], [0, 3], [20, 3]]],
    ['long, without drift', [7, [3600, 50], [3600, 7], [3600, 50]]],
  ])('in each second are as many as the integral says, give or take one: %s', (_, [startRate, ...stages]) => {
    const executor = ramp(startRate, ...stages);
    const due = [...dueTimes(executor)];
    expect(due).toEqual(due.toSorted((one, other) => one - other));
    const seconds = stages.reduce((sum, [length]) => sum + length, 0);
    expect(due.at(-1)).toBeLessThan(seconds * 1000);
    const perSecond = new Uint32Array(seconds);
    for (const at of due) perSecond[Math.floor(at / 1000)] = (perSecond[Math.floor(at / 1000)] ?? 0) + 1;
    const until = (second: number) => expectedArrivals({ ...executor, stages: firstOf(executor, second) });
    const errors = [...perSecond].map((count, second) => count - (until(second + 1) - until(second)));
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(1);
  });
});

/** The stages of a ramp, cut off after so many seconds. */
function firstOf({ startRate, stages }: RampingArrivals, seconds: number): Stage[] {
  let [left, rate] = [seconds * 1000, startRate];
  return stages.map(({ durationMs, target }) => {
    const taken = Math.max(0, Math.min(durationMs, left));
    const isJump = durationMs === 0;
    const reached = isJump ? target : rate + ((target - rate) * taken) / durationMs;
    left -= durationMs;
    rate = target;
    return { durationMs: taken, target: reached };
  });
}

describe('Poisson arrivals', () => {
  const poisson = (even: ArrivalExecutor, seed: number, workload = 'w'): ArrivalExecutor => ({
    ...even,
    poisson: { seed, workload },
  });
  const constant: ArrivalExecutor = {
    kind: 'constant-arrival-rate',
    ratePerSecond: 5,
    durationMs: 4_000_000,
    maxVUs: 1,
    arrivals: 20_000,
  };

  /** Largest distance of two distribution functions: of the sample, and of Exp(1). */
  function distanceFromExponential(gaps: readonly number[]): number {
    const sorted = gaps.toSorted((a, b) => a - b);
    return sorted.reduce((worst, gap, index) => {
      const expected = 1 - Math.exp(-gap);
      const [below, above] = [index / sorted.length, (index + 1) / sorted.length];
      return Math.max(worst, Math.abs(expected - below), Math.abs(expected - above));
    }, 0);
  }

  test.each([1, 2, 3, 4, 5])('have exponential gaps (Kolmogorov–Smirnov at 0.1 %), seed %d', (seed) => {
    const due = [...dueTimes(poisson(constant, seed))];
    const gaps = due.slice(1).map((at, index) => ((at - (due[index] ?? 0)) * 5) / 1000);
    // 1.95/√n; whole ms at five a second are another 0.5 %.
    expect(distanceFromExponential(gaps)).toBeLessThan(1.95 / Math.sqrt(gaps.length) + 0.005);
    expect(Math.abs(due.length - 20_000)).toBeLessThan(4 * Math.sqrt(20_000));
  });

  test('evenly spaced ones do not pass that test', () => {
    const gaps = [...dueTimes(constant)].slice(1).map(() => 1);
    expect(distanceFromExponential(gaps)).toBeGreaterThan(0.3);
  });

  test('on a ramp have exponential gaps where time is counted in expected arrivals', () => {
    const line = ramp(0, [2000, 20]);
    const due = [...dueTimes(poisson(line, 7))];
    const expected = due.map((ms) => (ms / 2_000_000) ** 2 * 20_000);
    const gaps = expected.slice(1).map((at, index) => at - (expected[index] ?? 0));
    expect(distanceFromExponential(gaps)).toBeLessThan(1.95 / Math.sqrt(gaps.length) + 0.01);
  });

  test('are the same for the same seed and workload, and others for any other', () => {
    const first = [...dueTimes(poisson(constant, 1))];
    expect([...dueTimes(poisson(constant, 1))]).toEqual(first);
    expect([...dueTimes(poisson(constant, 2))]).not.toEqual(first);
    expect([...dueTimes(poisson(constant, 1, 'other'))]).not.toEqual(first);
  });
});

describe('virtual users on a ramp', () => {
  const spans = (startVUs: number, ...stages: [number, number][]) =>
    userSpans({
      startVUs,
      stages: stages.map(([seconds, target]) => ({ durationMs: seconds * 1000, target })),
    }).map((user) => user.map(({ fromMs, untilMs }) => `${fromMs / 1000}-${untilMs / 1000}`).join(' '));

  test.each<[string, string[], string[]]>([
    ['up: user k when the line reaches k + 1', spans(0, [3, 3]), ['1-3', '2-3', '']],
    ['up and along', spans(0, [3, 3], [7, 3]), ['1-10', '2-10', '3-10']],
    ['down: the last that came goes first', spans(3, [3, 0]), ['0-3', '0-2', '0-1']],
    ['there from the start', spans(2, [5, 2]), ['0-5', '0-5']],
    ['away and back again', spans(2, [2, 0], [2, 2]), ['0-2 3-4', '0-1']],
    ['jumps', spans(0, [0, 2], [5, 2], [0, 1], [5, 1]), ['0-10', '0-5']],
    ['beyond where it started', spans(1, [2, 3], [2, 0]), [`0-4`, '1-3.333', '2-2.667']],
  ])('%s', (_, worked, expected) => {
    expect(worked).toEqual(expected);
  });
});

describe('closed executors that time ends', () => {
  const vus: PlannedExecutor = { kind: 'constant-vus', vus: 10, durationMs: 60_000 };

  test('plan no number of sessions, but have a most', () => {
    expect([sessionsPerCycle(vus), mostSessionsPerCycle(vus, 1000)]).toEqual([0, 600]);
    const stages = [{ durationMs: 10_000, target: 10 }];
    const ramping: PlannedExecutor = { kind: 'ramping-vus', startVUs: 10, stages, gracefulRampDownMs: null };
    expect([sessionsPerCycle(ramping), mostSessionsPerCycle(ramping, 1000)]).toEqual([0, 100]);
  });

  test('let no iteration take less than 10 ms, or virtual time would stand still', () => {
    expect(mostSessionsPerCycle(vus, 0)).toBe(60_000);
  });

  test('are labelled closed, those with a rate open', () => {
    const kinds = ['constant-arrival-rate', 'ramping-arrival-rate', 'per-vu-iterations'] as const;
    expect(kinds.map((kind) => modelOf({ kind }))).toEqual(['open', 'open', 'closed']);
    expect([modelOf(vus), modelOf({ kind: 'ramping-vus' })]).toEqual(['closed', 'closed']);
  });
});
