import { describe, expect, it } from 'vitest';
import type { HubOptions } from '../../hub/config.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import type { McpServerContext } from '../../hub/server-context.ts';
import type { McpServerLike } from '../../hub/session.ts';
import type { SessionTransport } from '../../hub/transport.ts';
import { callerWith, TOKEN_A, TOKEN_B, TOKENS } from './callers.ts';
import { failingStore } from './failing-store.ts';
import { H, inTime } from './lifecycle-stories.ts';
import type { RawStream } from './raw-client.ts';
import type { VirtualWorld } from './virtual-world.ts';

/** Hubs one after another on one store, each shut down at the end of its story. */
function onOneStore() {
  const { store, load } = failingStore();
  const next = (
    options: HubOptions,
    story: (world: VirtualWorld) => Promise<void>,
    createServer?: (context: McpServerContext) => McpServerLike,
  ) => inTime(story, options, createServer, { store });
  return { next, load };
}

describe('A session of an earlier process', () => {
  it('counts as its owner’s at the cap of each client', async () => {
    const { next } = onOneStore();
    const options = { authToken: TOKENS, maxSessionsPerClient: 2 };
    await next(options, async ({ raw }) => {
      const alice = callerWith(raw, TOKEN_A);
      await alice.open();
      await alice.open();
      expect((await alice.initialize()).status).toBe(429);
    });
    await next(options, async ({ raw, hub }) => {
      expect((await callerWith(raw, TOKEN_A).initialize()).status).toBe(429);
      expect((await callerWith(raw, TOKEN_B).initialize()).status).toBe(200);
      expect(hub.sessions.size).toBe(3);
    });
  });

  it('is nobody’s once tokens are demanded, and none but its owner’s when they are not any more (F32)', async () => {
    const { next } = onOneStore();
    const ids: string[] = [];
    await next({}, async ({ raw }) => void ids.push(await raw.open()));
    await next({ authToken: TOKENS }, async ({ raw, hub }) => {
      const alice = callerWith(raw, TOKEN_A);
      expect((await alice.send({ method: 'DELETE', session: ids[0] })).status).toBe(404);
      expect(hub.sessions.size).toBe(1);
      ids.push(await alice.open());
    });
    await next({}, async ({ raw }) => {
      const [open = '', owned = ''] = ids;
      expect((await raw.ping(open)).status).toBe(200);
      expect((await raw.ping(owned)).status).toBe(404);
    });
  });

  it('lives on beyond a cap that was made smaller, and none is opened before there is room', async () => {
    const { next } = onOneStore();
    const ids: string[] = [];
    await next({}, async ({ raw }) => {
      for (let n = 0; n < 3; n += 1) ids.push(await raw.open());
    });
    await next({ maxSessions: 2 }, async ({ raw }) => {
      for (const id of ids) expect((await raw.ping(id)).status).toBe(200);
      for (const [gone, expected] of [503, 200].entries()) {
        await raw.delete(ids[gone] ?? '');
        expect((await raw.initialize()).status).toBe(expected);
      }
    });
  });

  it('is known to a request that comes while sessions are still taken up', async () => {
    const { next } = onOneStore();
    const ids: string[] = [];
    await next({}, async ({ raw }) => void ids.push(await raw.open()));
    const slowly = (context: McpServerContext): McpServerLike => {
      const server = createMcpServer(context);
      const connect = async (transport: SessionTransport) => {
        await new Promise((resolve) => setTimeout(resolve, H / 2));
        await server.connect(transport);
      };
      return { connect, close: () => server.close() };
    };
    await next(
      {},
      async ({ raw, clock }) => {
        const startedAt = clock.now();
        expect((await raw.ping(ids[0] ?? '')).status).toBe(200);
        expect(clock.now() - startedAt).toBeGreaterThanOrEqual(H / 2);
      },
      slowly,
    );
  });
});

describe('The GET stream of a session of an earlier process', () => {
  const emit = (raw: VirtualWorld['raw'], session: string, tag: string, count = 1) =>
    raw.call(session, 'emit', { count, on: 'stream', tag });
  const tags = (stream: RawStream) =>
    stream.messages().flatMap((message) => {
      const params: unknown = Reflect.get(Object(message), 'params');
      const { tag, n } = Object(params);
      return tag === undefined ? [] : [`${tag}${n}`];
    });
  const lastId = (stream: RawStream) => [...stream.text().matchAll(/^id: (\S+)/gm)].at(-1)?.[1] ?? '';
  const resume = (raw: VirtualWorld['raw'], session: string, id: string) =>
    raw.stream(session, { headers: { 'last-event-id': id } });

  it('is resumed even if nothing was ever sent on it (F41, F54)', async () => {
    const { next } = onOneStore();
    let session = '';
    let id = '';
    await next({}, async ({ raw, clock }) => {
      session = await raw.open();
      const stream = await raw.stream(session);
      await clock.sleep(10);
      id = lastId(stream);
    });
    expect(id).toMatch(/-0-0$/);
    await next({}, async ({ raw, clock }) => {
      const stream = await resume(raw, session, id);
      expect(stream.status).toBe(200);
      await emit(raw, session, 'new');
      await clock.sleep(10);
      expect(tags(stream)).toEqual(['new1']);
    });
  });

  it('goes on counting where it was, though no event is kept: none is taken for an older one (F41)', async () => {
    const { next } = onOneStore();
    const options = { eventAge: '5s', sessionTimeout: '1h' };
    let session = '';
    let id = '';
    await next(options, async ({ raw, clock }) => {
      session = await raw.open();
      const stream = await raw.stream(session);
      await emit(raw, session, 'old', 3);
      await clock.sleep(6_000);
      await emit(raw, session, 'old');
      await clock.sleep(10);
      id = lastId(stream);
      stream.close();
      await clock.sleep(6_000);
      // Looks into the log: what is too old goes.
      (await raw.stream(session)).close();
      await clock.sleep(10);
    });
    expect(id).toMatch(/-0-4$/);
    await next(options, async ({ raw, clock }) => {
      await emit(raw, session, 'new', 6);
      const stream = await resume(raw, session, id);
      await clock.sleep(10);
      expect([stream.status, tags(stream)]).toEqual([200, [1, 2, 3, 4, 5, 6].map((n) => `new${n}`)]);
      expect(lastId(stream)).toMatch(/-0-10$/);
    });
  });

  it('brings what was never written to any stream, once, and nothing that was', async () => {
    const { next } = onOneStore();
    let session = '';
    await next({}, async ({ raw, clock }) => {
      session = await raw.open();
      const stream = await raw.stream(session);
      await emit(raw, session, 'read');
      stream.close();
      await clock.sleep(10);
      await emit(raw, session, 'kept', 2);
    });
    await next({}, async ({ raw, clock }) => {
      const stream = await raw.stream(session);
      await clock.sleep(10);
      expect(tags(stream)).toEqual(['kept1', 'kept2']);
      await emit(raw, session, 'live');
      await clock.sleep(10);
    });
    await next({}, async ({ raw, clock }) => {
      const stream = await raw.stream(session);
      await clock.sleep(10);
      expect(tags(stream)).toEqual([]);
    });
  });

  it('brings as much of that as was not read, when its reader is slow', async () => {
    const { next } = onOneStore();
    let session = '';
    let read = 0;
    const padding = 'x'.repeat(10_000);
    await next({ maxBuffered: 20_000 }, async ({ raw, clock, hub }) => {
      session = await raw.open();
      await raw.stream(session, { isFrozen: true });
      const transport = hub.sessions.peek(session)?.transport;
      for (let n = 1; n <= 20; n += 1) {
        const params = { tag: 'big', n, padding };
        void transport?.send({ jsonrpc: '2.0', method: 'notifications/test/event', params });
      }
      await clock.sleep(100);
    });
    await next({}, async ({ raw, clock }) => {
      const stream = await raw.stream(session);
      await clock.sleep(10);
      read = tags(stream).length;
    });
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(20);
  });
});
