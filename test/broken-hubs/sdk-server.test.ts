import { createHash } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { PolicySchema } from '../../simulator/judge/policy.ts';
import type { SdkPolicy } from './policy.ts';
import { createSdkServer, type SdkServer } from './sdk-server.ts';
import { inVirtualTime } from './virtual-world.ts';

/** T, C, H, heartbeat (so D is 8 s) and drain, all different, so that no test passes by the wrong one. */
const POLICY: SdkPolicy = {
  sessionTimeoutMs: 10_000,
  cleanupIntervalMs: 1_000,
  handshakeTimeoutMs: 3_000,
  heartbeatMs: 2_000,
  drainMs: 5_000,
};
const T = 10_000;
const C = 1_000;
const H = 3_000;
const D = 8_000;

const HealthSchema = z.looseObject({ counters: z.unknown(), policy: PolicySchema });
const SessionsSchema = z.looseObject({ sessions: z.array(z.unknown()) });

describe('The healthy SDK server, with the official client over loopback,', () => {
  const running: SdkServer[] = [];
  const clients: Client[] = [];

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(running.splice(0).map((server) => server.shutdown()));
  });

  async function start() {
    const server = createSdkServer({ ...POLICY, drainMs: 500 });
    running.push(server);
    const url = await server.listen();
    const transport = new StreamableHTTPClientTransport(new URL(url));
    const client = new Client({ name: 'official', version: '2' });
    clients.push(client);
    await client.connect(transport);
    return { server, url, transport, client };
  }

  it('lists the same four tools as the hub and answers calls of them', async () => {
    const { client } = await start();
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(['echo', 'sleep', 'emit', 'fail']);
    const echo = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    expect(echo.content).toEqual([{ type: 'text', text: 'hello' }]);
    const slept = await client.callTool({ name: 'sleep', arguments: { ms: 1 } });
    expect(slept.content).toEqual([{ type: 'text', text: 'slept 1 ms' }]);
    expect(await client.callTool({ name: 'fail', arguments: {} })).toMatchObject({ isError: true });
    expect(await client.callTool({ name: 'fail', arguments: { how: 'throw' } })).toMatchObject({
      isError: true,
    });
  });

  it('sends the progress of a call before its result', async () => {
    const { client } = await start();
    const seen: number[] = [];
    await client.callTool({ name: 'emit', arguments: { count: 3, intervalMs: 1 } }, CallToolResultSchema, {
      onprogress: ({ progress }) => seen.push(progress),
    });
    expect(seen).toEqual([1, 2, 3]);
  });

  it('answers 404 with a JSON-RPC error once the session is deleted', async () => {
    const { client, transport, url } = await start();
    const id = String(transport.sessionId);
    await transport.terminateSession();
    await expect(client.ping()).rejects.toThrow();
    const headers = { 'mcp-session-id': id, accept: 'text/event-stream' };
    for (const method of ['GET', 'DELETE']) {
      const response = await fetch(url, { method, headers });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32001 }, id: null });
    }
  });

  it('shows its sessions by fingerprint and publishes its policy', async () => {
    const { client, transport, url } = await start();
    const health = await fetch(new URL('/health', url));
    expect(health.status).toBe(200);
    const body = HealthSchema.parse(await health.json());
    expect(Object.keys(body)).toEqual([
      'status',
      'agents',
      'conversations',
      'sessions',
      'uptime',
      'callsInFlight',
      'counters',
      'eventLoopDelayMs',
      'sweepLagMs',
      'policy',
    ]);
    expect(body.counters).toEqual({
      opened: 1,
      refused: 0,
      ended: { client: 0, idle: 0, handshake: 0, shutdown: 0, error: 0 },
    });
    expect(body.policy).toEqual({
      sessionTimeoutMs: T,
      clientTimeoutsMs: {},
      cleanupIntervalMs: C,
      handshakeTimeoutMs: H,
      deadPeerMs: D,
      streamLostMs: null,
      maxSessions: null,
      capRule: 'refuse',
      openStreamProtects: true,
      callProtects: true,
      drainMs: 500,
    });
    await client.ping();
    const list = SessionsSchema.parse(await (await fetch(new URL('/sessions', url))).json());
    const fingerprint = createHash('sha256').update(String(transport.sessionId)).digest('hex').slice(0, 12);
    expect(list).toMatchObject({ total: 1, stats: { total: 1 } });
    expect(list.sessions).toEqual([
      {
        sessionId: fingerprint,
        clientName: 'official',
        clientVersion: '2',
        createdAt: expect.any(String),
        lastActivity: expect.any(String),
        ageMs: expect.any(Number),
        inactiveMs: expect.any(Number),
        state: 'live',
        callsInFlight: 0,
        openStreams: expect.any(Number),
      },
    ]);
  });

  it('lets a call in flight finish, ends the stream and closes when it is shut down', async () => {
    const { client, server } = await start();
    const call = client.callTool({ name: 'sleep', arguments: { ms: 100 } });
    await client.ping();
    const shutdown = server.shutdown();
    expect((await call).content).toEqual([{ type: 'text', text: 'slept 100 ms' }]);
    await shutdown;
    expect(server.server.listening).toBe(false);
  });
});

describe('The healthy SDK server, in virtual time,', () => {
  it('reaps an idle session between T and T + C', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client, count }) => {
      const session = await client.open();
      const idleSince = clock.now();
      await clock.sleep(T - 1);
      expect(await count()).toBe(1);
      await clock.sleep(idleSince + T + C - clock.now() + 1);
      expect(await count()).toBe(0);
      expect(await client.ping(session)).toMatchObject({ status: 404, json: { error: { code: -32001 } } });
    }));

  it('counts the idle time from the end of a call that takes longer than T', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client, count }) => {
      const session = await client.open();
      const answer = await client.call(session, 'sleep', { ms: 3 * T });
      expect(answer.json).toMatchObject({ result: { content: [{ text: `slept ${3 * T} ms` }] } });
      await clock.sleep(T - 1);
      expect(await count()).toBe(1);
    }));

  it('never reaps a session that is used', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client }) => {
      const session = await client.open();
      for (let turn = 0; turn < 10; turn += 1) {
        await clock.sleep(T - 1);
        expect((await client.ping(session)).status).toBe(200);
      }
    }));

  it('keeps a session whose client only listens and answers pings', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client, count }) => {
      const session = await client.open();
      const stream = await client.stream(session);
      await clock.sleep(10 * T);
      expect(stream.received()).toContain('"method":"ping"');
      expect(await count()).toBe(1);
      stream.close();
      await clock.sleep(T - 1);
      expect(await count()).toBe(1);
      await clock.sleep(C + 2);
      expect(await count()).toBe(0);
    }));

  it('reaps a session whose stream peer is dead by D + T + C, and not before T', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client, count }) => {
      await client.stream(await client.open(), { frozen: true });
      const deadSince = clock.now();
      await clock.sleep(D - 10);
      const listed = async () => JSON.stringify((await client.get('/sessions')).json);
      expect(await listed()).toContain('"openStreams":1');
      await clock.sleep(deadSince + D + 1 - clock.now());
      expect(await listed()).toContain('"openStreams":0');
      await clock.sleep(deadSince + D + T + C - clock.now() + 1);
      expect(await count()).toBe(0);
    }));

  it('never pings a client without a stream', () =>
    inVirtualTime({ ...POLICY, sessionTimeoutMs: 100 * T }, undefined, async ({ clock, client, count }) => {
      await client.open();
      await clock.sleep(50 * T);
      expect(await count()).toBe(1);
    }));

  it('reaps a half-open handshake between H and H + C', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client, count }) => {
      await client.initialize();
      await clock.sleep(H - 1);
      expect(await count()).toBe(1);
      await clock.sleep(C + 1);
      expect(await count()).toBe(0);
    }));

  it('lets a second stream take over from the first', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client, count }) => {
      const session = await client.open();
      const first = await client.stream(session);
      const second = await client.stream(session);
      expect(second.status).toBe(200);
      await first.ended;
      await clock.sleep(2 * T);
      expect(second.received()).toContain('"method":"ping"');
      expect(await count()).toBe(1);
    }));

  it('refuses sessions beyond the cap, also when they come all at once', () =>
    inVirtualTime({ ...POLICY, maxSessions: 2 }, undefined, async ({ client, count }) => {
      const answers = await Promise.all([1, 2, 3, 4].map(() => client.initialize()));
      expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 503, 503]);
      expect(answers.filter((answer) => answer.headers['retry-after'] !== undefined)).toHaveLength(2);
      expect(await count()).toBe(2);
    }));

  it('opens no session for a request that it refuses', () =>
    inVirtualTime(POLICY, undefined, async ({ client, count }) => {
      const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize' };
      const refused = [
        await client.send({ body: '{' }),
        await client.send({ body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }),
        await client.send({ body: initialize }),
        await client.send({ body: { ...initialize, params: { protocolVersion: 42 } } }),
        await client.send({ method: 'GET' }),
        await client.send({ method: 'DELETE' }),
      ];
      expect(refused.map((answer) => answer.status)).toEqual([400, 400, 400, 400, 400, 400]);
      expect(refused.every((answer) => answer.headers['mcp-session-id'] === undefined)).toBe(true);
      expect(await count()).toBe(0);
    }));

  it('answers a call whose session is deleted under it with an error', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client }) => {
      const session = await client.open();
      const call = client.call(session, 'sleep', { ms: 60_000 });
      await clock.sleep(100);
      expect((await client.delete(session)).status).toBe(200);
      expect((await call).json).toMatchObject({ id: 2, error: { code: -32000 } });
      expect((await client.delete(session)).status).toBe(404);
      expect((await client.ping(session)).status).toBe(404);
    }));

  it('lists sessions in pages', () =>
    inVirtualTime(POLICY, undefined, async ({ client }) => {
      for (let opened = 0; opened < 3; opened += 1) await client.open();
      const first = (await client.get('/sessions?limit=2')).json;
      expect(first).toMatchObject({ total: 3, sessions: [{}, {}], next: 2 });
      const second = (await client.get('/sessions?limit=2&after=2')).json;
      expect(second).toMatchObject({ total: 3, sessions: [{}] });
      expect(second).not.toHaveProperty('next');
    }));

  it('drains: finishes calls, opens nothing new, ends streams, and exits by itself', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client, target }) => {
      const session = await client.open();
      const stream = await client.stream(session);
      const frozen = await client.stream(await client.open(), { frozen: true });
      const call = client.call(session, 'sleep', { ms: 3_000 });
      await clock.sleep(1_000);
      target.signal?.('SIGTERM');
      await clock.sleep(100);
      expect(await client.initialize()).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
      expect((await client.call(session, 'echo', { message: 'late' })).status).toBe(503);
      expect((await client.get('/health')).status).toBe(503);
      expect((await call).json).toMatchObject({ result: {} });
      expect(await target.exited).toEqual({ code: 0, signal: null });
      expect(clock.now()).toBeLessThan(3_000 + 1_000);
      await stream.ended;
      expect(frozen.status).toBe(200);
    }));

  it('answers calls that outlast the drain with an error, and exits', () =>
    inVirtualTime(POLICY, undefined, async ({ clock, client, target }) => {
      const call = client.call(await client.open(), 'sleep', { ms: 60_000 });
      await clock.sleep(1_000);
      target.signal?.('SIGTERM');
      expect((await call).json).toMatchObject({ id: 2, error: { code: -32000 } });
      expect(clock.now()).toBeGreaterThanOrEqual(1_000 + POLICY.drainMs);
      await target.exited;
      expect(clock.now()).toBeLessThan(1_000 + POLICY.drainMs + 1_000);
    }));
});
