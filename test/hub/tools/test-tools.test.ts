import { describe, expect, it } from 'vitest';
import { textResult } from '../raw-client.ts';
import { inVirtualTime } from '../virtual-world.ts';

const METHOD = 'notifications/test/event';

describe('emit', () => {
  it('numbers its events on the stream of the session that asks, and on no other', () =>
    inVirtualTime({}, async ({ raw, clock }) => {
      const [own, other] = [await raw.open(), await raw.open()];
      const streams = { own: await raw.stream(own), other: await raw.stream(other) };
      const began = clock.now();
      const args = { count: 3, intervalMs: 10, on: 'stream', tag: 'mine' };
      expect((await raw.call(own, 'emit', args)).json).toEqual(textResult(2, 'emitted 3'));
      expect(clock.now() - began).toBe(30);
      await clock.sleep(1);
      const event = (n: number) => ({ jsonrpc: '2.0', method: METHOD, params: { n, total: 3, tag: 'mine' } });
      expect(streams.own.messages()).toEqual([event(1), event(2), event(3)]);
      expect(streams.other.messages()).toEqual([]);
    }));

  it('keeps them for the next stream where there is none', () =>
    inVirtualTime({}, async ({ raw, clock }) => {
      const session = await raw.open();
      await raw.call(session, 'emit', { count: 2, on: 'stream' });
      const stream = await raw.stream(session);
      await clock.sleep(1);
      expect(stream.messages()).toMatchObject([{ params: { n: 1, tag: '' } }, { params: { n: 2 } }]);
    }));

  it('refuses a place that it does not know', () =>
    inVirtualTime({}, async ({ raw }) => {
      const { json } = await raw.call(await raw.open(), 'emit', { count: 1, on: 'paper' });
      expect(json).toMatchObject({ error: { code: -32602 } });
    }));
});
