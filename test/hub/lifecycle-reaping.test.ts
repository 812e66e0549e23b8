import { describe, expect, it } from 'vitest';
import { C, D, expectGone, HEARTBEAT, inTime, T } from './lifecycle-stories.ts';
import { textResult } from './raw-client.ts';

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
