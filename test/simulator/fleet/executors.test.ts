import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { runConstantArrivalRate } from '../../../simulator/fleet/constant-arrival-rate.ts';
import { runConstantVus } from '../../../simulator/fleet/constant-vus.ts';
import type { ExecutorParts, Iteration } from '../../../simulator/fleet/executor.ts';
import { runPerVuIterations } from '../../../simulator/fleet/per-vu-iterations.ts';
import { runRampingArrivalRate } from '../../../simulator/fleet/ramping-arrival-rate.ts';
import { runRampingVus } from '../../../simulator/fleet/ramping-vus.ts';
import { dueTimes, evenArrivals } from '../../../simulator/scenario/schedule.ts';

let time: VirtualTime;
let stop: AbortController;
let started: (Iteration & { at: number })[];
let dropped: number[];
let running: number;

beforeEach(() => {
  time = new VirtualTime();
  stop = new AbortController();
  started = [];
  dropped = [];
  running = 0;
});
afterEach(() => time.uninstall());

/** Iterations that take so long, the clock's time. */
function taking(ms: number | ((iteration: Iteration) => number)): ExecutorParts {
  return {
    clock: time.clock,
    stop: stop.signal,
    dropped: (dueAt) => dropped.push(dueAt),
    iterate: async (iteration) => {
      started.push({ ...iteration, at: time.clock.now() });
      running += 1;
      await time.clock.sleep(typeof ms === 'number' ? ms : ms(iteration));
      running -= 1;
    },
  };
}

function arrivalRate(ratePerSecond: number, durationMs: number, maxVUs: number) {
  const rate = { kind: 'constant-arrival-rate', ratePerSecond, durationMs } as const;
  return { ...rate, maxVUs, arrivals: evenArrivals(rate) };
}

describe('constant-arrival-rate', () => {
  const runRate = (rate: number, durationMs: number, vus: number, ms: Parameters<typeof taking>[0]) =>
    time.drive(() => runConstantArrivalRate(arrivalRate(rate, durationMs, vus), taking(ms)));

  it.each([
    ['four a second', 4, 1_000, [0, 250, 500, 750]],
    ['a rate that divides no second', 3, 2_000, [0, 333, 666, 1_000, 1_333, 1_666]],
    ['one in two seconds', 0.5, 6_000, [0, 2_000, 4_000]],
  ])('starts %s exactly when they are due', async (_, rate, durationMs, times) => {
    await runRate(rate, durationMs, 10, 10);
    expect(started.map(({ at }) => at)).toEqual(times);
    expect(started.map(({ dueAt }) => dueAt)).toEqual(times);
    expect(dropped).toEqual([]);
  });

  it('starts iterations when they are due, however long earlier ones take', async () => {
    await runRate(10, 1_000, 10, 60_000);
    expect(started.map(({ at }) => at)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    expect(time.clock.now()).toBe(60_900);
  });

  it('counts from when it begins, not from when the run began', async () => {
    await time.drive(() => time.clock.sleep(5_000));
    await runRate(2, 1_000, 10, 10);
    expect(started.map(({ at }) => at)).toEqual([5_000, 5_500]);
  });

  it('drops what finds every virtual user busy, and never makes up for it', async () => {
    await runRate(10, 1_000, 2, 350);
    expect(started.map(({ at, vu }) => [at, vu])).toEqual([
      [0, 0],
      [100, 1],
      [400, 0],
      [500, 1],
      [800, 0],
      [900, 1],
    ]);
    expect(dropped).toEqual([200, 300, 600, 700]);
  });

  it('lets each virtual user number its own iterations', async () => {
    await runRate(10, 500, 2, 150);
    expect(started.map(({ vu, iteration }) => `${vu}#${iteration}`)).toEqual([
      '0#0',
      '1#0',
      '0#1',
      '1#1',
      '0#2',
    ]);
  });

  it('starts all that is overdue at once, when the machine held it up', async () => {
    const parts = taking(10);
    const { clock } = parts;
    const heldUp = {
      now: () => clock.now(),
      at: clock.at.bind(clock),
      sleep: (ms: number) => clock.sleep(ms + 1_000),
    };
    await time.drive(() => runConstantArrivalRate(arrivalRate(4, 1_000, 10), { ...parts, clock: heldUp }));
    expect(started.map(({ at, dueAt }) => [at, dueAt])).toEqual([
      [0, 0],
      [1_250, 250],
      [1_250, 500],
      [1_250, 750],
    ]);
  });

  it('starts nothing any more once it is stopped, and waits for what runs', async () => {
    time.clock.at(450, () => stop.abort());
    await runRate(10, 1_000, 10, 2_000);
    expect(started.map(({ at }) => at)).toEqual([0, 100, 200, 300, 400]);
    expect([running, time.clock.now(), dropped]).toEqual([0, 2_400, []]);
  });
});

describe('per-vu-iterations', () => {
  const runVus = (vus: number, iterations: number, ms: Parameters<typeof taking>[0]) =>
    time.drive(() => runPerVuIterations({ kind: 'per-vu-iterations', vus, iterations }, taking(ms)));

  it('starts all virtual users at once, each one iteration after another', async () => {
    await runVus(3, 2, ({ vu }) => 10 * (vu + 1));
    expect(started.map(({ at, vu, iteration }) => `${vu}#${iteration} at ${at}`)).toEqual([
      '0#0 at 0',
      '1#0 at 0',
      '2#0 at 0',
      '0#1 at 10',
      '1#1 at 20',
      '2#1 at 30',
    ]);
    expect(time.clock.now()).toBe(60);
  });

  it('has every iteration due when it begins: there is no schedule to be late for', async () => {
    await runVus(2, 3, 25);
    expect(started.every(({ at, dueAt }) => at === dueAt)).toBe(true);
  });

  it('starts nothing any more once it is stopped, and waits for what runs', async () => {
    time.clock.at(15, () => stop.abort());
    await runVus(2, 5, 10);
    expect(started.map(({ at }) => at)).toEqual([0, 0, 10, 10]);
    expect([running, time.clock.now()]).toEqual([0, 20]);
  });
});

describe('ramping-arrival-rate', () => {
  const stages = [
    { durationMs: 4_000, target: 2 },
    { durationMs: 2_000, target: 2 },
  ];
  const rate = { kind: 'ramping-arrival-rate', startRate: 0, stages } as const;
  const even = { ...rate, maxVUs: 2, arrivals: evenArrivals(rate) };

  it('starts iterations when the ramp has them due, however long earlier ones take', async () => {
    await time.drive(() => runRampingArrivalRate({ ...even, maxVUs: 20 }, taking(60_000)));
    expect(started.map(({ at }) => at)).toEqual([0, 2_000, 2_828, 3_464, 4_000, 4_500, 5_000, 5_500]);
  });

  it('drops what finds every virtual user busy', async () => {
    await time.drive(() => runRampingArrivalRate(even, taking(2_900)));
    expect(started.map(({ at, vu }) => [at, vu])).toEqual([
      [0, 0],
      [2_000, 1],
      [3_464, 0],
      [5_000, 1],
    ]);
    expect(dropped).toEqual([2_828, 4_000, 4_500, 5_500]);
  });

  it('starts at random moments, the same for the same seed', async () => {
    const poisson = { ...even, maxVUs: 20, poisson: { seed: 3, workload: 'w' } };
    await time.drive(() => runRampingArrivalRate(poisson, taking(10)));
    expect(started.map(({ at }) => at)).toEqual([...dueTimes(poisson)]);
    expect(started.length).toBeGreaterThan(2);
  });
});

describe('constant-vus', () => {
  const run = (vus: number, durationMs: number, ms: Parameters<typeof taking>[0]) =>
    time.drive(() => runConstantVus({ kind: 'constant-vus', vus, durationMs }, taking(ms)));

  it('starts one iteration after another until time is over, and waits for what runs', async () => {
    await run(2, 1_000, 300);
    expect(started.map(({ at, vu, iteration }) => `${vu}#${iteration} at ${at}`)).toEqual(
      [0, 300, 600, 900].flatMap((at, n) => [`0#${n} at ${at}`, `1#${n} at ${at}`]),
    );
    expect([time.clock.now(), running]).toEqual([1_200, 0]);
  });

  it('has every iteration due when it begins: a slow target slows it down', async () => {
    await run(1, 10_000, ({ iteration }) => 1_000 * (iteration + 1));
    expect(started.map(({ at }) => at)).toEqual([0, 1_000, 3_000, 6_000]);
    expect(started.every(({ at, dueAt }) => at === dueAt)).toBe(true);
  });

  it('lets time go on though iterations take none', async () => {
    await run(1, 100, 0);
    expect(started.map(({ at }) => at)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
  });

  it('starts nothing any more once it is stopped', async () => {
    time.clock.at(450, () => stop.abort());
    await run(1, 10_000, 200);
    expect(started.map(({ at }) => at)).toEqual([0, 200, 400]);
  });
});

describe('ramping-vus', () => {
  const run = (stages: [number, number][], ms: number, gracefulRampDownMs: number | null = null) =>
    time.drive(() =>
      runRampingVus(
        {
          kind: 'ramping-vus',
          startVUs: 0,
          stages: stages.map(([durationMs, target]) => ({ durationMs, target })),
          gracefulRampDownMs,
        },
        taking(ms),
      ),
    );
  const up = (stages: [number, number][], ms: number) => run(stages, ms);

  it('has virtual users begin and stop one by one', async () => {
    await up(
      [
        [2_000, 2],
        [2_000, 0],
      ],
      400,
    );
    expect(started.map(({ at, vu }) => `${vu} at ${at}`)).toEqual([
      ...['0 at 1000', '0 at 1400', '0 at 1800'],
      ...['1 at 2000', '0 at 2200', '1 at 2400', '0 at 2600', '1 at 2800'],
      ...['0 at 3000', '0 at 3400', '0 at 3800'],
    ]);
    expect(time.clock.now()).toBe(4_200);
  });

  it('sends nobody away who is at work, unless told to', async () => {
    await up(
      [
        [1_000, 1],
        [1_000, 0],
      ],
      5_000,
    );
    expect(started.map(({ cutAt }) => cutAt)).toEqual([undefined]);
    expect(time.clock.now()).toBe(6_000);
  });

  it('says until when an iteration may go on, but not of a user that is wanted again by then', async () => {
    const stages: [number, number][] = [
      [0, 1],
      [1_000, 1],
      [0, 0],
      [1_000, 0],
      [0, 1],
      [1_000, 1],
    ];
    await run(stages, 100, 500);
    expect(started.map(({ at, cutAt }) => [at < 1_500, cutAt])).toEqual(
      Array.from({ length: 20 }, (_, n) => [n < 10, n < 10 ? 1_500 : 3_500]),
    );
    started = [];
    await run(stages, 100, 1_500);
    expect(new Set(started.slice(0, 10).map(({ cutAt }) => cutAt))).toEqual(new Set([undefined]));
  });
});
