import { describe, expect, it } from 'vitest';
import { createPlainServer } from './plain-server/plain-server.ts';
import type { SdkPolicy } from './policy.ts';
import { createSdkServer } from './sdk-server.ts';
import { inVirtualTime, type VirtualWorld } from './virtual-world.ts';

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

describe.each([
  { name: 'SDK', create: createSdkServer },
  { name: 'plain', create: createPlainServer },
])('The healthy $name server, in virtual time,', ({ create }) => {
  const play = (policy: SdkPolicy, story: (world: VirtualWorld) => Promise<void>) =>
    inVirtualTime(() => create(policy), story);

  it('reaps an idle session between T and T + C', () =>
    play(POLICY, async ({ clock, client, count }) => {
      const session = await client.open();
      const idleSince = clock.now();
      await clock.sleep(T - 1);
      expect(await count()).toBe(1);
      await clock.sleep(idleSince + T + C - clock.now() + 1);
      expect(await count()).toBe(0);
      expect(await client.ping(session)).toMatchObject({ status: 404, json: { error: { code: -32001 } } });
    }));

  it('counts the idle time from the end of a call that takes longer than T', () =>
    play(POLICY, async ({ clock, client, count }) => {
      const session = await client.open();
      const answer = await client.call(session, 'sleep', { ms: 3 * T });
      expect(answer.json).toMatchObject({ result: { content: [{ text: `slept ${3 * T} ms` }] } });
      await clock.sleep(T - 1);
      expect(await count()).toBe(1);
    }));

  it('never reaps a session that is used', () =>
    play(POLICY, async ({ clock, client }) => {
      const session = await client.open();
      for (let turn = 0; turn < 10; turn += 1) {
        await clock.sleep(T - 1);
        expect((await client.ping(session)).status).toBe(200);
      }
    }));

  it('keeps a session whose client only listens and answers pings', () =>
    play(POLICY, async ({ clock, client, count }) => {
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

  it('emits on the stream of the session that asks, and on no other', () =>
    play(POLICY, async ({ clock, client }) => {
      const [own, other] = [await client.open(), await client.open()];
      const streams = [await client.stream(own), await client.stream(other)];
      const answer = await client.call(own, 'emit', { count: 2, on: 'stream', tag: 'mine' });
      expect(answer.text).toContain('emitted 2');
      await clock.sleep(1);
      const numbers = streams.map((stream) => stream.received().match(/"n":\d+,"total":2,"tag":"mine"/g));
      expect(numbers).toEqual([['"n":1,"total":2,"tag":"mine"', '"n":2,"total":2,"tag":"mine"'], null]);
    }));

  it('reaps a session whose stream peer is dead by D + T + C, and not before T', () =>
    play(POLICY, async ({ clock, client, count }) => {
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
    play({ ...POLICY, sessionTimeoutMs: 100 * T }, async ({ clock, client, count }) => {
      await client.open();
      await clock.sleep(50 * T);
      expect(await count()).toBe(1);
    }));

  it('reaps a half-open handshake between H and H + C', () =>
    play(POLICY, async ({ clock, client, count }) => {
      await client.initialize();
      await clock.sleep(H - 1);
      expect(await count()).toBe(1);
      await clock.sleep(C + 1);
      expect(await count()).toBe(0);
    }));

  it('lets a second stream take over from the first', () =>
    play(POLICY, async ({ clock, client, count }) => {
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
    play({ ...POLICY, maxSessions: 2 }, async ({ client, count }) => {
      const answers = await Promise.all([1, 2, 3, 4].map(() => client.initialize()));
      expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 503, 503]);
      expect(answers.filter((answer) => answer.headers['retry-after'] !== undefined)).toHaveLength(2);
      expect(await count()).toBe(2);
    }));

  it('opens no session for a request that it refuses', () =>
    play(POLICY, async ({ client, count }) => {
      const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize' };
      const refused = [
        await client.send({ body: '{' }),
        await client.send({ body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }),
        await client.send({ body: initialize }),
        await client.send({ body: { ...initialize, params: { protocolVersion: 42 } } }),
        await client.send({ method: 'GET' }),
        await client.send({ method: 'DELETE' }),
      ];
      // A broken initialize may be refused by HTTP or, with 200, by JSON-RPC: the specification allows both.
      const isError = (json: unknown) => Reflect.get(Object(json), 'error') !== undefined;
      expect(refused.every(({ status, json }) => (status === 400 || status === 200) && isError(json))).toBe(
        true,
      );
      expect(refused.flatMap(({ status }, index) => (status === 200 ? [index] : []))).toEqual(
        create === createPlainServer ? [2, 3] : [],
      );
      expect(refused.every((answer) => answer.headers['mcp-session-id'] === undefined)).toBe(true);
      expect(await count()).toBe(0);
    }));

  it('answers a call whose session is deleted under it with an error', () =>
    play(POLICY, async ({ clock, client }) => {
      const session = await client.open();
      const call = client.call(session, 'sleep', { ms: 60_000 });
      await clock.sleep(100);
      expect((await client.delete(session)).status).toBe(200);
      expect((await call).json).toMatchObject({ id: 2, error: { code: -32000 } });
      expect((await client.delete(session)).status).toBe(404);
      expect((await client.ping(session)).status).toBe(404);
    }));

  it('lists sessions in pages', () =>
    play(POLICY, async ({ client }) => {
      for (let opened = 0; opened < 3; opened += 1) await client.open();
      const first = (await client.get('/sessions?limit=2')).json;
      expect(first).toMatchObject({ total: 3, sessions: [{}, {}], next: 2 });
      const second = (await client.get('/sessions?limit=2&after=2')).json;
      expect(second).toMatchObject({ total: 3, sessions: [{}] });
      expect(second).not.toHaveProperty('next');
    }));

  it('drains: finishes calls, opens nothing new, ends streams, and exits by itself', () =>
    play(POLICY, async ({ clock, client, target }) => {
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
    play(POLICY, async ({ clock, client, target }) => {
      const call = client.call(await client.open(), 'sleep', { ms: 60_000 });
      await clock.sleep(1_000);
      target.signal?.('SIGTERM');
      expect((await call).json).toMatchObject({ id: 2, error: { code: -32000 } });
      expect(clock.now()).toBeGreaterThanOrEqual(1_000 + POLICY.drainMs);
      await target.exited;
      expect(clock.now()).toBeLessThan(1_000 + POLICY.drainMs + 1_000);
    }));
});
