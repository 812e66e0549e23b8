import { describe, expect, it } from 'vitest';
import type { HubOptions } from '../../hub/config.ts';
import type { HubParts } from '../../hub/hub.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import { SqliteStore } from '../../hub/sqlite-store.ts';
import type { SessionTransport } from '../../hub/transport.ts';
import { openAgent } from './agent-calls.ts';
import { collectGarbage } from './collect-garbage.ts';
import { C, D, expectGone, H, T } from './lifecycle-stories.ts';
import type { RawStream } from './raw-client.ts';
import { inVirtualTime, type VirtualWorld } from './virtual-world.ts';

/** As many as the hub takes. */
const SESSIONS = 8;
const S = 2_000;
const OPTIONS: HubOptions = {
  sessionTimeout: T,
  cleanupInterval: C,
  handshakeTimeout: H,
  heartbeat: D / 4,
  streamLostTimeout: S,
  maxSessions: SESSIONS,
};

/** Plays a story on a hub that keeps its sessions in a file of its own. */
async function inTime(
  story: (world: VirtualWorld, store: SqliteStore) => Promise<void>,
  { options = {}, store = new SqliteStore(':memory:'), ...parts }: Options = {},
): Promise<void> {
  await inVirtualTime({ ...OPTIONS, ...options }, (world) => story(world, store), { ...parts, store });
}
type Options = HubParts & { options?: HubOptions; store?: SqliteStore };

/** Sessions that are agents, each with a stream that was open at some time. */
async function openSessions({ raw, hub }: VirtualWorld, count = SESSIONS) {
  const ids: string[] = [];
  const streams: RawStream[] = [];
  for (let n = 0; n < count; n += 1) {
    const id = await openAgent(raw, `agent-${n}`);
    ids.push(id);
    streams.push(await raw.stream(id, { isFrozen: true }));
    await hub.sessions.peek(id)?.transport.send({ jsonrpc: '2.0', method: 'notifications/message' });
  }
  return { ids, streams, transports: transportsOf(hub, ids) };
}

function transportsOf(hub: VirtualWorld['hub'], ids: readonly string[]): WeakRef<SessionTransport>[] {
  return ids.flatMap((id) => {
    const session = hub.sessions.peek(id);
    return session ? [new WeakRef(session.transport)] : [];
  });
}

/** How many sessions each table of the hub knows, as far as it shows them, and those that can be reached at all. */
async function tablesOf(
  { raw, hub }: VirtualWorld,
  store: SqliteStore,
  transports: readonly WeakRef<SessionTransport>[],
): Promise<Record<string, number>> {
  const health = Object((await raw.get('/health')).json);
  const listing = Object((await raw.get('/sessions')).json);
  const { text: metrics } = await raw.get('/metrics');
  const metric = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1]);
  const { opened, ended } = hub.sessions.counters();
  await collectGarbage();
  return {
    sessions: health.sessions,
    listed: listing.sessions.length,
    counted: listing.total,
    measured: metric('mcp_server_sessions'),
    agents: health.agents,
    streams: metric('mcp_server_streams'),
    'opened less ended': Object.values(ended).reduce((left, count) => left - count, opened),
    stored: store.load().length,
    reachable: transports.filter((transport) => transport.deref()).length,
  };
}

const ALL_OF = (count: number) => ({
  sessions: count,
  listed: count,
  counted: count,
  measured: count,
  agents: count,
  streams: count,
  'opened less ended': count,
  stored: count,
  reachable: count,
});

describe('A session that ended by itself is off every table (F07)', { timeout: 30_000 }, () => {
  const leaveStreams = ({ streams }: { streams: RawStream[] }) => {
    for (const stream of streams.splice(0)) stream.close();
  };

  it.each([
    ['idle', { streamLostTimeout: 'off' }, T + C],
    ['stream-lost', {}, S + C],
  ] as const)('as %s', async (reason, options, waitMs) => {
    await inTime(
      async (world, store) => {
        const opened = await openSessions(world);
        expect(await tablesOf(world, store, opened.transports)).toEqual(ALL_OF(SESSIONS));
        leaveStreams(opened);
        await world.clock.sleep(waitMs);
        expect(world.hub.sessions.counters().ended).toMatchObject({ [reason]: SESSIONS });
        expect(await tablesOf(world, store, opened.transports)).toEqual(ALL_OF(0));
        for (const id of opened.ids) await expectGone(world, id);
        // Every slot is free again.
        expect((await openSessions(world)).ids).toHaveLength(SESSIONS);
      },
      { options },
    );
  });

  it('as half open', () =>
    inTime(async (world, store) => {
      const heads = await Promise.all(Array.from({ length: SESSIONS }, () => world.raw.initialize()));
      const ids = heads.map(({ headers }) => String(headers['mcp-session-id']));
      const transports = transportsOf(world.hub, ids);
      expect(await tablesOf(world, store, transports)).toMatchObject({
        sessions: SESSIONS,
        stored: SESSIONS,
      });
      await world.clock.sleep(H + C);
      expect(await tablesOf(world, store, transports)).toEqual(ALL_OF(0));
      expect((await openSessions(world)).ids).toHaveLength(SESSIONS);
    }));

  it('as one whose peer is dead', () =>
    inTime(async (world, store) => {
      const { transports } = await openSessions(world);
      await world.clock.sleep(D + S + C);
      expect(await tablesOf(world, store, transports)).toEqual(ALL_OF(0));
    }));

  it('as evicted, while those that took its place are on all', () =>
    inTime(
      async (world, store) => {
        const first = await openSessions(world);
        leaveStreams(first);
        await world.clock.sleep(1);
        for (const id of first.ids) await world.raw.ping(id);
        for (const [n] of first.ids.entries()) {
          await world.raw.stream(await openAgent(world.raw, `next-${n}`), { isFrozen: true });
        }
        const left = [...world.hub.sessions.list()].map(({ id }) => id);
        const transports = [...first.transports, ...transportsOf(world.hub, left)];
        expect(world.hub.sessions.counters().ended.evicted).toBe(SESSIONS);
        expect(await tablesOf(world, store, transports)).toEqual(ALL_OF(SESSIONS));
      },
      { options: { capRule: 'evict-idle' } },
    ));

  it('as one whose MCP server closed', () =>
    inTime(async (world, store) => {
      const { ids, transports } = await openSessions(world);
      for (const id of ids) await world.hub.sessions.peek(id)?.server.close();
      expect(world.hub.sessions.counters().ended.error).toBe(SESSIONS);
      expect(await tablesOf(world, store, transports)).toEqual(ALL_OF(0));
    }));
});

describe('A table that an ended session stays on', () => {
  it('is seen by what can be reached from it', () => {
    const index = new Map<string, SessionTransport>();
    return inTime(
      async (world, store) => {
        const { transports, streams } = await openSessions(world);
        for (const stream of streams) stream.close();
        await world.clock.sleep(S + C);
        expect(await tablesOf(world, store, transports)).toEqual({ ...ALL_OF(0), reachable: SESSIONS });
        expect(index.size).toBe(SESSIONS);
      },
      {
        createMcpServer: (context) => {
          const server = createMcpServer(context);
          const connect = server.connect.bind(server);
          return {
            connect: (transport) => {
              index.set(transport.sessionId, transport);
              return connect(transport);
            },
            close: () => server.close(),
          };
        },
      },
    );
  });

  it('is seen where it is the store', () => {
    class Keeping extends SqliteStore {
      override removeSession(): void {
        // Broken on purpose.
      }
    }
    return inTime(
      async (world, store) => {
        const { transports, streams } = await openSessions(world);
        for (const stream of streams) stream.close();
        await world.clock.sleep(S + C);
        expect(await tablesOf(world, store, transports)).toEqual({ ...ALL_OF(0), stored: SESSIONS });
      },
      { store: new Keeping(':memory:') },
    );
  });
});
