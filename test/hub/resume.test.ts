import { request } from 'node:http';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../hub/config.ts';
import { createHub } from '../../hub/hub.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import type { Clock } from '../../simulator/clock/clock.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import { SseParser } from '../../simulator/mcp/sse-parser.ts';
import { createRandom } from '../../simulator/scenario/random.ts';
import { inProcessTarget } from '../../simulator/targets/in-process.ts';
import type { Target, Wire } from '../../simulator/targets/target.ts';

interface World {
  readonly clock: Clock;
  readonly target: Target;
  /** The MCP servers of the sessions, in order of their opening. */
  readonly servers: readonly Server[];
}

async function inTime(story: (world: World) => Promise<void>, options: Record<string, string | number> = {}) {
  const time = new VirtualTime();
  try {
    await time.drive(async () => {
      const servers: Server[] = [];
      const config = loadConfig({ logLevel: 'silent', ...options });
      const factory: typeof createMcpServer = (...context) => {
        const server = createMcpServer(...context);
        servers.push(server);
        return server;
      };
      const hub = () => createHub(config, { createMcpServer: factory });
      const target = await inProcessTarget('hub', hub, time);
      await story({ clock: time.clock, target, servers }).finally(() => target.stop());
    });
  } finally {
    time.uninstall();
  }
}

interface Reading {
  readonly status: number;
  readonly sessionId: string;
  /** What was read: ids, and the messages in them. */
  readonly ids: string[];
  readonly messages: { method?: string; id?: unknown; params?: { progress?: number }; result?: unknown }[];
  readonly isOver: () => boolean;
  readonly wire: Wire;
}

const HEADERS = {
  host: 'localhost',
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

/** Sends a request and goes on reading its answer as an event stream. Resolves at its head. */
async function read(
  target: Target,
  method: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Reading> {
  const wire = await target.dial();
  wire.stream.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { createConnection: () => wire.stream, method, path: '/mcp', headers: { ...HEADERS, ...headers } },
      (incoming) => {
        const ids: string[] = [];
        const messages: Reading['messages'] = [];
        let isOver = false;
        const parser = new SseParser({
          onEvent: ({ id, data }) => {
            if (id) ids.push(id);
            if (data !== '') messages.push(JSON.parse(data));
          },
        });
        incoming.on('data', (chunk: Buffer) => parser.feed(chunk));
        incoming.on('error', () => undefined);
        incoming.on('close', () => {
          isOver = true;
        });
        const sessionId = String(incoming.headers['mcp-session-id'] ?? '');
        resolve({ status: incoming.statusCode ?? 0, sessionId, ids, messages, isOver: () => isOver, wire });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function open(target: Target): Promise<string> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'reader', version: '1' },
  };
  const { sessionId } = await read(
    target,
    'POST',
    {},
    { jsonrpc: '2.0', id: 1, method: 'initialize', params },
  );
  await read(
    target,
    'POST',
    { 'mcp-session-id': sessionId },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
  );
  return sessionId;
}

const listen = (target: Target, session: string, lastEventId?: string) =>
  read(target, 'GET', {
    'mcp-session-id': session,
    accept: 'text/event-stream',
    ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
  });

const say = (server: Server | undefined, progress: number) =>
  server?.notification({ method: 'notifications/progress', params: { progressToken: 't', progress } });

const numbers = ({ messages }: Reading) =>
  messages.flatMap(({ method, params }) => (method === 'notifications/progress' ? [params?.progress] : []));

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

describe('A GET stream', () => {
  it('has an id before it has an event, and one for each event', () =>
    inTime(async ({ clock, target, servers }) => {
      const stream = await listen(target, await open(target));
      await say(servers[0], 1);
      await clock.sleep(10);
      expect(stream.ids.map((id) => id.replace(/^[0-9a-f]{12}/, 'session'))).toEqual([
        'session-0-0',
        'session-0-1',
      ]);
    }));

  it.each(upTo(20))(
    'is resumed with nothing lost, doubled or out of order, cut at random (F41, seed %i)',
    (seed) =>
      inTime(async ({ clock, target, servers }) => {
        const random = createRandom(seed);
        const session = await open(target);
        const received: (number | undefined)[] = [];
        let stream = await listen(target, session);
        let last = stream.ids.at(-1) ?? '';
        const take = () => {
          received.push(...numbers(stream));
          last = stream.ids.at(-1) ?? last;
        };
        for (let n = 1; n <= 60; n += 1) {
          void say(servers[0], n);
          if (random.next() < 0.3) await clock.sleep(random.integer(0, 2));
          if (random.next() < 0.2) {
            take();
            stream.wire.reset();
            if (random.next() < 0.5) await clock.sleep(1);
            stream = await listen(target, session, last);
            expect(stream.status).toBe(200);
          }
        }
        await clock.sleep(10);
        take();
        expect(received).toEqual(upTo(60));
      }),
  );

  it('that comes back without an id gets what was never written to any', () =>
    inTime(async ({ clock, target, servers }) => {
      const session = await open(target);
      for (const n of [1, 2]) await say(servers[0], n);
      const first = await listen(target, session);
      await clock.sleep(10);
      expect(numbers(first)).toEqual([1, 2]);
      first.wire.reset();
      await clock.sleep(10);
      await say(servers[0], 3);
      const second = await listen(target, session);
      await clock.sleep(10);
      expect(numbers(second)).toEqual([3]);
    }));

  it('does not keep pings', () =>
    inTime(
      async ({ clock, target }) => {
        const session = await open(target);
        const stream = await listen(target, session);
        await clock.sleep(25_000);
        expect(stream.messages.map(({ method }) => method)).toContain('ping');
        const [start = ''] = stream.ids;
        const again = await listen(target, session, start);
        await clock.sleep(10);
        expect(again.messages).toEqual([]);
      },
      { heartbeat: '10s' },
    ));
});

describe('A POST stream', () => {
  const emit = (id: number, count: number) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'emit', arguments: { count, intervalMs: 100 }, _meta: { progressToken: id } },
  });
  const call = (target: Target, session: string, body: unknown) =>
    read(target, 'POST', { 'mcp-session-id': session }, body);

  it('goes on when it breaks, and gives its client the rest and the answer', () =>
    inTime(async ({ clock, target }) => {
      const session = await open(target);
      const first = await call(target, session, emit(20, 10));
      await clock.sleep(350);
      first.wire.reset();
      await clock.sleep(2_000);
      const rest = await listen(target, session, first.ids.at(-1));
      await clock.sleep(10);
      expect([...numbers(first), ...numbers(rest)]).toEqual(upTo(10));
      expect(rest.messages.at(-1)).toMatchObject({ id: 20, result: { content: [{ text: 'emitted 10' }] } });
      expect(rest.isOver()).toBe(true);
    }));

  it('resumes itself alone, beside another of the same session (F31)', () =>
    inTime(async ({ clock, target }) => {
      const session = await open(target);
      const streams = await Promise.all([
        call(target, session, emit(20, 5)),
        call(target, session, emit(21, 7)),
      ]);
      await clock.sleep(250);
      for (const { wire } of streams) wire.reset();
      await clock.sleep(2_000);
      const rest = await listen(target, session, streams[1].ids.at(-1));
      await clock.sleep(10);
      expect([...numbers(streams[1]), ...numbers(rest)]).toEqual(upTo(7));
      expect(rest.messages.at(-1)).toMatchObject({ id: 21 });
    }));
});

describe('What cannot be resumed', () => {
  it.each([
    ['no id of the hub', () => 'nonsense'],
    ['a position not reached yet', (own: string) => own.replace(/0-0$/, '0-99')],
    ['a stream that never was', (own: string) => own.replace(/0-0$/, '7-0')],
    ['an id of another session (F30)', (_own: string, other: string) => other],
  ])('%s: is refused with 400, and nothing is sent', (_what, choose) =>
    inTime(async ({ clock, target, servers }) => {
      const [mine, theirs] = [await open(target), await open(target)];
      const [own, other] = [await listen(target, mine), await listen(target, theirs)];
      await say(servers[1], 42);
      await clock.sleep(10);
      const refused = await listen(target, mine, choose(own.ids.at(-1) ?? '', other.ids.at(-1) ?? ''));
      expect(refused.status).toBe(400);
      expect(numbers(own)).toEqual([]);
    }),
  );

  it('what is no longer kept: is refused, not left out in silence (F42)', () =>
    inTime(
      async ({ clock, target, servers }) => {
        const session = await open(target);
        const stream = await listen(target, session);
        await clock.sleep(1);
        stream.wire.reset();
        await clock.sleep(1);
        for (const n of upTo(10)) await say(servers[0], n);
        expect((await listen(target, session, stream.ids[0])).status).toBe(400);
      },
      { maxEvents: 5 },
    ));
});

describe('A slow reader (F48)', () => {
  const big = (server: Server | undefined, progress: number) =>
    server?.notification({
      method: 'notifications/progress',
      params: { progressToken: 't', progress, message: 'x'.repeat(10_000) },
    });

  it('that reads nothing at all is cut off, and costs no more than its bound', () =>
    inTime(
      async ({ clock, target, servers }) => {
        const stream = await listen(target, await open(target));
        stream.wire.stream.pause();
        for (const n of upTo(100)) void big(servers[0], n);
        await clock.sleep(60_000);
        expect(stream.wire.stream.readableLength).toBeLessThan(200_000);
        stream.wire.stream.resume();
        await clock.sleep(10);
        expect(stream.isOver()).toBe(true);
      },
      { maxBuffered: 50_000, heartbeat: '1h' },
    ));

  it('that is merely slow is kept, and gets everything', () =>
    inTime(
      async ({ clock, target, servers }) => {
        const stream = await listen(target, await open(target));
        const { stream: socket } = stream.wire;
        for (const n of upTo(30)) void big(servers[0], n);
        for (let turn = 0; turn < 60; turn += 1) {
          socket.pause();
          await clock.sleep(1_000);
          socket.resume();
          await clock.sleep(1);
        }
        expect(numbers(stream)).toEqual(upTo(30));
        expect(stream.isOver()).toBe(false);
      },
      { maxBuffered: 50_000, heartbeat: '1h', maxEventBytes: 1_000_000 },
    ));

  it('holds back a tool that waits for what it says to be taken', () =>
    inTime(
      async ({ clock, target, servers }) => {
        const stream = await listen(target, await open(target));
        stream.wire.stream.pause();
        let said = 0;
        const chatter = (async () => {
          for (; said < 100; said += 1) await big(servers[0], said);
        })();
        await clock.sleep(1_000);
        expect(said).toBeLessThan(30);
        stream.wire.stream.resume();
        await chatter;
        await clock.sleep(10);
        expect(numbers(stream)).toHaveLength(100);
      },
      { maxBuffered: 50_000, heartbeat: '1h' },
    ));
});
