import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../hub/config.ts';
import { createHub } from '../../hub/hub.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import type { McpServerContext } from '../../hub/server-context.ts';
import type { McpServerLike } from '../../hub/session.ts';
import { failingStore } from './failing-store.ts';
import { C, DRAIN, inTime, post, T } from './lifecycle-stories.ts';
import { callRequest, textResult } from './raw-client.ts';
import type { VirtualWorld } from './virtual-world.ts';

describe('Shutdown', () => {
  it('lets calls in flight finish, then ends by itself (F37)', () =>
    inTime(async ({ raw, clock, target, time }) => {
      const session = await raw.open();
      const durations = Array.from({ length: 20 }, (_, call) => 250 * (call + 1) - 50);
      const calls = durations.map((ms) => raw.call(session, 'sleep', { ms }));
      await clock.sleep(10);
      target.signal?.('SIGTERM');
      const answers = await Promise.all(calls);
      expect(answers.map(({ json }) => json)).toEqual(durations.map((ms) => textResult(2, `slept ${ms} ms`)));
      expect(await target.exited).toEqual({ code: 0, signal: null });
      expect(clock.now()).toBeLessThanOrEqual(5_000 + 500);
      expect(time.heldTimers()).toBe(0);
    }));

  it('tells newcomers when to come back while it drains; 404, DELETE and answers go on (F37)', () =>
    inTime(async ({ raw, clock, target, hub }) => {
      const session = await raw.open();
      const other = await raw.open();
      const call = raw.call(session, 'sleep', { ms: 2_000 });
      await clock.sleep(10);
      target.signal?.('SIGTERM');
      const refused = [
        await raw.initialize(),
        await raw.call(session, 'echo', { message: '' }),
        await raw.send({ method: 'GET', session }),
      ];
      for (const answer of refused) {
        expect([answer.status, answer.json]).toMatchObject([503, { error: { code: -32000 } }]);
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
        expect(answer.headers.connection).toBe('close');
        expect(answer.headers['mcp-session-id']).toBeUndefined();
      }
      expect((await raw.ping('unknown')).status).toBe(404);
      expect((await raw.notify(session, 'notifications/roots/list_changed')).status).toBe(202);
      expect((await raw.delete(other)).status).toBe(200);
      expect((await raw.get('/health')).status).toBe(503);
      expect((await call).json).toEqual(textResult(2, 'slept 2000 ms'));
      expect(hub.sessions.counters()).toMatchObject({ refused: 1 });
      await target.exited;
      expect(hub.sessions.counters().ended).toEqual({
        client: 1,
        idle: 0,
        'stream-lost': 0,
        handshake: 0,
        evicted: 0,
        shutdown: 1,
        error: 0,
      });
    }));

  it('ends within a second with 200 streams open and a frozen peer, when no call waits (F38)', () =>
    inTime(async ({ raw, clock, target, hub }) => {
      const streams = [];
      for (let client = 0; client < 200; client += 1) streams.push(await raw.stream(await raw.open()));
      await raw.stream(await raw.open(), { isFrozen: true });
      const signalledAt = clock.now();
      target.signal?.('SIGTERM');
      await Promise.all(streams.map((stream) => stream.ended));
      expect(await target.exited).toEqual({ code: 0, signal: null });
      expect(clock.now() - signalledAt).toBeLessThanOrEqual(1_000);
      for (const stream of streams) expect(stream.text()).toMatch(/retry: \d{4,5}\n\n$/);
      expect(hub.sessions.counters().ended.shutdown).toBe(201);
    }));

  it('waits until answers have left, however large they are and slowly read (F37)', () =>
    inTime(async ({ raw, clock, target, hub }) => {
      const session = await raw.open();
      const call = callRequest(1, 'emit', { count: 3_000 });
      const body = JSON.stringify({
        ...call,
        params: { ...call.params, _meta: { progressToken: 'x'.repeat(100) } },
      });
      const { stream } = await target.dial();
      stream.write(post(session, body) + body);
      await clock.sleep(100);
      // The call is held back: it says more than its client has read.
      expect(hub.sessions.peek(session)?.callsInFlight).toBe(1);
      const signalledAt = clock.now();
      target.signal?.('SIGTERM');
      await clock.sleep(1_000);
      let received = '';
      for await (const chunk of stream) received += chunk;
      expect(received.match(/notifications\/progress/g)).toHaveLength(3_000);
      expect(received).toContain('emitted 3000');
      expect(await target.exited).toEqual({ code: 0, signal: null });
      expect(clock.now() - signalledAt).toBeLessThan(2_000);
    }));

  it('cuts off a peer that reads nothing of a large answer, at the drain deadline (F38)', () =>
    inTime(async ({ raw, clock, target, hub }) => {
      const session = await raw.open();
      const large = JSON.stringify(callRequest(1, 'echo', { message: 'x'.repeat(300_000) }));
      const { stream } = await target.dial();
      stream.on('error', () => undefined);
      stream.write(post(session, large) + large);
      await clock.sleep(100);
      const signalledAt = clock.now();
      target.signal?.('SIGTERM');
      expect(await target.exited).toEqual({ code: 0, signal: null });
      expect(clock.now() - signalledAt).toBeLessThanOrEqual(DRAIN + 1_000);
      expect(hub.sessions.size).toBe(0);
    }));

  it('does not wait for requests that never come to an end (F38, F49)', () =>
    inTime(async ({ raw, clock, target }) => {
      await raw.open();
      for (const half of ['', 'POST /mc', `${post(undefined, '{}')}{`]) {
        const { stream } = await target.dial();
        stream.on('error', () => undefined);
        stream.write(half);
      }
      target.signal?.('SIGTERM');
      expect(await target.exited).toEqual({ code: 0, signal: null });
      expect(clock.now()).toBeLessThanOrEqual(1_000);
    }));

  it.each([undefined, failingStore().store])(
    'never calls a session unknown that it ended itself: whose request is too late is told to come back (F20, F54)',
    (store) =>
      inTime(
        async ({ raw, clock, target }) => {
          const session = await raw.open();
          const body = JSON.stringify(callRequest(1, 'echo', { message: '' }));
          const answers = ['POST', 'DELETE', 'GET'].map(async (method) => {
            const { stream } = await target.dial();
            const text = post(session, body).replace('POST', method) + body;
            stream.write(text.slice(0, method === 'POST' ? -1 : -body.length - 1));
            await clock.sleep(DRAIN + 100);
            stream.write(text.slice(method === 'POST' ? -1 : -body.length - 1));
            let answer = '';
            for await (const chunk of stream) answer += chunk;
            return answer.slice(0, 12);
          });
          const call = raw.call(session, 'sleep', { ms: 3_600_000 });
          await clock.sleep(10);
          target.signal?.('SIGTERM');
          await call;
          expect(await Promise.all(answers)).toEqual(Array(3).fill('HTTP/1.1 503'));
        },
        {},
        undefined,
        store ? { store } : {},
      ),
  );

  it('leaves nothing that can be listened with: neither before it has listened, nor while it starts', async () => {
    for (const starts of [false, true]) {
      const hub = createHub(loadConfig({ port: 0, logLevel: 'silent' }));
      const early = starts ? hub.listen() : undefined;
      const late = hub.shutdown().then(() => hub.listen());
      for (const listening of [early, late]) {
        if (listening) await expect(listening).rejects.toThrow(/has been shut down/);
      }
      expect(hub.server.listening).toBe(false);
    }
  });

  it('waits for a call no longer than the drain deadline (F37, F38)', () =>
    inTime(async ({ raw, clock, target }) => {
      const session = await raw.open();
      const call = raw.call(session, 'sleep', { ms: 3_600_000 });
      await clock.sleep(10);
      target.signal?.('SIGTERM');
      const answer = await call;
      expect(answer.text).toContain('The session ended before this call was done (shutdown).');
      expect(clock.now()).toBe(DRAIN + 10);
      await target.exited;
      expect(clock.now()).toBeLessThanOrEqual(DRAIN + 10 + 1_000);
    }));

  it('is one, however often it is asked for', () =>
    inTime(async ({ raw, hub }) => {
      await raw.open();
      const first = hub.shutdown();
      expect(hub.shutdown()).toBe(first);
      await first;
      await hub.shutdown();
      expect(hub.sessions.counters().ended.shutdown).toBe(1);
    }));
});

describe('500 sessions that end at once, with servers that close everything again', () => {
  const meddling = (context: McpServerContext): McpServerLike => {
    const server = createMcpServer(context);
    let transport: { close(): Promise<void> } | undefined;
    server.onclose = () => void server.close();
    return {
      connect: async (own) => {
        transport = own;
        await server.connect(own);
      },
      close: async () => {
        await transport?.close();
        await server.close();
        await transport?.close();
      },
    };
  };
  const ends: readonly [how: string, end: (world: VirtualWorld, ids: string[]) => Promise<unknown>][] = [
    ['DELETE', ({ raw }, ids) => Promise.all(ids.map((id) => raw.delete(id)))],
    ['idle', ({ clock }) => clock.sleep(T + 2 * C)],
  ];
  it.each(ends)('by %s: the hub goes on (F39)', (how, end) =>
    inTime(
      async (world) => {
        const ids = await Promise.all(Array.from({ length: 500 }, () => world.raw.open()));
        expect(world.hub.sessions.size).toBe(500);
        await end(world, ids);
        expect(world.hub.sessions.size).toBe(0);
        const { ended } = world.hub.sessions.counters();
        expect(ended).toMatchObject(how === 'idle' ? { idle: 500, error: 0 } : { client: 500, error: 0 });
        expect((await world.raw.initialize()).status).toBe(200);
        expect((await world.raw.get('/health')).status).toBe(200);
      },
      {},
      meddling,
    ),
  );

  it('by shutdown: the hub ends (F39)', () =>
    inTime(
      async ({ raw, target, hub }) => {
        for (let client = 0; client < 500; client += 1) await raw.open();
        target.signal?.('SIGTERM');
        expect(await target.exited).toEqual({ code: 0, signal: null });
        expect(hub.sessions.counters().ended).toMatchObject({ shutdown: 500, error: 0 });
      },
      {},
      meddling,
    ));
});

describe('A process with many hubs, one after the other', () => {
  it('has no timer held and no listener too many after 100 of them (F58)', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    for (let cycle = 0; cycle < 100; cycle += 1) {
      await inTime(async ({ raw, target, time }) => {
        const session = await raw.open();
        const stream = await raw.stream(session);
        await raw.call(session, 'echo', { message: '' });
        expect(time.heldTimers()).toBe(0);
        target.signal?.('SIGTERM');
        await stream.ended;
        expect(await target.exited).toEqual({ code: 0, signal: null });
        expect(time.heldTimers()).toBe(0);
      });
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('sees no warning from one session that many streams and calls pass through (F58)', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    await inTime(async ({ raw }) => {
      const session = await raw.open();
      for (let round = 0; round < 50; round += 1) await raw.stream(session);
      await Promise.all(Array.from({ length: 50 }, () => raw.call(session, 'sleep', { ms: 10 })));
    });
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});
