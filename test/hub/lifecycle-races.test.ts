import { request } from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { C, inTime, T } from './lifecycle-stories.ts';
import { callRequest, type RawAnswer, textResult } from './raw-client.ts';
import type { VirtualWorld } from './virtual-world.ts';

describe('A request at the moment its session ends', () => {
  /** Servers that count what they execute. */
  function counting() {
    const executed = { count: 0 };
    const make = () => {
      const server = new Server({ name: 'counting', version: '1' }, { capabilities: { tools: {} } });
      server.setRequestHandler(CallToolRequestSchema, () => {
        executed.count += 1;
        return { content: [{ type: 'text', text: 'done' }] };
      });
      return server;
    };
    return { executed, make };
  }

  it('gets its result, or 404 before anything is executed: never less (F17)', async () => {
    const { executed, make } = counting();
    await inTime(
      async ({ raw, clock }) => {
        const answers: RawAnswer[] = [];
        for (let offsetMs = -15; offsetMs <= 30; offsetMs += 1) {
          const session = await raw.open();
          await clock.sleep(1_000 + offsetMs);
          answers.push(await raw.call(session, 'any', {}));
        }
        const done = answers.filter(({ status }) => status === 200);
        const gone = answers.filter(({ status }) => status === 404);
        expect(done.length + gone.length).toBe(answers.length);
        expect(done.length).toBeGreaterThanOrEqual(15);
        expect(gone.length).toBeGreaterThanOrEqual(15);
        for (const { json } of done) expect(json).toEqual(textResult(2, 'done'));
        for (const { json } of gone) expect(json).toMatchObject({ error: { code: -32001 } });
        expect(executed.count).toBe(done.length);
      },
      { sessionTimeout: '1s', cleanupInterval: '10ms' },
      make,
    );
  });

  it('is 404 when the session ended while the body came in (F17)', async () => {
    const { executed, make } = counting();
    await inTime(
      async ({ raw, clock, target }) => {
        const session = await raw.open();
        const { stream } = await target.dial();
        const text = JSON.stringify(callRequest(1, 'any', {}));
        const post = request({
          method: 'POST',
          path: '/mcp',
          host: 'localhost',
          createConnection: () => stream,
          headers: {
            accept: '*/*',
            'content-type': 'application/json',
            'content-length': text.length,
            'mcp-session-id': session,
          },
        });
        const status = new Promise((resolve) =>
          post.once('response', ({ statusCode }) => resolve(statusCode)),
        );
        post.write(text.slice(0, 10));
        await clock.sleep(T + C + 1);
        post.end(text.slice(10));
        expect(await status).toBe(404);
        expect(executed.count).toBe(0);
        post.destroy();
      },
      {},
      make,
    );
  });
});

describe('A second GET stream', () => {
  it('takes over from the first, however dead that is, and survives its late end (F18, F26)', () =>
    inTime(async ({ raw, hub, clock }) => {
      const session = await raw.open();
      const frozen = await raw.stream(session, { isFrozen: true });
      const old = await raw.stream(session);
      const current = await raw.stream(session);
      expect([frozen.status, old.status, current.status]).toEqual([200, 200, 200]);
      await old.ended;
      frozen.close();
      await clock.sleep(100);
      const transport = hub.sessions.peek(session)?.transport;
      expect(transport?.openStreams).toBe(1);
      await transport?.send({ jsonrpc: '2.0', method: 'notifications/message' });
      await clock.sleep(100);
      expect(current.messages()).toEqual([{ jsonrpc: '2.0', method: 'notifications/message' }]);
      expect(old.messages()).toEqual([]);
      current.close();
      await clock.sleep(100);
      expect(transport?.openStreams).toBe(0);
    }));
});

describe('A call in flight when its session ends', () => {
  const ends: readonly [what: string, end: (world: VirtualWorld, session: string) => Promise<unknown>][] = [
    ['by DELETE', ({ raw }, session) => raw.delete(session)],
    ['by the deadline of a shutdown', async ({ target }) => target.signal?.('SIGTERM')],
    ['by an error of its server', async ({ hub }, session) => hub.sessions.peek(session)?.server.close()],
  ];
  it.each(ends)('%s: gets a JSON-RPC error, as JSON and on a stream (F36)', (_what, end) =>
    inTime(
      async (world) => {
        const session = await world.raw.open();
        const plain = world.raw.call(session, 'sleep', { ms: 60_000 }, { id: 'plain' });
        const progress = callRequest('streamed', 'emit', { count: 1_000, intervalMs: 100 });
        const streamed = await world.raw.streamedCall(session, {
          ...progress,
          params: { ...progress.params, _meta: { progressToken: 1 } },
        });
        await world.clock.sleep(1_000);
        await end(world, session);
        const error = { code: -32000, message: expect.stringContaining('The session ended') };
        expect((await plain).json).toEqual({ jsonrpc: '2.0', id: 'plain', error });
        await streamed.ended;
        expect(streamed.messages().at(-1)).toEqual({ jsonrpc: '2.0', id: 'streamed', error });
        expect(world.hub.sessions.size).toBe(0);
      },
      { keepAlive: '1h' },
    ),
  );
});
