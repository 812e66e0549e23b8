import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { hubLaunch, inProcessTarget, type LocalServer } from '../../../simulator/targets/in-process.ts';
import type { Target, TargetExit } from '../../../simulator/targets/target.ts';

let time: VirtualTime;
beforeEach(() => {
  time = new VirtualTime();
});
afterEach(() => time.uninstall());

/** A server that answers nothing, and what a test wants it to do on SIGTERM. */
function launch(shutdown: (server: LocalServer['server']) => Promise<void>): () => LocalServer {
  return () => {
    const server = createServer();
    return { server, shutdown: () => shutdown(server) };
  };
}

const close = async (server: LocalServer['server']) => void server.close();

/** Signals the target, lets a minute pass, and tells how it ended and when. */
async function signalled(target: Target, meanwhile: () => void = () => undefined) {
  let exit: (TargetExit & { at: number }) | undefined;
  void target.exited?.then((ended) => {
    exit = { ...ended, at: time.clock.now() };
  });
  target.signal?.('SIGTERM');
  meanwhile();
  await time.clock.sleep(60_000);
  return exit;
}

it('has not ended while nobody signals it', async () => {
  await time.drive(async () => {
    const target = await inProcessTarget('closed', launch(close), time);
    const exit = target.exited?.then(() => 'ended');
    const waited = time.clock.sleep(60_000).then(() => 'waited');
    expect(await Promise.race([exit, waited])).toBe('waited');
  });
});

it('ends with code 0 as soon as it accepts nothing, and nothing is open or held', async () => {
  await time.drive(async () => {
    const target = await inProcessTarget('clean', launch(close), time);
    expect(await signalled(target)).toEqual({ code: 0, signal: null, at: 0 });
  });
});

it('has not ended while it accepts connections', async () => {
  await time.drive(async () => {
    const target = await inProcessTarget(
      'deaf',
      launch(async () => undefined),
      time,
    );
    expect(await signalled(target)).toBeUndefined();
    await expect(target.dial()).resolves.toHaveProperty('stream');
  });
});

it('has not ended while a connection is open, and ends when that goes', async () => {
  await time.drive(async () => {
    const target = await inProcessTarget('waiting', launch(close), time);
    const { stream } = await target.dial();
    stream.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await time.clock.sleep(1);
    const exit = await signalled(target, () => time.clock.at(5_000, () => stream.destroy()));
    expect(exit).toMatchObject({ code: 0 });
    expect(exit?.at).toBeGreaterThanOrEqual(5_000);
    expect(exit?.at).toBeLessThan(5_100);
  });
});

it.each([
  ['an interval it forgot', () => setInterval(() => undefined, 1_000), undefined],
  ['a timeout of two minutes', () => setTimeout(() => undefined, 120_000), undefined],
  ['an interval it unref’d', () => setInterval(() => undefined, 1_000).unref(), { code: 0, at: 0 }],
])('is held by %s as a process would be, or not', async (_, hold, expected) => {
  await time.drive(async () => {
    const target = await inProcessTarget('holding', launch(close), time);
    hold();
    const exit = await signalled(target);
    expect(exit && { code: exit.code, at: exit.at }).toEqual(expected);
  });
});

it('ends when its last timer rings', async () => {
  await time.drive(async () => {
    const target = await inProcessTarget('slow', launch(close), time);
    setTimeout(() => undefined, 2_000);
    const exit = await signalled(target);
    expect(exit?.code).toBe(0);
    expect(exit?.at).toBeGreaterThanOrEqual(2_000);
    expect(exit?.at).toBeLessThan(2_100);
  });
});

it('ends with code 1 when its shutdown fails', async () => {
  await time.drive(async () => {
    const failing = launch(async (server) => {
      server.close();
      throw new Error('cannot shut down');
    });
    const target = await inProcessTarget('failing', failing, time);
    expect(await signalled(target)).toMatchObject({ code: 1 });
  });
});

it('is shut down once, whatever is signalled, and stopped without complaint', async () => {
  let shutdowns = 0;
  await time.drive(async () => {
    const counting = launch(async (server) => {
      shutdowns += 1;
      server.close();
    });
    const target = await inProcessTarget('counting', counting, time);
    target.signal?.('SIGTERM');
    target.signal?.('SIGINT');
    await target.stop();
    await target.stop();
  });
  expect(shutdowns).toBe(1);
});

it('breaks its connections when it is stopped, even if its shutdown hangs', async () => {
  await time.drive(async () => {
    const target = await inProcessTarget(
      'hanging',
      launch(() => new Promise(() => undefined)),
      time,
    );
    const { stream } = await target.dial();
    const ended = new Promise((resolve) => stream.resume().once('end', resolve));
    await target.stop();
    await ended;
    await expect(target.dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

it('runs the reference hub, which ends by itself with code 0', async () => {
  await time.drive(async () => {
    const target = await inProcessTarget('hub', hubLaunch({ drain: '1s' }), time);
    expect(await signalled(target)).toMatchObject({ code: 0 });
  });
});
