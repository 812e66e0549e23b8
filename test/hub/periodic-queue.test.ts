import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PeriodicQueue } from '../../hub/periodic-queue.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';

let time: VirtualTime;

beforeEach(() => {
  time = new VirtualTime();
});

afterEach(() => time.uninstall());

function pass(ms: number): Promise<void> {
  return time.drive(() => time.clock.sleep(ms));
}

/** A queue that writes down when it serves whom. */
function recording(periodMs: number, onServe: (member: string) => void = () => undefined) {
  const served: [member: string, at: number][] = [];
  const queue = new PeriodicQueue<string>(periodMs, (member) => {
    served.push([member, time.clock.now()]);
    onServe(member);
  });
  const timesOf = (member: string) => served.filter(([name]) => name === member).map(([, at]) => at);
  return { queue, served, timesOf };
}

describe('PeriodicQueue', () => {
  const periods = [1, 3, 16, 100, 1_000, 30_000, 3_600_000];
  it.each(periods)('serves each member about every %i ms and never later', async (periodMs) => {
    const { queue, timesOf } = recording(periodMs);
    const addedAt = new Map<string, number>();
    for (const [index, waitMs] of [0, 0, 1, periodMs / 3, periodMs, 0.4 * periodMs].entries()) {
      await pass(waitMs);
      addedAt.set(`member ${index}`, time.clock.now());
      queue.add(`member ${index}`);
    }
    await pass(20 * periodMs);
    for (const [member, at] of addedAt) {
      const moments = [at, ...timesOf(member)];
      const gaps = moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0));
      expect(gaps.length, member).toBeGreaterThanOrEqual(20);
      // Timers have whole milliseconds: below a handful of them rounding shows.
      expect(Math.max(...gaps), member).toBeLessThanOrEqual(Math.max(periodMs, 1));
      expect(Math.min(...gaps), member).toBeGreaterThanOrEqual(Math.floor(periodMs * (15 / 16)) - 1);
    }
    queue.close();
  });

  it('serves thousands added at many instants at few: at most 17 wake-ups per period', async () => {
    const { queue, served } = recording(1_000);
    for (let index = 0; index < 500; index += 1) {
      queue.add(`member ${index}`);
      await pass(2);
    }
    served.length = 0;
    await pass(1_000);
    expect(served).toHaveLength(500);
    expect(new Set(served.map(([, at]) => at)).size).toBeLessThanOrEqual(17);
    queue.close();
  });

  it('serves nobody who was taken out, also while others are being served', async () => {
    const { queue, timesOf } = recording(100, (member) => {
      if (member === 'first') queue.delete('second');
    });
    for (const member of ['first', 'second', 'third']) queue.add(member);
    queue.delete('third');
    queue.delete('never there');
    await pass(350);
    expect(timesOf('first')).toHaveLength(3);
    expect(timesOf('second')).toEqual([]);
    expect(timesOf('third')).toEqual([]);
    queue.close();
  });

  it('serves who takes himself out while being served once, and who comes in then a period later', async () => {
    const { queue, timesOf } = recording(100, (member) => {
      if (member !== 'leaver') return;
      queue.delete('leaver');
      queue.add('newcomer');
    });
    queue.add('leaver');
    await pass(210);
    expect(timesOf('leaver')).toHaveLength(1);
    expect(timesOf('newcomer')).toHaveLength(1);
    queue.close();
  });

  it('starts the period of a member anew when it is added again', async () => {
    const { queue, timesOf } = recording(160);
    queue.add('member');
    await pass(100);
    queue.add('member');
    await pass(100);
    expect(timesOf('member')).toEqual([]);
    await pass(60);
    expect(timesOf('member')).toHaveLength(1);
    queue.close();
  });

  it('stands still without members, and works on when one comes', async () => {
    const { queue, timesOf } = recording(100);
    queue.add('a');
    queue.delete('a');
    await pass(1_000);
    queue.add('b');
    await pass(100);
    expect(timesOf('b')).toHaveLength(1);
    queue.close();
  });

  it('holds no process, and is quiet once closed', async () => {
    const { queue, served } = recording(100);
    queue.add('member');
    expect(time.heldTimers()).toBe(0);
    queue.close();
    queue.close();
    await pass(1_000);
    expect(served).toEqual([]);
  });
});
