import { describe, expect, it } from 'vitest';
import type { HubOptions } from '../../hub/config.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import type { McpServerContext } from '../../hub/server-context.ts';
import type { McpServerLike } from '../../hub/session.ts';
import type { SessionTransport } from '../../hub/transport.ts';
import { callerWith, TOKEN_A, TOKEN_B, TOKENS } from './callers.ts';
import { failingStore } from './failing-store.ts';
import { H, inTime } from './lifecycle-stories.ts';
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
