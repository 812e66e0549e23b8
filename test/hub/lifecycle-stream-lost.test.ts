import { describe, expect, it } from 'vitest';
import { C, D, expectGone, HEARTBEAT, inTime, T } from './lifecycle-stories.ts';
import { textResult } from './raw-client.ts';
import type { VirtualWorld } from './virtual-world.ts';

/** Much shorter than T, and longer than a client needs to come back. */
const S = 3_000;
const OPTIONS = { streamLostTimeout: S };

/** A session whose client listened, and then was cut off. */
async function cutOff({ raw, clock }: VirtualWorld, id?: string): Promise<string> {
  const session = id ?? (await raw.open());
  const stream = await raw.stream(session);
  await clock.sleep(HEARTBEAT);
  stream.close();
  await clock.sleep(1);
  return session;
}

describe('A session that lost its stream, where that has a window of its own (F14)', () => {
  const ways = ['silent', 'destroyed', 'frozen'] as const;
  it.each(ways)('(%s) and is not heard of again ends within that and one sweep', (how) =>
    inTime(async (world) => {
      const mcp = world.mcp();
      await mcp.initialize({ handshake: 'full' });
      await mcp.listen();
      await world.clock.sleep(2 * T);
      mcp.abandon(how);
      await world.clock.sleep(S);
      expect(world.hub.sessions.size).toBe(1);
      await world.clock.sleep(C + (how === 'frozen' ? D : 0));
      expect(world.hub.sessions.size).toBe(0);
      expect(world.hub.sessions.counters().ended).toMatchObject({ 'stream-lost': 1, idle: 0 });
      await expectGone(world, String(mcp.sessionId));
    }, OPTIONS),
  );

  it('lives as long as its stream does once that is open again', () =>
    inTime(async (world) => {
      const session = await cutOff(world);
      await world.clock.sleep(S / 2);
      await world.raw.stream(session);
      await world.clock.sleep(D - 1);
      expect(world.hub.sessions.hasSession(session)).toBe(true);
    }, OPTIONS));

  it('has its session timeout again after any request, and none sooner', () =>
    inTime(async (world) => {
      const session = await cutOff(world);
      await world.clock.sleep(S / 2);
      expect((await world.raw.ping(session)).status).toBe(200);
      await world.clock.sleep(T);
      expect(world.hub.sessions.hasSession(session)).toBe(true);
      await world.clock.sleep(C);
      expect(world.hub.sessions.hasSession(session)).toBe(false);
      expect(world.hub.sessions.counters().ended).toMatchObject({ 'stream-lost': 0, idle: 1 });
    }, OPTIONS));

  it('is not ended under a call, nor sooner than idle after its answer', () =>
    inTime(async (world) => {
      const session = await world.raw.open();
      const call = world.raw.call(session, 'sleep', { ms: 4 * T });
      await world.clock.sleep(1);
      await cutOff(world, session);
      expect((await call).json).toEqual(textResult(2, `slept ${4 * T} ms`));
      await world.clock.sleep(T);
      expect(world.hub.sessions.hasSession(session)).toBe(true);
    }, OPTIONS));

  it('that was taken over by another stream has lost nothing', () =>
    inTime(async (world) => {
      const session = await world.raw.open();
      const first = await world.raw.stream(session);
      await world.raw.stream(session);
      await first.ended;
      await world.clock.sleep(D - C);
      expect(world.hub.sessions.peek(session)).toMatchObject({ openStreams: 1, isStreamLost: false });
    }, OPTIONS));

  it('and never had one is idle after its session timeout', () =>
    inTime(async (world) => {
      const session = await world.raw.open();
      await world.clock.sleep(T);
      expect(world.hub.sessions.hasSession(session)).toBe(true);
    }, OPTIONS));
});

describe('A session that lost its stream, otherwise,', () => {
  const others = [
    ['where there is no such window', {}],
    ['where the window is longer than the session timeout', { streamLostTimeout: 3 * T }],
  ] as const;
  it.each(others)('%s, is idle after its session timeout', (_where, options) =>
    inTime(async (world) => {
      const session = await cutOff(world);
      await world.clock.sleep(T - 1);
      expect(world.hub.sessions.hasSession(session)).toBe(true);
      await world.clock.sleep(C);
      expect(world.hub.sessions.counters().ended).toMatchObject({ 'stream-lost': 0, idle: 1 });
    }, options),
  );
});

describe('The window for lost streams', () => {
  it.each([
    [{}, null],
    [OPTIONS, S],
  ])('is published as it is set: %o as %s', (options, published) =>
    inTime(async ({ raw }) => {
      const { json } = await raw.get('/health');
      expect(json).toMatchObject({ policy: { streamLostMs: published } });
    }, options),
  );

  it('has a reason of its own in the metrics', () =>
    inTime(async (world) => {
      await cutOff(world);
      await world.clock.sleep(S + C);
      const { text } = await world.raw.get('/metrics');
      expect(text).toContain('mcp_server_sessions_ended_total{reason="stream-lost"} 1');
      expect(text).toContain('mcp_server_session_duration_seconds_count{reason="stream-lost"} 1');
    }, OPTIONS));
});
