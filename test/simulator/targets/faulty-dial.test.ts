import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyNetwork, type NetworkFault } from '../../../simulator/targets/faulty-dial.ts';
import { ManualClock } from '../mcp/clocks.ts';
import { settle } from '../mcp/servers.ts';
import { loopbackPair, type Pair, virtualPair } from './pairs.ts';

const REQUEST = 'POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789';
const NONE: NetworkFault = { delayMs: null, cutAfterBytes: null, readBytesPerSecond: null, halfBody: false };

describe.each([
  ['in process', virtualPair],
  ['on loopback', loopbackPair],
])('A faulty network, %s', (_, makePair) => {
  let pair: Pair;
  const clock = new ManualClock();
  afterEach(() => pair.close());

  async function through(
    fault: Partial<NetworkFault>,
    scope: 'next request' | 'rest of flow' = 'next request',
  ) {
    pair = await makePair();
    const network = new FaultyNetwork(async () => ({ stream: pair.near, reset: pair.reset }), clock);
    network.arm({ ...NONE, ...fault }, scope);
    const wire = await network.dial();
    const { stream } = wire;
    return { network, wire, stream, sent: textOf(pair.far), read: textOf(stream) };
  }

  it('delays one request, and the next no more', async () => {
    const { network, stream, sent } = await through({ delayMs: 100 });
    expect(network.isFailing).toBe(true);
    stream.write('first ');
    expect(network.isFailing).toBe(false);
    await settle();
    clock.advance(99);
    await settle();
    expect(sent()).toBe('');
    clock.advance(1);
    await settle();
    stream.write('second');
    await settle();
    expect(sent()).toBe('first second');
  });

  it('keeps requests in order: what follows a delayed one waits for it', async () => {
    const { stream, sent } = await through({ delayMs: 100 });
    stream.write('first ');
    stream.write('second');
    clock.advance(100);
    await settle();
    expect(sent()).toBe('first second');
  });

  it('sends half of a body, or half of a head that has none', async () => {
    const { network, stream, sent } = await through({ halfBody: true }, 'rest of flow');
    expect(network.sendsHalf).toBe(true);
    stream.write(REQUEST);
    await settle();
    expect(sent()).toBe(REQUEST.slice(0, -5));
    stream.write('GET / HTTP/1.1\r\n\r\n');
    await settle();
    expect(sent().slice(REQUEST.length - 5)).toBe('GET / HTT');
  });

  it('cuts an answer, and the connection with it', async () => {
    const { stream, read } = await through({ cutAfterBytes: 5 });
    const failed = once(stream, 'error');
    const ended = once(pair.far, 'error').catch(() => undefined);
    stream.write(REQUEST);
    pair.far.write('abc');
    await settle();
    pair.far.write('defgh');
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(read()).toBe('abcde');
    expect(await ended).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('reads slowly, loses nothing, and sees the end last', async () => {
    const { stream, read } = await through({ readBytesPerSecond: 100 });
    let hasEnded = false;
    stream.on('end', () => {
      hasEnded = true;
    });
    stream.write(REQUEST);
    pair.far.end('x'.repeat(35));
    const seen: string[] = [];
    for (let tick = 0; tick < 5; tick += 1) {
      await settle();
      seen.push(`${read().length}${hasEnded ? ' end' : ''}`);
      clock.advance(100);
    }
    await settle();
    expect([...seen, `${read().length}${hasEnded ? ' end' : ''}`]).toEqual([
      ...['0', '10', '20', '30', '35 end', '35 end'],
    ]);
  });

  it('is a wire like any other when nothing is to fail', async () => {
    const { stream, sent, read } = await through({});
    stream.write(REQUEST);
    pair.far.write('answer');
    await settle();
    expect([sent(), read()]).toEqual([REQUEST, 'answer']);
    stream.end();
    await once(pair.far, 'end');
  });

  it('is reset as any other', async () => {
    const { wire } = await through({});
    await settle();
    const reset = once(pair.far, 'error');
    wire.reset();
    expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('leaves no timer behind when it is destroyed', async () => {
    const { stream } = await through({ delayMs: 100 });
    stream.write(REQUEST);
    expect(clock.pending).toBe(1);
    stream.destroy();
    expect(clock.pending).toBe(0);
  });
});

/** All that was read from it so far. */
function textOf(stream: Duplex): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  stream.on('error', () => undefined);
  return () => text;
}
