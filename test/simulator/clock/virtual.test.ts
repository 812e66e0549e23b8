import { createServer, get, type Server } from 'node:http';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { VirtualServer } from '../../../simulator/targets/virtual-server.ts';

/** 2026-01-01T00:00:00Z, where virtual time begins. */
const EPOCH = 1_767_225_600_000;
const HOUR = 3_600_000;

describe('while virtual time is installed', () => {
  let time: VirtualTime;
  beforeEach(() => {
    time = new VirtualTime();
  });
  afterEach(() => time.uninstall());

  it('begins at a fixed date, whatever the day', () => {
    expect(Date.now()).toBe(EPOCH);
    expect(new Date().toISOString()).toBe('2026-01-01T00:00:00.000Z');
    expect(time.clock.now()).toBe(0);
  });

  it('moves every clock of the process together', async () => {
    const before = { performance: performance.now(), hrtime: process.hrtime.bigint() };
    await time.drive(() => time.clock.sleep(HOUR));
    expect(time.clock.now()).toBe(HOUR);
    expect(Date.now()).toBe(EPOCH + HOUR);
    expect(performance.now() - before.performance).toBeCloseTo(HOUR);
    expect(Number(process.hrtime.bigint() - before.hrtime) / 1e6).toBeCloseTo(HOUR);
  });

  it('runs global timers on it, in the order in which they are due', async () => {
    const rung: string[] = [];
    const ring = (name: string) => rung.push(`${name} at ${time.clock.now()}`);
    setTimeout(ring, 2_500, 'timeout');
    const interval = setInterval(ring, 1_000, 'interval');
    clearTimeout(setTimeout(ring, 10, 'cleared'));
    await time.drive(() => time.clock.sleep(3_000));
    clearInterval(interval);
    await time.drive(() => time.clock.sleep(3_000));
    expect(rung).toEqual(['interval at 1000', 'interval at 2000', 'timeout at 2500', 'interval at 3000']);
  });

  it('gives promisified timers the same time', async () => {
    await time.drive(async () => {
      expect(await promisify(setTimeout)(HOUR, 'value')).toBe('value');
    });
    expect(time.clock.now()).toBe(HOUR);
  });

  it('takes a day of heartbeats in a moment', async () => {
    let beats = 0;
    const interval = setInterval(() => {
      beats += 1;
    }, 30_000);
    await time.drive(() => time.clock.sleep(24 * HOUR));
    clearInterval(interval);
    expect(beats).toBe(2_880);
  });

  it('lets immediates run before time moves, however many follow each other', async () => {
    const seenAt: number[] = [];
    await time.drive(async () => {
      const rest = time.clock.sleep(1);
      await new Promise<void>((resolve) => {
        const again = (left: number) => {
          seenAt.push(time.clock.now());
          if (left === 0) resolve();
          else setImmediate(again, left - 1);
        };
        setImmediate(again, 50);
      });
      await rest;
    });
    expect(seenAt).toHaveLength(51);
    expect(new Set(seenAt)).toEqual(new Set([0]));
  });

  it('tells of each jump', async () => {
    const jumps: number[] = [];
    await time.drive(
      async () => {
        await time.clock.sleep(5);
        await time.clock.sleep(7);
      },
      () => jumps.push(time.clock.now()),
    );
    expect(jumps).toEqual([5, 12]);
  });

  it('starts everything that is due at one instant in one jump', async () => {
    const jumps: number[] = [];
    const sleeps = () => Promise.all([time.clock.sleep(10), time.clock.sleep(10), time.clock.sleep(10)]);
    await time.drive(sleeps, () => jumps.push(time.clock.now()));
    expect(jumps).toEqual([10]);
  });

  it('says that time stands still when the run waits and no timer is pending', async () => {
    const wait = time.drive(() => new Promise(() => undefined));
    await expect(wait).rejects.toThrow('Virtual time stands still');
  });

  it('passes on what the run throws', async () => {
    const run = time.drive(async () => {
      await time.clock.sleep(10);
      throw new Error('broken');
    });
    await expect(run).rejects.toThrow('broken');
    expect(time.clock.now()).toBe(10);
  });
});

describe('held timers', () => {
  let time: VirtualTime;
  beforeEach(() => {
    time = new VirtualTime();
  });
  afterEach(() => time.uninstall());

  it.each([
    ['a pending timeout holds', () => setTimeout(() => undefined, 10), 1],
    ['an interval holds', () => setInterval(() => undefined, 10), 1],
    ['an unref’d timeout does not', () => setTimeout(() => undefined, 10).unref(), 0],
    ['an unref’d interval does not', () => setInterval(() => undefined, 10).unref(), 0],
    [
      'one that is ref’d again does',
      () =>
        setTimeout(() => undefined, 10)
          .unref()
          .ref(),
      1,
    ],
    ['a cleared timeout does not', () => clearTimeout(setTimeout(() => undefined, 10)), 0],
    ['a cleared interval does not', () => clearInterval(setInterval(() => undefined, 10)), 0],
    ['a sleep of the simulator’s own is not the target’s', () => void time.clock.sleep(10), 0],
  ])('are counted: %s', (_, start, held) => {
    start();
    expect(time.heldTimers()).toBe(held);
  });

  it('do not count a timeout that has rung', async () => {
    setTimeout(() => undefined, 10);
    await time.drive(() => time.clock.sleep(10));
    expect(time.heldTimers()).toBe(0);
  });
});

describe('installing and uninstalling', () => {
  const names = [
    'setTimeout',
    'setInterval',
    'clearTimeout',
    'clearInterval',
    'setImmediate',
    'Date',
  ] as const;
  const globals = () => names.map((name) => globalThis[name]);

  it('puts every global back as it was', () => {
    const before = [...globals(), performance.now, process.hrtime];
    const time = new VirtualTime();
    expect(globals()).not.toEqual(before.slice(0, names.length));
    time.uninstall();
    expect([...globals(), performance.now, process.hrtime]).toEqual(before);
  });

  it('can be done again and again, each time from the beginning', async () => {
    for (let round = 0; round < 3; round += 1) {
      const time = new VirtualTime();
      await time.drive(() => time.clock.sleep(HOUR));
      expect([time.clock.now(), Date.now()]).toEqual([HOUR, EPOCH + HOUR]);
      time.uninstall();
    }
    expect(Date.now()).not.toBe(EPOCH + HOUR);
  });

  it('leaves nothing behind when the run throws at once', async () => {
    const before = globals();
    const time = new VirtualTime();
    const run = time.drive(() => Promise.reject(new Error('broken'))).finally(() => time.uninstall());
    await expect(run).rejects.toThrow('broken');
    expect(globals()).toEqual(before);
  });

  it('does not catch the timers that AbortSignal.timeout uses', async () => {
    const time = new VirtualTime();
    const signal = AbortSignal.timeout(1);
    time.uninstall();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve());
    });
    expect(signal.reason).toHaveProperty('name', 'TimeoutError');
  });
});

/** Reads the path over a connection of its own, and tells the virtual moment of the last byte. */
function fetchAt(time: VirtualTime, virtual: VirtualServer, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    void virtual.dial().then(({ stream }) => {
      get({ path, createConnection: () => stream }, (response) => {
        response.resume().on('end', () => resolve(time.clock.now()));
      }).on('error', reject);
    }, reject);
  });
}

describe('bytes in flight', () => {
  /** Answers `/`: at once, a megabyte. `/late`: after 50 ms. */
  function slowOrLarge(): Server {
    return createServer((request, response) => {
      if (request.url === '/late') setTimeout(() => response.end('late'), 50);
      else response.end(Buffer.alloc(1024 * 1024));
    });
  }

  it('are never overtaken: a megabyte arrives in no time, though a timer is due one millisecond later', async () => {
    const time = new VirtualTime();
    try {
      const virtual = new VirtualServer(slowOrLarge(), time.noteActivity);
      const ticking = setInterval(() => undefined, 1);
      const moments = await time.drive(async () => {
        const large = await Promise.all(Array.from({ length: 20 }, () => fetchAt(time, virtual, '/')));
        return [...large, await fetchAt(time, virtual, '/late')];
      });
      clearInterval(ticking);
      expect(moments).toEqual([...Array.from({ length: 20 }, () => 0), 50]);
    } finally {
      time.uninstall();
    }
  });
});
