import { request } from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, InitializeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import type { HubOptions } from '../../hub/config.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import type { McpServerContext } from '../../hub/server-context.ts';
import type { McpServerLike } from '../../hub/session.ts';
import { callRequest, initializeRequest, type RawAnswer, textResult } from './raw-client.ts';
import { inVirtualTime, type VirtualWorld } from './virtual-world.ts';

const T = 10_000;
const C = 1_000;
const H = 3_000;
const HEARTBEAT = 2_000;
const KEEP_ALIVE = 1_500;
const DRAIN = 5_000;
/** Three unanswered pings, and the time the last one is given. */
const D = 4 * HEARTBEAT;

const OPTIONS: HubOptions = {
  sessionTimeout: T,
  cleanupInterval: C,
  handshakeTimeout: H,
  heartbeat: HEARTBEAT,
  keepAlive: KEEP_ALIVE,
  drain: DRAIN,
};

type Story = (world: VirtualWorld) => Promise<void>;
const inTime = (
  story: Story,
  options: HubOptions = {},
  createServer?: (context: McpServerContext) => McpServerLike,
) => inVirtualTime({ ...OPTIONS, ...options }, story, createServer ? { createMcpServer: createServer } : {});

/** A session that ended: 404 with the code for that, on every method. */
async function expectGone({ raw }: VirtualWorld, session: string): Promise<void> {
  for (const method of ['POST', 'GET', 'DELETE']) {
    const body = method === 'POST' ? { body: callRequest(1, 'echo', { message: '' }) } : {};
    const answer = await raw.send({ method, session, ...body });
    expect([answer.status, answer.json], method).toMatchObject([404, { error: { code: -32001 } }]);
  }
}

/** The head of a POST with this body. */
function post(session: string | undefined, body: string): string {
  return [
    'POST /mcp HTTP/1.1',
    'host: localhost',
    'accept: */*',
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...(session === undefined ? [] : [`mcp-session-id: ${session}`]),
    '\r\n',
  ].join('\r\n');
}

async function callsInFlight({ raw }: VirtualWorld): Promise<unknown> {
  return Reflect.get(Object((await raw.get('/health')).json), 'callsInFlight');
}

describe('An abandoned session', () => {
  const ways = ['silent', 'destroyed', 'frozen'] as const;
  it.each(ways)('(%s) ends within its timeout and one sweep (F01)', (how) =>
    inTime(async (world) => {
      const ids: string[] = [];
      for (let client = 0; client < 20; client += 1) {
        const mcp = world.mcp();
        await mcp.initialize({ handshake: 'full' });
        await mcp.call('echo', { message: 'hi' });
        ids.push(String(mcp.sessionId));
        mcp.abandon(how);
      }
      await world.clock.sleep(T);
      expect(world.hub.sessions.size).toBe(20);
      await world.clock.sleep(C);
      expect(world.hub.sessions.counters()).toMatchObject({ opened: 20, ended: { idle: 20 } });
      expect(world.hub.sessions.size).toBe(0);
      for (const id of ids) await expectGone(world, id);
    }),
  );

  it.each(ways)('(%s) with a stream open ends when the stream counts for nothing any more (F08)', (how) =>
    inTime(async (world) => {
      const mcp = world.mcp();
      await mcp.initialize({ handshake: 'full' });
      await mcp.listen();
      await world.clock.sleep(3 * T);
      expect(world.hub.sessions.size).toBe(1);
      mcp.abandon(how);
      const streamLost = how === 'frozen' ? D : 0;
      await world.clock.sleep(T - HEARTBEAT);
      expect(world.hub.sessions.size).toBe(1);
      await world.clock.sleep(HEARTBEAT + streamLost + C);
      expect(world.hub.sessions.size).toBe(0);
      expect(world.hub.sessions.counters().ended.idle).toBe(1);
    }),
  );

  it('whose client reads no byte loses its stream after at most four heartbeats (F08)', () =>
    inTime(async (world) => {
      const session = await world.raw.open();
      const stream = await world.raw.stream(session, { isFrozen: true });
      expect(stream.status).toBe(200);
      await world.clock.sleep(2 * HEARTBEAT);
      expect(world.hub.sessions.peek(session)?.openStreams).toBe(1);
      await world.clock.sleep(2 * HEARTBEAT);
      expect(world.hub.sessions.peek(session)?.openStreams).toBe(0);
      await world.clock.sleep(T - C);
      expect(world.hub.sessions.hasSession(session)).toBe(true);
      await world.clock.sleep(2 * C);
      expect(world.hub.sessions.hasSession(session)).toBe(false);
    }));
});

describe('A handshake that stays half done', () => {
  it('ends its session at its own deadline (F04)', () =>
    inTime(async (world) => {
      const mcp = world.mcp();
      await mcp.initialize({ handshake: 'half' });
      expect(await mcp.ping()).toMatchObject({ kind: 'result' });
      await world.clock.sleep(H);
      expect(world.hub.sessions.size).toBe(1);
      await world.clock.sleep(C);
      expect(world.hub.sessions.counters().ended.handshake).toBe(1);
      await expectGone(world, String(mcp.sessionId));
    }));

  it('is not done by notifications/initialized without session id (F04)', () =>
    inTime(async (world) => {
      await world.raw.initialize();
      const answer = await world.raw.send({ body: { jsonrpc: '2.0', method: 'notifications/initialized' } });
      expect(answer.status).toBe(400);
      await world.clock.sleep(H + C);
      expect(world.hub.sessions.counters().ended.handshake).toBe(1);
    }));

  it('is done by a call: a session that is used is not half open', () =>
    inTime(async (world) => {
      const opened = await world.raw.initialize();
      const session = String(opened.headers['mcp-session-id']);
      await world.raw.call(session, 'echo', { message: '' });
      await world.clock.sleep(H + C);
      expect(world.hub.sessions.hasSession(session)).toBe(true);
    }));
});

/** A server of the test, and how many of its kind are open. */
function countedServers(prepare: (server: Server) => void = () => undefined) {
  const counts = { made: 0, open: 0 };
  const make = (context: McpServerContext): McpServerLike => {
    const server = createMcpServer(context);
    prepare(server);
    counts.made += 1;
    counts.open += 1;
    let isOpen = true;
    return {
      connect: (transport) => server.connect(transport),
      close: async () => {
        if (isOpen) counts.open -= 1;
        isOpen = false;
        await server.close();
      },
    };
  };
  return { counts, make };
}

describe('An initialize that fails', () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
  const bad: readonly [what: string, params: unknown][] = [
    ['protocolVersion 42', { ...params, protocolVersion: 42 }],
    ['no clientInfo', { ...params, clientInfo: undefined }],
    ['a clientInfo without name', { ...params, clientInfo: { version: '1' } }],
    ['no params', undefined],
  ];
  it.each(bad)('for %s: a JSON-RPC error, no session, no id, no slot (F03)', async (_what, badParams) => {
    const { counts, make } = countedServers();
    await inTime(
      async ({ raw, hub }) => {
        for (let attempt = 0; attempt < 5; attempt += 1) {
          const answer = await raw.send({
            body: { jsonrpc: '2.0', id: 7, method: 'initialize', params: badParams },
          });
          expect([answer.status, answer.json]).toMatchObject([
            200,
            { id: 7, error: { code: expect.any(Number) } },
          ]);
          expect(answer.headers['mcp-session-id']).toBeUndefined();
        }
        expect(hub.sessions.counters()).toMatchObject({ opened: 0, refused: 0 });
        expect(counts).toEqual({ made: 5, open: 0 });
        await raw.open();
      },
      { maxSessions: 1 },
      make,
    );
    expect(counts).toEqual({ made: 6, open: 0 });
  });

  const factories: readonly [what: string, make: (attempt: number) => McpServerLike][] = [
    [
      'that throws',
      () => {
        throw new Error('no tools today');
      },
    ],
    [
      'whose server does not connect',
      () => ({ connect: () => Promise.reject(new Error('no')), close: async () => undefined }),
    ],
  ];
  it.each(factories)('for a factory %s: 500, no session, no slot (F03)', async (_what, make) => {
    let attempts = 0;
    await inTime(
      async ({ raw, hub }) => {
        for (let attempt = 0; attempt < 5; attempt += 1) {
          const answer = await raw.initialize();
          expect([answer.status, answer.json]).toMatchObject([500, { error: { code: -32603 }, id: null }]);
          expect(answer.headers['mcp-session-id']).toBeUndefined();
        }
        expect(hub.sessions.counters()).toMatchObject({ opened: 0, refused: 0 });
        await raw.open();
      },
      { maxSessions: 1 },
      (context) => {
        attempts += 1;
        return attempts <= 5 ? make(attempts) : createMcpServer(context);
      },
    );
  });

  it('to be answered before the handshake deadline: an error without id, and the slot is free', async () => {
    let isStuck = true;
    const { counts, make } = countedServers((server) => {
      if (isStuck) server.setRequestHandler(InitializeRequestSchema, () => new Promise(() => undefined));
    });
    await inTime(
      async ({ raw, hub, clock }) => {
        const stuck = raw.initialize();
        await clock.sleep(H);
        expect((await raw.initialize()).status).toBe(503);
        const answer = await stuck;
        expect(clock.now()).toBeLessThanOrEqual(H + C);
        expect(answer.json).toMatchObject({ id: 1, error: { code: -32000 } });
        expect(hub.sessions.size).toBe(0);
        isStuck = false;
        await raw.open();
      },
      // The answer comes as JSON as long as no keep-alive had to be sent.
      { maxSessions: 1, keepAlive: '1h' },
      make,
    );
    expect(counts.open).toBe(0);
  });

  it('because its client left, at whatever moment: no session, no slot, no call in flight (F40)', async () => {
    const { counts, make } = countedServers();
    const slow = (context: McpServerContext): McpServerLike => {
      const server = make(context);
      return {
        connect: async (transport) => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          await server.connect(transport);
        },
        close: () => server.close(),
      };
    };
    await inTime(
      async (world) => {
        const leaving = new AbortController();
        const left = world.raw.send({ body: initializeRequest(), signal: leaving.signal });
        await world.clock.sleep(20);
        leaving.abort();
        await expect(left).rejects.toThrow('aborted');
        await world.clock.sleep(100);
        expect(world.hub.sessions.counters()).toMatchObject({ opened: 0, refused: 0 });
        expect(await callsInFlight(world)).toBe(0);
        expect(counts).toEqual({ made: 1, open: 0 });
        expect((await world.raw.initialize()).status).toBe(200);
      },
      { maxSessions: 1 },
      slow,
    );
  });
});

describe('DELETE', () => {
  it('ends a session for good: 404 from then on, for DELETE too (F05)', () =>
    inTime(async (world) => {
      for (let round = 0; round < 100; round += 1) {
        const session = await world.raw.open();
        expect((await world.raw.delete(session)).status).toBe(200);
        expect(world.hub.sessions.size).toBe(0);
        if (round === 0) await expectGone(world, session);
      }
      expect(world.hub.sessions.counters()).toMatchObject({ opened: 100, ended: { client: 100 } });
    }));
});

describe('A session that is used', () => {
  it('outlives a call three times as long as its timeout, and is idle from its end on (F12)', () =>
    inTime(async (world) => {
      const mcp = world.mcp();
      await mcp.initialize({ handshake: 'full' });
      expect(await mcp.call('sleep', { ms: 3 * T })).toMatchObject({ kind: 'result' });
      await world.clock.sleep(T);
      expect(world.hub.sessions.size).toBe(1);
      await world.clock.sleep(C);
      expect(world.hub.sessions.size).toBe(0);
    }));

  it('is protected by the longer of two calls that overlap (F12)', () =>
    inTime(async ({ raw, hub, clock }) => {
      const session = await raw.open();
      const long = raw.call(session, 'sleep', { ms: 3 * T });
      await clock.sleep(100);
      expect((await raw.call(session, 'sleep', { ms: 100 })).status).toBe(200);
      expect(hub.sessions.peek(session)?.callsInFlight).toBe(1);
      expect((await long).json).toEqual(textResult(2, `slept ${3 * T} ms`));
      expect(hub.sessions.peek(session)?.callsInFlight).toBe(0);
    }));

  it('by nothing but an open stream hears what is said after three timeouts (F13)', () =>
    inTime(async ({ mcp, hub, clock }) => {
      const heard: string[] = [];
      const client = mcp({ onNotification: (method) => heard.push(method) });
      await client.initialize({ handshake: 'full' });
      await client.listen();
      await clock.sleep(3 * T);
      const message = { jsonrpc: '2.0', method: 'notifications/message' } as const;
      await hub.sessions.peek(String(client.sessionId))?.transport.send(message);
      expect(await client.call('echo', { message: '' })).toMatchObject({ kind: 'result' });
      expect(heard).toEqual(['notifications/message']);
    }));

  it('every third of its timeout never ends (F15)', () =>
    inTime(async ({ mcp, clock }) => {
      const client = mcp();
      await client.initialize({ handshake: 'full' });
      for (let use = 0; use < 15; use += 1) {
        await clock.sleep(T / 3);
        expect(await client.call('echo', { message: '' })).toMatchObject({ kind: 'result' });
      }
    }));
});

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

describe('The cap', () => {
  it('lets exactly 10 of 200 in that come in one turn, and counts the others (F46)', () =>
    inTime(
      async ({ raw, hub }) => {
        const answers = await Promise.all(Array.from({ length: 200 }, () => raw.initialize()));
        const statuses = answers.map(({ status }) => status);
        expect(statuses.filter((status) => status === 200)).toHaveLength(10);
        expect(statuses.filter((status) => status === 503)).toHaveLength(190);
        expect(hub.sessions.size).toBe(10);
        expect(hub.sessions.counters()).toMatchObject({ opened: 10, refused: 190 });
      },
      { maxSessions: 10 },
    ));

  it('is reached, never passed: each newcomer below it gets in, one after the other or not (F45)', () =>
    inTime(
      async ({ raw, hub, clock }) => {
        const waves = await Promise.all(
          Array.from({ length: 100 }, async (_, client) => {
            await clock.sleep(client % 10);
            const answer = await raw.initialize();
            expect(hub.sessions.size).toBeLessThanOrEqual(100);
            return answer.status;
          }),
        );
        expect(waves.every((status) => status === 200)).toBe(true);
      },
      { maxSessions: 100 },
    ));

  it('refuses with 503 and Retry-After, spares those who are in, and opens as they leave (F45, F47)', () =>
    inTime(
      async ({ raw, hub, clock }) => {
        const sessions: string[] = [];
        for (let client = 0; client < 20; client += 1) sessions.push(await raw.open());
        for (let client = 0; client < 80; client += 1) {
          const answer = await raw.initialize();
          expect([answer.status, answer.json]).toMatchObject([503, { error: { code: -32000 }, id: null }]);
          expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
          expect(answer.headers['mcp-session-id']).toBeUndefined();
          expect(hub.sessions.size).toBe(20);
        }
        for (const session of sessions) expect((await raw.ping(session)).status).toBe(200);
        await raw.delete(String(sessions[0]));
        await raw.open();
        expect((await raw.initialize()).status).toBe(503);
        // Nobody says goodbye: the reaper makes room.
        await clock.sleep(T + C);
        for (let client = 0; client < 20; client += 1) await raw.open();
        expect(hub.sessions.size).toBe(20);
      },
      { maxSessions: 20 },
    ));

  it('counts a session once, though its client has not read that it is open (F46)', () =>
    inTime(
      async ({ raw, target, hub }) => {
        const session = await raw.open();
        const large = JSON.stringify(callRequest(1, 'echo', { message: 'x'.repeat(300_000) }));
        const text = JSON.stringify(initializeRequest());
        const { stream, reset } = await target.dial();
        stream.on('error', () => undefined);
        // The answer to the second waits behind that to the first, of which nothing is read.
        stream.write(post(session, large) + large + post(undefined, text) + text);
        expect((await raw.ping(session)).status).toBe(200);
        expect(hub.sessions.size).toBe(2);
        expect((await raw.initialize()).status).toBe(200);
        expect((await raw.initialize()).status).toBe(503);
        reset();
      },
      { maxSessions: 3 },
    ));

  it('is not held by bodies that never come (F47)', () =>
    inTime(
      async ({ raw, target }) => {
        const wires = await Promise.all(Array.from({ length: 5 }, () => target.dial()));
        for (const { stream } of wires) {
          stream.write('POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n');
          stream.write('content-type: application/json\r\ncontent-length: 100\r\n\r\n{"json');
        }
        expect((await raw.initialize()).status).toBe(200);
        for (const wire of wires) wire.reset();
      },
      { maxSessions: 1 },
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
