import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { Ledger } from '../../../simulator/judge/ledger.ts';
import { Metrics } from '../../../simulator/judge/metrics.ts';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { SessionObserver } from '../../../simulator/observers/sessions.ts';
import { Watch } from '../../../simulator/observers/watch.ts';
import type { Target } from '../../../simulator/targets/target.ts';
import { showing } from './health-server.ts';

let time: VirtualTime;
beforeEach(() => {
  time = new VirtualTime();
});
afterEach(() => time.uninstall());

interface Watched {
  readonly watch: Watch;
  readonly metrics: Metrics;
  /** How often the target was looked at. */
  looks(): number;
}

/** Watches, once a second, a target with as many sessions as the number of the look says. */
async function watching(sessionsAt: (look: number) => number | undefined, pid?: number): Promise<Watched> {
  let looks = -1;
  const target: Target = {
    ...showing(({ pathname }) => {
      if (pathname !== '/health') return undefined;
      const sessions = sessionsAt(Math.max(0, looks));
      looks += 1;
      return sessions === undefined ? undefined : { sessions };
    }),
    ...(pid !== undefined && { pid }),
  };
  const { clock } = time;
  const sessions = new SessionObserver(target, clock);
  await sessions.discover();
  looks = 0;
  const metrics = new Metrics();
  const ledger = new Ledger({ policy: PolicySchema.parse({}), epsilonMs: 0, onReapLag: () => undefined });
  const watch = new Watch({ clock, target, sessions, ledger, metrics, generator: undefined, everyMs: 1_000 });
  return { watch, metrics, looks: () => looks };
}

/** Watches for so long, virtual ms. */
async function watchFor(ms: number, { watch }: Watched): Promise<number[]> {
  const told: number[] = [];
  const running = watch.run(() => told.push(time.clock.now()));
  await time.clock.sleep(ms);
  watch.stop();
  await running;
  return told;
}

it('looks at regular times, and tells each time', async () => {
  await time.drive(async () => {
    const watched = await watching((look) => look);
    expect(await watchFor(3_500, watched)).toEqual([1_000, 2_000, 3_000]);
    expect(watched.watch.series.map(({ t, observed }) => [t, observed])).toEqual([
      [1_000, 0],
      [2_000, 1],
      [3_000, 2],
    ]);
    expect(watched.watch.lastSample?.count).toBe(2);
  });
});

it('looks no more once it is stopped, and stops at once', async () => {
  await time.drive(async () => {
    const watched = await watching(() => 1);
    await watchFor(1_500, watched);
    expect(time.clock.now()).toBe(1_500);
    await time.clock.sleep(10_000);
    expect(watched.looks()).toBe(1);
  });
});

it('keeps the highest number of sessions as a metric', async () => {
  await time.drive(async () => {
    const watched = await watching((look) => [3, 9, 2][look]);
    await watchFor(3_500, watched);
    expect(watched.metrics.snapshot().gauges.sessions_observed).toMatchObject({ max: 9 });
  });
});

it('leaves out a look that the target does not answer', async () => {
  await time.drive(async () => {
    const watched = await watching((look) => (look === 1 ? undefined : 5));
    await watchFor(3_500, watched);
    expect(watched.watch.series.map(({ t }) => t)).toEqual([1_000, 3_000]);
  });
});

it('sees what a target uses that is a process of this machine', async () => {
  await time.drive(async () => {
    const watched = await watching(() => 1, process.pid);
    await watchFor(2_500, watched);
    const [first, second] = watched.watch.series;
    expect(first).toMatchObject({ rssBytes: expect.any(Number), openFiles: expect.any(Number) });
    expect(first).not.toHaveProperty('cpuCores');
    expect(second).toHaveProperty('cpuCores');
  });
});

it('keeps at most 1,000 points of 5,000 looks, in order, from the whole run', async () => {
  await time.drive(async () => {
    const watched = await watching((look) => look);
    await watchFor(5_000_500, watched);
    const { series } = watched.watch;
    const times = series.map(({ t }) => t);
    expect(series.length).toBeLessThanOrEqual(1_000);
    expect(series.length).toBeGreaterThanOrEqual(500);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeLessThan(10_000);
    expect(times.at(-1)).toBe(5_000_000);
  });
});

it.each([0, 1, 2, 3, 500, 998, 999, 1_000, 1_001, 2_001, 3_002])(
  'keeps a peak of a single look, the one numbered %i, whatever is thinned',
  async (peakAt) => {
    await time.drive(async () => {
      const watched = await watching((look) => (look === peakAt ? 77 : 5));
      await watchFor(3_003_500, watched);
      const peaks = watched.watch.series.filter(({ observed }) => observed === 77);
      expect(peaks.map(({ t }) => t)).toEqual([(peakAt + 1) * 1_000]);
    });
  },
);

it('ends the series with the last look, however it is thinned', async () => {
  await time.drive(async () => {
    const watched = await watching((look) => (look === 1_500 ? 0 : 5));
    await watchFor(1_501_500, watched);
    expect(watched.watch.series.at(-1)).toMatchObject({ t: 1_501_000, observed: 0 });
  });
});
