import { describe, expect, it } from 'vitest';
import { HEARTBEAT, inTime, KEEP_ALIVE } from './lifecycle-stories.ts';
import { callRequest, textResult } from './raw-client.ts';

describe('The heartbeat', () => {
  it('takes nothing from clients that cannot be pinged, or are busy (F16)', () =>
    inTime(
      async ({ mcp, raw, hub, clock }) => {
        const postOnly = await raw.open();
        const busy = mcp();
        await busy.initialize({ handshake: 'full' });
        await busy.listen();
        const call = busy.call('sleep', { ms: 10 * HEARTBEAT });
        await clock.sleep(10 * HEARTBEAT);
        expect(await call).toMatchObject({ kind: 'result' });
        expect(busy.openStreams).toBe(1);
        expect((await raw.ping(postOnly)).status).toBe(200);
        expect(hub.sessions.counters().ended).toMatchObject({ idle: 0, error: 0 });
      },
      { sessionTimeout: '1h' },
    ));

  const late: readonly [share: number, isKept: boolean][] = [
    [0.8, true],
    [1.5, true],
    [2.5, true],
    [5, false],
  ];
  it.each(late)('answered %d heartbeats late: that the stream is kept is %s (F16)', (share, isKept) =>
    inTime(async ({ raw, hub, clock }) => {
      const session = await raw.open();
      const stream = await raw.stream(session, {
        onData: (text) => {
          for (const [, id] of text.matchAll(/"id":"(hub-ping-\d+)","method":"ping"/g)) {
            clock.at(clock.now() + share * HEARTBEAT, () => {
              void raw.send({ session, body: { jsonrpc: '2.0', id, result: {} } });
            });
          }
        },
      });
      await clock.sleep(10 * HEARTBEAT);
      expect(hub.sessions.peek(session)?.openStreams).toBe(isKept ? 1 : 0);
      // A missed ping costs the stream, never the session.
      expect(hub.sessions.hasSession(session)).toBe(true);
      stream.close();
    }),
  );

  it('lets no stream and no call be silent for longer than keepAlive (F43)', () =>
    inTime(
      async ({ raw, clock }) => {
        const session = await raw.open();
        const moments = new Map<string, number[]>();
        const listen = (name: string) => () => {
          moments.set(name, [...(moments.get(name) ?? [clock.now()]), clock.now()]);
        };
        // Started at odd moments, so that no two of them fall together.
        await clock.sleep(333);
        const stream = await raw.stream(session, { onData: listen('GET') });
        await clock.sleep(777);
        const startedAt = clock.now();
        const call = await raw.streamedCall(session, callRequest('long', 'sleep', { ms: 40 * KEEP_ALIVE }), {
          onData: listen('POST'),
        });
        expect(clock.now() - startedAt).toBeLessThanOrEqual(KEEP_ALIVE);
        expect(call.headers['content-type']).toBe('text/event-stream');
        await call.ended;
        expect(call.messages()).toEqual([textResult('long', `slept ${40 * KEEP_ALIVE} ms`)]);
        expect([...moments.keys()].sort()).toEqual(['GET', 'POST']);
        for (const [name, times] of moments) {
          expect(times.length, name).toBeGreaterThan(40);
          const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
          expect(Math.max(...gaps), name).toBeLessThanOrEqual(KEEP_ALIVE);
        }
        stream.close();
      },
      // Nobody here answers pings.
      { heartbeat: '1h' },
    ));
});
