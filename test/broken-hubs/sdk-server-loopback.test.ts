import { createHash } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { PolicySchema } from '../../simulator/judge/policy.ts';
import type { SdkPolicy } from './policy.ts';
import { createSdkServer, type SdkServer } from './sdk-server.ts';

const POLICY: SdkPolicy = {
  sessionTimeoutMs: 10_000,
  cleanupIntervalMs: 1_000,
  handshakeTimeoutMs: 3_000,
  heartbeatMs: 2_000,
  drainMs: 500,
};

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
    const server = createSdkServer(POLICY);
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
    expect(Object.keys(body).sort()).toEqual([
      'agents',
      'callsInFlight',
      'conversations',
      'counters',
      'eventLoopDelayMs',
      'policy',
      'sessions',
      'status',
      'sweepLagMs',
      'uptime',
    ]);
    expect(body.counters).toEqual({
      opened: 1,
      refused: 0,
      ended: { client: 0, idle: 0, handshake: 0, shutdown: 0, error: 0 },
    });
    expect(body.policy).toEqual({
      sessionTimeoutMs: 10_000,
      clientTimeoutsMs: {},
      cleanupIntervalMs: 1_000,
      handshakeTimeoutMs: 3_000,
      deadPeerMs: 8_000,
      streamLostMs: null,
      maxSessions: null,
      maxSessionsPerClient: null,
      capRule: 'refuse',
      openStreamProtects: true,
      callProtects: true,
      drainMs: 500,
    });
    await client.ping();
    const list = SessionsSchema.parse(await (await fetch(new URL('/sessions', url))).json());
    const fingerprint = createHash('sha256').update(String(transport.sessionId)).digest('hex').slice(0, 12);
    expect(list).toMatchObject({ total: 1, stats: { total: 1 }, counters: { opened: 1 } });
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
    const { client, server, url } = await start();
    const call = client.callTool({ name: 'sleep', arguments: { ms: 100 } });
    await client.ping();
    const sessions: unknown = await (await fetch(new URL('/sessions', url))).json();
    expect(sessions).toMatchObject({ sessions: [{ callsInFlight: 1, openStreams: 1 }] });
    const shutdown = server.shutdown();
    expect((await call).content).toEqual([{ type: 'text', text: 'slept 100 ms' }]);
    await shutdown;
    expect(server.server.listening).toBe(false);
  });
});
