import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { InitializeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { createMcpServer } from '../../hub/mcp-server.ts';
import type { McpServerContext } from '../../hub/server-context.ts';
import type { McpServerLike } from '../../hub/session.ts';
import { C, callsInFlight, expectGone, H, inTime } from './lifecycle-stories.ts';
import { initializeRequest } from './raw-client.ts';

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
