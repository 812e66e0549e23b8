import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { VirtualSocket } from '../../../simulator/targets/virtual-socket.ts';
import { ending, loopbackPair, type Pair, readAll, turns, until, virtualPair } from './pairs.ts';

/** What holds on the virtual pair has to hold on a real one, or virtual mode tells of another world. */
describe.each([
  ['a virtual pair', virtualPair],
  ['a TCP pair on loopback', loopbackPair],
])('%s', (_, makePair) => {
  let pair: Pair;
  beforeEach(async () => {
    pair = await makePair();
  });
  afterEach(() => pair.close());

  it('brings bytes in order, however they are cut', async () => {
    const bytes = randomBytes(300_000);
    let at = 0;
    for (let size = 1; at < bytes.length; size = size * 3 + 1) {
      pair.near.write(bytes.subarray(at, at + size));
      at += size;
    }
    pair.near.end();
    expect((await readAll(pair.far)).equals(bytes)).toBe(true);
  });

  it('carries both ways at once', async () => {
    pair.near.end('there');
    pair.far.end('back');
    const [far, near] = await Promise.all([readAll(pair.far), readAll(pair.near)]);
    expect([far.toString(), near.toString()]).toEqual(['there', 'back']);
  });

  it('holds the writer back while nobody reads, and lets it go on when somebody does', async () => {
    const chunk = Buffer.alloc(256 * 1024);
    let written = 0;
    let isReading = false;
    const writing = (async () => {
      // More than the kernel's buffers on both sides take.
      for (; written < 64; written += 1) if (!pair.near.write(chunk)) await once(pair.near, 'drain');
      pair.near.end();
    })();
    await turns(100);
    const writtenUnread = written;
    isReading = true;
    const read = await readAll(pair.far);
    await writing;
    expect([isReading, writtenUnread < 64, read.length]).toEqual([true, true, 64 * chunk.length]);
  });

  it('ends reading at the peer when one end ends writing, and can still be answered', async () => {
    pair.near.end('question');
    expect((await readAll(pair.far)).toString()).toBe('question');
    pair.far.end('answer');
    expect((await readAll(pair.near)).toString()).toBe('answer');
  });

  it('shows the end of its bytes to the peer when one end is destroyed', async () => {
    const over = once(pair.far, 'end');
    pair.far.resume();
    pair.near.destroy();
    await over;
    expect(pair.far.readableEnded).toBe(true);
  });

  it('gives the peer ECONNRESET when it is reset', async () => {
    pair.far.resume();
    const [near, far] = [ending(pair.near), ending(pair.far)];
    pair.reset();
    expect([await near, await far]).toEqual(['closed', 'ECONNRESET']);
  });

  it('refuses to carry bytes to a peer that is gone', async () => {
    pair.near.resume();
    pair.far.destroy();
    await once(pair.near, 'end');
    const end = ending(pair.near);
    const writing = setInterval(() => pair.near.write('anybody there?'), 1);
    const code = await end;
    clearInterval(writing);
    // TCP takes the first bytes and learns only then that nobody is there.
    expect(['EPIPE', 'ECONNRESET']).toContain(code);
  });

  it('closes both ends when both have ended', async () => {
    const closed = [ending(pair.near), ending(pair.far)];
    pair.near.resume().end();
    pair.far.resume().end();
    expect(await Promise.all(closed)).toEqual(['closed', 'closed']);
  });

  it('stands being ended and destroyed at once', async () => {
    const far = ending(pair.far);
    pair.far.resume().once('end', () => pair.far.end());
    pair.near.end('last words');
    pair.near.destroy();
    expect(await far).toBe('closed');
  });
});

describe('a virtual socket', () => {
  const pairOf = () => {
    const notes = { count: 0 };
    const [near, far] = VirtualSocket.pair(() => {
      notes.count += 1;
    });
    return { near, far, notes };
  };

  it('emits timeout once nothing has moved for so long, each byte beginning anew', async () => {
    const time = new VirtualTime();
    onTestFinished(() => time.uninstall());
    await time.drive(async () => {
      const { near, far } = pairOf();
      const timeouts: number[] = [];
      near.once('timeout', () => timeouts.push(time.clock.now()));
      near.setTimeout(1_000);
      far.resume();
      await time.clock.sleep(900);
      near.write('still here');
      await time.clock.sleep(900);
      far.write('so am I');
      await time.clock.sleep(5_000);
      expect(timeouts).toEqual([2_800]);
      near.setTimeout(60_000);
      near.setTimeout(100);
      await time.clock.sleep(200);
      expect(timeouts).toEqual([2_800]);
      near.once('timeout', () => timeouts.push(time.clock.now()));
      near.setTimeout(60_000);
      near.setTimeout(100);
      await time.clock.sleep(200);
      expect(timeouts.splice(1)).toEqual([7_100]);
      near.setTimeout(1_000);
      near.setTimeout(0);
      far.setTimeout(1_000, () => timeouts.push(-1));
      far.destroy();
      await time.clock.sleep(5_000);
      expect(timeouts).toEqual([2_800]);
    });
  });

  it('writes EPIPE, at the first write, to a peer that is gone', async () => {
    const { near, far } = pairOf();
    far.destroy();
    const end = ending(near);
    near.write('anybody there?');
    expect(await end).toBe('EPIPE');
  });

  it('does not leave a writer waiting for a peer that is destroyed unread', async () => {
    const { near, far } = pairOf();
    const end = ending(near);
    near.write(Buffer.alloc(1024 * 1024));
    near.write('after it');
    await turns();
    far.destroy();
    expect(await end).toBe('EPIPE');
  });

  it('holds at most its buffers’ worth of unread bytes', async () => {
    const { near, far } = pairOf();
    for (let n = 0; n < 10; n += 1) near.write(Buffer.alloc(64 * 1024));
    await turns();
    expect(far.readableLength).toBe(64 * 1024);
    far.resume();
    await until(() => near.writableLength === 0);
  });

  it.each([
    ['bytes', ({ near }: ReturnType<typeof pairOf>) => near.write('x')],
    ['an end', ({ near }: ReturnType<typeof pairOf>) => near.end()],
    ['a destruction', ({ near }: ReturnType<typeof pairOf>) => near.destroy()],
    [
      'a reset',
      ({ near, far }: ReturnType<typeof pairOf>) => {
        far.on('error', () => undefined);
        near.reset();
      },
    ],
  ])('notes %s as activity, so that time waits', (_, act) => {
    const pair = pairOf();
    act(pair);
    expect(pair.notes.count).toBeGreaterThan(0);
  });
});
