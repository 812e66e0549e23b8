import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../hub/fingerprint.ts';
import { inVirtualTime, type VirtualWorld } from './virtual-world.ts';

/** A field of an object whose shape nobody vouches for. */
function field(object: unknown, name: string): unknown {
  return Reflect.get(Object(object), name);
}

function listOf(object: unknown, name: string): unknown[] {
  const list = field(object, name);
  if (!Array.isArray(list)) throw new Error(`${name} is no list: ${JSON.stringify(object)}`);
  return list;
}

const NO_ENDS = { client: 0, idle: 0, 'stream-lost': 0, handshake: 0, evicted: 0, shutdown: 0, error: 0 };

describe('GET /health', () => {
  it('tells how the hub is, what it holds and what it promises', () =>
    inVirtualTime(
      { clientTimeouts: 'batch=1h', maxSessions: 500, heartbeat: '10s' },
      async ({ raw, clock }) => {
        const session = await raw.open();
        await raw.open();
        await raw.delete(session);
        const call = raw.call(await raw.open(), 'sleep', { ms: 10_000 });
        await clock.sleep(2_500);
        const answer = await raw.get('/health');
        expect(answer.status).toBe(200);
        expect(answer.headers['content-type']).toMatch(/^application\/json/);
        expect(answer.json).toEqual({
          status: 'healthy',
          agents: 0,
          conversations: 0,
          sessions: 2,
          uptime: 2.5,
          callsInFlight: 1,
          counters: { opened: 3, refused: 0, ended: { ...NO_ENDS, client: 1 } },
          eventLoopDelayMs: 0,
          sweepLagMs: 0,
          policy: {
            sessionTimeoutMs: 300_000,
            clientTimeoutsMs: { batch: 3_600_000 },
            cleanupIntervalMs: 60_000,
            handshakeTimeoutMs: 30_000,
            deadPeerMs: 40_000,
            streamLostMs: null,
            maxSessions: 500,
            maxSessionsPerClient: null,
            capRule: 'refuse',
            openStreamProtects: true,
            callProtects: true,
            drainMs: 10_000,
          },
        });
        await call;
      },
    ));

  const sick: readonly [
    why: string,
    status: string,
    make: (world: VirtualWorld) => Promise<() => unknown>,
  ][] = [
    [
      'while it drains',
      'draining',
      async ({ raw, target, clock }) => {
        const call = raw.call(await raw.open(), 'sleep', { ms: 1_000 });
        await clock.sleep(10);
        target.signal?.('SIGTERM');
        return () => call;
      },
    ],
    ['when the event loop was blocked for 3.5 s', 'overloaded', async () => freeze(3_500)],
    ['when the sweep is three intervals late', 'sweeper-late', async () => freeze(1_000)],
  ];
  it.each(sick)('is 503 %s: %s (F57)', (_why, status, make) =>
    inVirtualTime({ cleanupInterval: '250ms' }, async (world) => {
      expect((await world.raw.get('/health')).status).toBe(200);
      const undo = await make(world);
      const answer = await world.raw.get('/health');
      expect([answer.status, answer.json]).toMatchObject([503, { status }]);
      await undo();
    }),
  );

  it('is healthy again once a blocked loop is some seconds past (F57)', () =>
    inVirtualTime({}, async ({ raw, clock }) => {
      const thaw = freeze(3_500);
      expect((await raw.get('/health')).status).toBe(503);
      await clock.sleep(5_000);
      expect((await raw.get('/health')).status).toBe(503);
      await clock.sleep(10_000);
      expect((await raw.get('/health')).status).toBe(200);
      thaw();
    }));

  it('asked 1,000 times makes no session (F57)', () =>
    inVirtualTime({}, async ({ raw, hub }) => {
      for (let call = 0; call < 1_000; call += 1) await raw.get(call % 2 === 0 ? '/health' : '/sessions');
      expect(hub.sessions.counters()).toEqual({ opened: 0, refused: 0, ended: NO_ENDS });
    }));
});

describe('GET /sessions', () => {
  it('lists sessions and their statistics', () =>
    inVirtualTime({}, async ({ raw, mcp, clock }) => {
      expect((await raw.get('/sessions')).json).toEqual({
        total: 0,
        sessions: [],
        stats: { total: 0, oldest: null, newest: null, avgAgeMs: 0 },
        counters: { opened: 0, refused: 0, ended: NO_ENDS },
      });
      const client = mcp({ clientInfo: { name: 'random_agent', version: '1.0.0' } });
      await client.initialize({ handshake: 'full' });
      await client.listen();
      await clock.sleep(1_000);
      const half = await raw.initialize({ name: 'half' });
      const call = client.call('sleep', { ms: 10_000 });
      await clock.sleep(2_000);
      const answer = await raw.get('/sessions');
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        total: 2,
        sessions: [
          {
            sessionId: client.fingerprint,
            clientName: 'random_agent',
            clientVersion: '1.0.0',
            agent: null,
            createdAt: '2026-01-01T00:00:00.000Z',
            lastActivity: '2026-01-01T00:00:01.000Z',
            ageMs: 3_000,
            inactiveMs: 2_000,
            state: 'live',
            callsInFlight: 1,
            openStreams: 1,
          },
          {
            sessionId: fingerprint(String(half.headers['mcp-session-id'])),
            clientName: 'half',
            clientVersion: '1',
            agent: null,
            createdAt: '2026-01-01T00:00:01.000Z',
            lastActivity: '2026-01-01T00:00:01.000Z',
            ageMs: 2_000,
            inactiveMs: 2_000,
            state: 'pending',
            callsInFlight: 0,
            openStreams: 0,
          },
        ],
        stats: {
          total: 2,
          oldest: '2026-01-01T00:00:00.000Z',
          newest: '2026-01-01T00:00:01.000Z',
          avgAgeMs: 2_500,
        },
        counters: { opened: 2, refused: 0, ended: NO_ENDS },
      });
      await call;
    }));

  it('gives 250 sessions in pages, each once, though sessions come and go meanwhile', () =>
    inVirtualTime({}, async ({ raw }) => {
      const ids: string[] = [];
      for (let client = 0; client < 250; client += 1) ids.push(await raw.open());
      const seen: unknown[] = [];
      const sizes: number[] = [];
      for (let path: string | undefined = '/sessions'; path !== undefined; ) {
        const { json } = await raw.get(path);
        const page = listOf(json, 'sessions');
        sizes.push(page.length);
        seen.push(...page.map((session) => field(session, 'sessionId')));
        expect(field(json, 'total')).toBe(250);
        const next = field(json, 'next');
        path = next === undefined ? undefined : `/sessions?after=${next}`;
        if (sizes.length === 1) {
          // One that was listed, the cursor itself; another takes its place at the end.
          await raw.delete(String(ids[99]));
          ids.push(await raw.open());
        }
      }
      expect(sizes).toEqual([100, 100, 51]);
      expect(seen).toEqual(ids.map(fingerprint));
    }));

  const pages: readonly [query: string, length: number, next: number | undefined][] = [
    ['', 100, 100],
    ['?limit=5', 5, 5],
    ['?limit=5&after=7', 5, 12],
    ['?limit=120', 120, undefined],
    ['?limit=119', 119, 119],
    ['?limit=100000', 120, undefined],
    ['?after=119', 1, undefined],
    ['?after=120', 0, undefined],
    ['?after=1000000', 0, undefined],
    ['?limit=0', 100, 100],
    ['?limit=-1', 100, 100],
    ['?limit=many', 100, 100],
    ['?limit=1.5', 100, 100],
    ['?limit=5&limit=6', 100, 100],
    ['?limit[a]=5', 100, 100],
    ['?after=NaN', 100, 100],
  ];
  it('takes every query for a page: what cannot be meant is as if it were not there', () =>
    inVirtualTime({}, async ({ raw }) => {
      for (let client = 0; client < 120; client += 1) await raw.initialize();
      for (const [query, length, next] of pages) {
        const { status, json } = await raw.get(`/sessions${query}`);
        expect([status, listOf(json, 'sessions').length, field(json, 'next')], query).toEqual([
          200,
          length,
          next,
        ]);
      }
    }));

  it('and GET /health hold no string that is accepted as a session id (F33)', () =>
    inVirtualTime({}, async ({ raw }) => {
      const ids: string[] = [];
      for (let client = 0; client < 5; client += 1) ids.push(await raw.open());
      for (const path of ['/sessions', '/health']) {
        const { text } = await raw.get(path);
        for (const id of ids) expect(text).not.toContain(id);
        const strings = [...text.matchAll(/"([^"]+)"/g)].map(([, string = '']) => string);
        expect(strings.length).toBeGreaterThan(10);
        for (const session of new Set(strings)) expect((await raw.ping(session)).status, session).toBe(404);
      }
    }));

  it('cuts the names that clients give themselves, and shows them as they are', () =>
    inVirtualTime({}, async ({ raw }) => {
      await raw.open({ name: 'x'.repeat(50_000) });
      await raw.open({ name: '<script>"\n' });
      const { json } = await raw.get('/sessions');
      const names = listOf(json, 'sessions').map((session) => field(session, 'clientName'));
      expect(names).toEqual(['x'.repeat(100), '<script>"\n']);
    }));
});

/** The process stands still for so long: no timer ran meanwhile. Returns the way back. */
function freeze(ms: number): () => void {
  const now = performance.now;
  performance.now = () => now.call(performance) + ms;
  return () => {
    performance.now = now;
  };
}
