import { describe, expect, it } from 'vitest';
import { callsInFlight, inTime, KEEP_ALIVE, post, T } from './lifecycle-stories.ts';
import { callRequest } from './raw-client.ts';

describe('A client that leaves in the middle', () => {
  const call = JSON.stringify(callRequest(1, 'sleep', { ms: 5_000 }));
  const chatty = callRequest(1, 'emit', { count: 50, intervalMs: 100 });
  const emit = JSON.stringify({ ...chatty, params: { ...chatty.params, _meta: { progressToken: 1 } } });
  const moments: readonly [when: string, text: (session: string) => string, waitMs: number][] = [
    ['at once', () => '', 0],
    ['in the request line', () => 'POST /m', 0],
    ['in the headers', (session) => post(session, call).slice(0, 60), 10],
    ['after the headers', (session) => post(session, call), 10],
    ['in the body', (session) => post(session, call) + call.slice(0, 20), 10],
    ['in the turn in which the body is complete', (session) => post(session, call) + call, 0],
    ['while its call runs', (session) => post(session, call) + call, 1_000],
    ['after the first event', (session) => post(session, emit) + emit, 150],
    ['during the events', (session) => post(session, emit) + emit, 2_000],
    ['after the keep-alives began', (session) => post(session, call) + call, 2 * KEEP_ALIVE],
    [
      'with its stream open',
      (session) => `GET /mcp HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: ${session}\r\n\r\n`,
      50,
    ],
  ];
  it.each(moments)('%s: leaves nothing in flight, and harms nobody (F40)', (_when, text, waitMs) =>
    inTime(
      async (world) => {
        const { raw, clock, target, hub } = world;
        const neighbour = await raw.open();
        const session = await raw.open();
        for (const leave of ['reset', 'end', 'destroy'] as const) {
          const wire = await target.dial();
          wire.stream.on('error', () => undefined).resume();
          wire.stream.write(text(session));
          if (waitMs > 0) await clock.sleep(waitMs);
          if (leave === 'reset') wire.reset();
          else wire.stream[leave]();
          // A call whose stream broke goes on, and may be resumed: it is over when its tool is.
          await clock.sleep(10_000);
          expect(await callsInFlight(world), leave).toBe(0);
          expect(hub.sessions.peek(session)?.callsInFlight ?? 0, leave).toBe(0);
          expect((await raw.ping(neighbour)).status, leave).toBe(200);
        }
        // Late answers of the calls above go nowhere.
        await clock.sleep(T);
        expect((await raw.get('/health')).status).toBe(200);
      },
      { sessionTimeout: '1h' },
    ),
  );
});
