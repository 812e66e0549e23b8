import { describe, expect, it } from 'vitest';
import { TOKEN_A } from './callers.ts';
import { C, D, DRAIN, H, HEARTBEAT, inTime, KEEP_ALIVE, T } from './lifecycle-stories.ts';
import { callRequest, initializeRequest, textResult } from './raw-client.ts';
import { openSocket, refusalOf } from './socket-client.ts';
import { inVirtualTime } from './virtual-world.ts';

const ON = { websocket: 'on' };

/** A minute after virtual time begins. */
const EXPIRES_S = Date.UTC(2026, 0, 1) / 1_000 + 60;

describe('A session on a WebSocket', () => {
  it('lives as long as its client listens, and ends T after the connection broke', () =>
    inTime(async ({ target, hub, clock }) => {
      const client = await openSocket(target.dial);
      await client.handshake();
      await clock.sleep(10 * T);
      expect(hub.sessions.size).toBe(1);
      client.socket.terminate();
      await clock.sleep(T - 1);
      expect(hub.sessions.size).toBe(1);
      await clock.sleep(C + 2);
      expect(hub.sessions.counters().ended).toMatchObject({ idle: 1 });
      expect(await refusalOf(openSocket(target.dial, { session: client.session }))).toMatchObject({
        status: 404,
      });
    }, ON));

  it('ends when its handshake is not completed, however long its client listens', () =>
    inTime(async ({ target, hub, clock }) => {
      const client = await openSocket(target.dial);
      await client.ask(initializeRequest());
      const openedAt = clock.now();
      expect(await client.closed).toMatchObject({ code: 4404 });
      expect(clock.now() - openedAt).toBeGreaterThan(H);
      expect(clock.now() - openedAt).toBeLessThanOrEqual(H + C + 1);
      expect(hub.sessions.counters().ended.handshake).toBe(1);
    }, ON));

  it('is not reaped while a call is in flight, and protected no longer when its connection breaks', () =>
    inTime(
      async ({ target, hub, clock }) => {
        const client = await openSocket(target.dial);
        await client.handshake();
        const call = client.ask(callRequest(2, 'sleep', { ms: 5 * T }));
        expect(await call).toEqual(textResult(2, `slept ${5 * T} ms`));
        client.send(callRequest(3, 'sleep', { ms: 5 * T }));
        await clock.sleep(10);
        client.socket.terminate();
        await clock.sleep(T + C + 1);
        expect(hub.sessions.counters().ended).toMatchObject({ idle: 1 });
      },
      { ...ON, heartbeat: '1h' },
    ));

  it('loses a peer that answers no ping after D, and then ends as an idle one', () =>
    inTime(async ({ target, hub, clock }) => {
      const dead = await openSocket(target.dial, { isMute: true });
      await dead.handshake();
      const lastSentAt = clock.now();
      expect(await dead.closed).toMatchObject({ code: 4408 });
      expect(clock.now() - lastSentAt).toBeGreaterThan(3 * HEARTBEAT);
      expect(clock.now() - lastSentAt).toBeLessThanOrEqual(D);
      expect(hub.sessions.size).toBe(1);
      await clock.sleep(T + C + 1);
      expect(hub.sessions.counters().ended).toMatchObject({ idle: 1 });
    }, ON));

  it('cuts off a frozen peer, which would answer no close either', () =>
    inTime(async ({ target, hub, clock }) => {
      const frozen = await openSocket(target.dial);
      await frozen.handshake();
      frozen.socket.pause();
      await clock.sleep(D + 1_000);
      expect(hub.sessions.peek(frozen.session)?.openStreams).toBe(0);
      await clock.sleep(T + C);
      expect(hub.sessions.counters().ended).toMatchObject({ idle: 1 });
    }, ON));

  it('is never silent for longer than keep-alive, so that no proxy cuts it (F43)', () =>
    inTime(
      async ({ target, clock }) => {
        const client = await openSocket(target.dial);
        await client.handshake();
        await clock.sleep(20 * KEEP_ALIVE + 1);
        expect(client.pings).toBeGreaterThanOrEqual(20);
        expect(client.pings).toBeLessThanOrEqual(23);
      },
      { ...ON, heartbeat: '1h' },
    ));
});

describe('A peer that does not read', () => {
  /** Enough to fill what lies between the hub and its peer. */
  const BIG = 'x'.repeat(40_000);
  const small = { ...ON, maxBuffered: 10_000, maxEventBytes: 20_000, heartbeat: '1h' };

  it('is asked for no more than it may leave unread, and cut when it reads nothing at all (F48)', () =>
    inTime(async ({ target, hub, clock }) => {
      const slow = await openSocket(target.dial);
      await slow.handshake();
      slow.socket.pause();
      for (let id = 2; id < 200; id += 1) {
        slow.send(callRequest(id, 'echo', { message: BIG }));
        await clock.sleep(1);
      }
      expect(hub.sessions.peek(slow.session)?.openStreams).toBe(1);
      // Most of what it sent was never read: it waits on its own side.
      expect(slow.socket.bufferedAmount).toBeGreaterThan(100 * BIG.length);
      await clock.sleep(3 * KEEP_ALIVE);
      expect(hub.sessions.peek(slow.session)?.openStreams).toBe(0);
    }, small));

  it('and reads on gets all it asked for, in order', () =>
    inTime(async ({ target, clock }) => {
      const slow = await openSocket(target.dial);
      await slow.handshake();
      slow.socket.pause();
      for (let id = 2; id < 50; id += 1) slow.send(callRequest(id, 'echo', { message: BIG }));
      await clock.sleep(10);
      slow.socket.resume();
      await slow.next(({ id }) => id === 49);
      expect(slow.received.map(({ id }) => id)).toEqual(Array.from({ length: 49 }, (_, index) => index + 1));
    }, small));

  it('holds up a call that says much, until it reads on', () =>
    inTime(async ({ target, hub, clock }) => {
      const slow = await openSocket(target.dial);
      await slow.handshake();
      slow.socket.pause();
      const call = callRequest(2, 'emit', { count: 5_000 });
      slow.send({ ...call, params: { ...call.params, _meta: { progressToken: 'x'.repeat(100) } } });
      await clock.sleep(10);
      expect(hub.sessions.peek(slow.session)?.callsInFlight).toBe(1);
      slow.socket.resume();
      await slow.next(({ id }) => id === 2);
      expect(slow.received).toHaveLength(5_002);
    }, small));
});

describe('A shutdown', () => {
  it('lets calls on WebSockets finish, refuses others, and closes with 1001', () =>
    inTime(async ({ target, time, hub, clock }) => {
      const [busy, idle] = [await openSocket(target.dial), await openSocket(target.dial)];
      const waiting = await openSocket(target.dial);
      await busy.handshake();
      await idle.handshake();
      const call = busy.ask(callRequest(2, 'sleep', { ms: 2_000 }));
      await clock.sleep(10);
      target.signal?.('SIGTERM');
      expect(await idle.ask(callRequest(2, 'echo', { message: '' }))).toMatchObject({
        id: 2,
        error: { code: -32000, data: { status: 503, retryAfter: 5 } },
      });
      expect(await refusalOf(openSocket(target.dial))).toMatchObject({ status: 503 });
      expect(await refusalOf(openSocket(target.dial, { session: idle.session }))).toMatchObject({
        status: 503,
      });
      waiting.send(initializeRequest());
      expect(await waiting.closed).toMatchObject({ code: 4400 });
      expect(waiting.received).toMatchObject([{ error: { data: { status: 503 } } }]);
      expect(await call).toEqual(textResult(2, 'slept 2000 ms'));
      expect(await busy.closed).toMatchObject({
        code: 1001,
        reason: expect.stringMatching(/^retry after \d+ ms$/),
      });
      expect(await idle.closed).toMatchObject({ code: 1001 });
      expect(await target.exited).toEqual({ code: 0, signal: null });
      expect(time.heldTimers()).toBe(0);
      expect(hub.sessions.counters().ended.shutdown).toBe(2);
    }, ON));

  it('does not wait for whoever verifies the token of an upgrade for ever (F38)', () =>
    inTime(
      async ({ target, clock }) => {
        const refusal = refusalOf(openSocket(target.dial, { headers: { authorization: 'Bearer slow' } }));
        await clock.sleep(100);
        const startedAt = clock.now();
        target.signal?.('SIGTERM');
        expect(await refusal).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
        expect(await Promise.race([target.exited, clock.sleep(10 * DRAIN)])).toMatchObject({ code: 0 });
        expect(clock.now() - startedAt).toBeLessThanOrEqual(1_000);
      },
      ON,
      undefined,
      { auth: { verifier: { verifyAccessToken: () => new Promise<never>(() => undefined) } } },
    ));

  it('answers what is left at its deadline with an error; a frozen peer does not hold it up', () =>
    inTime(
      async ({ target, clock }) => {
        const busy = await openSocket(target.dial);
        const frozen = await openSocket(target.dial);
        const mute = await openSocket(target.dial);
        await busy.handshake();
        await frozen.handshake();
        frozen.socket.pause();
        const call = busy.ask(callRequest(2, 'sleep', { ms: 100 * DRAIN }));
        await clock.sleep(10);
        const signalledAt = clock.now();
        target.signal?.('SIGTERM');
        expect(await call).toMatchObject({ id: 2, error: { code: -32000 } });
        expect(await mute.closed).toMatchObject({ code: 1001 });
        expect(await target.exited).toEqual({ code: 0, signal: null });
        expect(clock.now() - signalledAt).toBeLessThanOrEqual(DRAIN + 1_000);
      },
      { ...ON, heartbeat: '1h', handshakeTimeout: '1h' },
    ));
});

describe('An access token that expires', () => {
  it('closes the WebSocket with 4401, whether its client speaks or listens', () =>
    inVirtualTime(
      { ...ON, keepAlive: KEEP_ALIVE },
      async ({ target, clock, hub }) => {
        const headers = { authorization: `Bearer ${TOKEN_A}` };
        const [speaks, listens] = [
          await openSocket(target.dial, { headers }),
          await openSocket(target.dial, { headers }),
        ];
        await speaks.handshake();
        await listens.handshake();
        await clock.sleep(59_000);
        expect(await speaks.ask(callRequest(2, 'echo', { message: 'a' }))).toEqual(textResult(2, 'a'));
        await clock.sleep(1_010);
        expect(await speaks.ask(callRequest(3, 'echo', { message: 'b' }))).toMatchObject({ code: 4401 });
        expect(await listens.closed).toMatchObject({ code: 4401 });
        expect(hub.sessions.size).toBe(2);
      },
      {
        auth: {
          verifier: {
            verifyAccessToken: async (token) => ({ token, clientId: 'a', scopes: [], expiresAt: EXPIRES_S }),
          },
        },
      },
    ));
});

describe('Nothing is left', () => {
  it('of 200 WebSockets, however they end: no session, no call, no timer but those of the hub', () =>
    inTime(async ({ target, hub, clock, raw, time }) => {
      const before = time.heldTimers();
      for (let round = 0; round < 50; round += 1) {
        const clients = await Promise.all(Array.from({ length: 4 }, () => openSocket(target.dial)));
        const [closes, breaks, waits, works] = clients;
        for (const client of clients) if (client !== waits) await client.handshake();
        works?.send(callRequest(2, 'sleep', { ms: 1_000_000 }));
        await clock.sleep(1);
        closes?.socket.close(1000);
        for (const client of [breaks, waits, works]) client?.socket.terminate();
      }
      await clock.sleep(T + 2 * C);
      expect(hub.sessions.size).toBe(0);
      const { json } = await raw.get('/health');
      expect(json).toMatchObject({ sessions: 0, callsInFlight: 0 });
      const { text } = await raw.get('/metrics');
      expect(text).toContain('mcp_server_websockets 0\n');
      expect(text).toContain('mcp_server_streams 0\n');
      expect(text).toContain('mcp_server_websockets_closed_total{code="1000"} 50\n');
      expect(text).toContain('mcp_server_websockets_closed_total{code="1006"} 150\n');
      expect(text).toContain('mcp_server_requests_total{http_method="GET",status="101"} 200\n');
      expect(time.heldTimers()).toBe(before);
    }, ON));
});
