import { describe, expect, it } from 'vitest';
import { createMcpServer } from '../../hub/mcp-server.ts';
import type { McpServerContext } from '../../hub/server-context.ts';
import type { McpServerLike } from '../../hub/session.ts';
import { failingStore } from './failing-store.ts';
import { C, DRAIN, H, inTime } from './lifecycle-stories.ts';
import { initializeRequest } from './raw-client.ts';

/** MCP servers that connect when they are told to, and note when they are closed. */
function lateServers() {
  const made: { connected(): void; closed: number }[] = [];
  const make = (): McpServerLike => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const one = { connected: resolve, closed: 0 };
    made.push(one);
    return {
      connect: () => promise,
      close: async () => {
        one.closed += 1;
      },
    };
  };
  return { made, make };
}

describe('An MCP server that never comes to the end of connecting', () => {
  it('holds a slot and its client no longer than a handshake may take (F46)', async () => {
    const { made, make } = lateServers();
    await inTime(
      async ({ raw, clock, hub }) => {
        const answers = [raw.initialize(), raw.initialize()];
        await clock.sleep(100);
        expect((await raw.initialize()).status).toBe(503);
        const settled = await Promise.race([Promise.all(answers), clock.sleep(H + C + 1)]);
        expect(settled).toMatchObject([{ status: 500 }, { status: 500 }]);
        expect(made.map(({ closed }) => closed)).toEqual([1, 1]);
        const again = [raw.initialize(), raw.initialize()];
        await clock.sleep(100);
        expect((await raw.initialize()).status).toBe(503);
        await Promise.all(again);
        // One that gets there in the end has nobody to serve.
        made[0]?.connected();
        await clock.sleep(100);
        expect(made[0]?.closed).toBe(2);
        expect(hub.sessions.counters()).toMatchObject({ opened: 0, refused: 2 });
      },
      { maxSessions: 2 },
      make,
    );
  });

  it('is closed at once, and its slot free, when its client leaves (F46)', async () => {
    const { made, make } = lateServers();
    await inTime(
      async ({ raw, clock, hub }) => {
        const leaves = new AbortController();
        const left = raw
          .send({ body: initializeRequest(), signal: leaves.signal })
          .catch((error: unknown) => error);
        await clock.sleep(100);
        leaves.abort();
        await left;
        await clock.sleep(1);
        expect(made[0]?.closed).toBe(1);
        void raw.initialize().catch(() => undefined);
        await clock.sleep(1);
        expect(made).toHaveLength(2);
        expect(hub.sessions.counters().refused).toBe(0);
      },
      { maxSessions: 1 },
      make,
    );
  });

  it('does not hold up a shutdown', async () => {
    const { made, make } = lateServers();
    await inTime(
      async ({ raw, clock, target }) => {
        const answer = raw.initialize();
        await clock.sleep(100);
        target.signal?.('SIGTERM');
        expect((await answer).status).toBe(500);
        expect(await Promise.race([target.exited, clock.sleep(DRAIN)])).toMatchObject({ code: 0 });
        expect(made[0]?.closed).toBe(1);
      },
      {},
      make,
    );
  });
});

describe('Kept sessions whose MCP servers fail at the next start', () => {
  const failures: readonly [how: string, server: () => McpServerLike][] = [
    [
      'are not made',
      () => {
        throw new Error('no server today');
      },
    ],
    [
      'refuse to connect',
      () => ({ connect: () => Promise.reject(new Error('no upstream')), close: async () => undefined }),
    ],
    ['never connect', () => ({ connect: () => new Promise(() => undefined), close: async () => undefined })],
  ];
  it.each(failures)('%s: are ended, and take no other along (F54)', async (_how, broken) => {
    const { store, load } = failingStore();
    const ids: string[] = [];
    await inTime(
      async ({ raw }) => {
        for (let n = 0; n < 3; n += 1) ids.push(await raw.open());
      },
      {},
      undefined,
      { store },
    );
    const [first = '', second = '', third = ''] = ids;
    let made = 0;
    const make = (context: McpServerContext) => {
      made += 1;
      return made === 2 ? broken() : createMcpServer(context);
    };
    await inTime(
      async ({ raw, clock, hub }) => {
        await clock.sleep(H + 1);
        expect((await raw.ping(second)).status).toBe(404);
        for (const id of [first, third]) expect((await raw.ping(id)).status).toBe(200);
        expect(hub.sessions.size).toBe(2);
        expect(load().map(({ id }) => id)).toEqual([first, third]);
      },
      {},
      make,
      { store },
    );
  });
});
