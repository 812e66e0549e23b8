import { describe, expect, it } from 'vitest';
import type { HubOptions } from '../../hub/config.ts';
import { SessionCaps } from '../../hub/session-caps.ts';
import { Place, UseOrder } from '../../hub/use-order.ts';
import { run } from '../../simulator/run.ts';
import { parseScenario } from '../../simulator/scenario/load.ts';
import { callerWith, TOKEN_A, TOKEN_B, TOKENS } from './callers.ts';
import { inVirtualTime } from './virtual-world.ts';

const EVICT: HubOptions = { maxSessions: 3, capRule: 'evict-idle' };

describe('UseOrder', () => {
  const places = new Map(['a', 'b', 'c', 'd'].map((name) => [name, new Place(name)]));
  /** `a` touches it, `-a` removes it. */
  const rows: readonly [steps: string, oldestFirst: string][] = [
    ['', ''],
    ['a', 'a'],
    ['a b c', 'a b c'],
    ['a b c a', 'b c a'],
    ['a b c b', 'a c b'],
    ['a b c c', 'a b c'],
    ['a b c -a', 'b c'],
    ['a b c -b', 'a c'],
    ['a b c -c', 'a b'],
    ['a b c -c d', 'a b d'],
    ['a -a', ''],
    ['a -a a', 'a'],
    ['a -a -a b', 'b'],
    ['-a b', 'b'],
    ['a b -a -b c', 'c'],
  ];
  it.each(rows)("after '%s' is '%s', oldest first", (steps, oldestFirst) => {
    const order = new UseOrder<string>();
    for (const step of steps.split(' ').filter((word) => word !== '')) {
      const place = places.get(step.replace('-', ''));
      if (!place) throw new Error(`no place ${step}`);
      if (step.startsWith('-')) order.remove(place);
      else order.touch(place);
    }
    const seen: string[] = [];
    for (let place = order.oldest; place; place = order.oldest) {
      seen.push(place.member);
      order.remove(place);
    }
    expect(seen.join(' ')).toBe(oldestFirst);
  });
});

describe('At the cap, with capRule refuse', () => {
  it('a cap full of abandoned sessions opens again when their time is over (F47)', () =>
    inVirtualTime(
      { maxSessions: 20, sessionTimeout: '1m', cleanupInterval: '10s' },
      async ({ raw, clock, hub }) => {
        for (let client = 0; client < 20; client += 1) await raw.open();
        const refused = await raw.initialize();
        expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
        await clock.sleep(75_000);
        expect((await raw.initialize()).status).toBe(200);
        expect(hub.sessions.counters()).toMatchObject({
          opened: 21,
          refused: 1,
          ended: { idle: 20, evicted: 0 },
        });
      },
    ));

  it('half-sent bodies hold no slot (F47)', () =>
    inVirtualTime({ maxSessions: 2 }, async ({ raw, target, clock, hub }) => {
      const wires = await Promise.all(Array.from({ length: 10 }, () => target.dial()));
      const head = [
        'POST /mcp HTTP/1.1',
        'host: localhost',
        'content-type: application/json',
        'content-length: 500',
      ];
      for (const { stream } of wires) stream.write(`${head.join('\r\n')}\r\n\r\n{"jsonrpc":`);
      await clock.sleep(1_000);
      expect([(await raw.initialize()).status, (await raw.initialize()).status]).toEqual([200, 200]);
      expect((await raw.initialize()).status).toBe(503);
      for (const { stream } of wires) stream.destroy();
      expect(hub.sessions.size).toBe(2);
    }));
});

describe('At the cap, with capRule evict-idle', () => {
  it('the session that was idle longest makes room, and its client is told 404', () =>
    inVirtualTime(EVICT, async ({ raw, clock, hub }) => {
      const [first, second, third] = [await raw.open(), await raw.open(), await raw.open()];
      await clock.sleep(1_000);
      expect((await raw.ping(first)).status).toBe(200);
      const fourth = await raw.open();
      expect((await raw.ping(second)).status).toBe(404);
      for (const id of [first, third, fourth]) expect((await raw.ping(id)).status).toBe(200);
      expect(hub.sessions.counters()).toMatchObject({
        opened: 4,
        refused: 0,
        ended: { evicted: 1, idle: 0 },
      });
      const { json } = await raw.get('/health');
      expect(json).toMatchObject({
        sessions: 3,
        counters: { ended: { evicted: 1 } },
        policy: { maxSessions: 3, maxSessionsPerClient: null, capRule: 'evict-idle' },
      });
    }));

  it('none that is in use is ever evicted: refused with 503, when there is no other', () =>
    inVirtualTime(EVICT, async ({ raw, mcp, clock, hub }) => {
      const caller = await raw.open();
      const call = raw.call(caller, 'sleep', { ms: 60_000 });
      const listeners = [mcp(), mcp()];
      for (const listener of listeners) {
        await listener.initialize({ handshake: 'full' });
        await listener.listen();
      }
      for (let turn = 0; turn < 20; turn += 1) {
        await clock.sleep(1_000);
        expect((await raw.initialize()).status).toBe(503);
      }
      await call;
      // Idle now, and the only one that is.
      expect((await raw.initialize()).status).toBe(200);
      expect((await raw.ping(caller)).status).toBe(404);
      for (const listener of listeners)
        expect(hub.sessions.hasSession(String(listener.sessionId))).toBe(true);
      expect(hub.sessions.counters()).toMatchObject({ refused: 20, ended: { evicted: 1 } });
    }));

  it('a session that was in use when it was looked at can be evicted once it is idle', () =>
    inVirtualTime(EVICT, async ({ raw, clock }) => {
      const [first, second, third] = [await raw.open(), await raw.open(), await raw.open()];
      const stream = await raw.stream(first);
      const fourth = await raw.open();
      expect((await raw.ping(second)).status).toBe(404);
      stream.close();
      await clock.sleep(10);
      for (const id of [third, fourth]) await raw.ping(id);
      await raw.open();
      expect((await raw.ping(first)).status).toBe(404);
      expect((await raw.ping(third)).status).toBe(200);
    }));

  it('a session whose request is still coming in is not the next to go', () =>
    inVirtualTime(EVICT, async ({ raw, target, clock }) => {
      const [first, second] = [await raw.open(), await raw.open(), await raw.open()];
      await clock.sleep(1_000);
      const { stream } = await target.dial();
      const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
      const head = ['POST /mcp HTTP/1.1', 'host: localhost', 'content-type: application/json'];
      head.push(`mcp-session-id: ${first}`, `content-length: ${body.length}`);
      stream.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 10)}`);
      await clock.sleep(100);
      await raw.open();
      let answer = '';
      stream.on('data', (chunk: Buffer) => {
        answer += chunk;
      });
      stream.write(body.slice(10));
      await clock.sleep(100);
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect((await raw.ping(second)).status).toBe(404);
      stream.destroy();
    }));

  it('200 initialize in one tick: never more than the cap, and the books balance (F46)', () =>
    inVirtualTime({ ...EVICT, maxSessions: 10 }, async ({ raw, hub }) => {
      const over: number[] = [];
      const register = hub.sessions.registerSession.bind(hub.sessions);
      hub.sessions.registerSession = (...args) => {
        const session = register(...args);
        if (hub.sessions.size > 10) over.push(hub.sessions.size);
        return session;
      };
      const answers = await Promise.all(Array.from({ length: 200 }, () => raw.initialize()));
      const statuses = answers.map(({ status }) => status);
      expect(over).toEqual([]);
      expect(new Set(statuses).difference(new Set([200, 503])).size).toBe(0);
      const { opened, refused, ended } = hub.sessions.counters();
      expect(hub.sessions.size).toBe(10);
      expect([opened + refused, opened - ended.evicted]).toEqual([200, 10]);
      expect(opened).toBe(statuses.filter((status) => status === 200).length);
    }));

  it('a half-open handshake is idle, too: it pins no slot (F47)', () =>
    inVirtualTime(EVICT, async ({ raw, hub }) => {
      for (let turn = 0; turn < 10; turn += 1) expect((await raw.initialize()).status).toBe(200);
      expect(hub.sessions.size).toBe(3);
    }));
});

describe('The cap of one client', () => {
  const options: HubOptions = { maxSessionsPerClient: 2, authToken: TOKENS };

  it('refuses that client alone, with 429', () =>
    inVirtualTime(options, async ({ raw, hub }) => {
      const [alice, bob] = [callerWith(raw, TOKEN_A), callerWith(raw, TOKEN_B)];
      const [first] = [await alice.open(), await alice.open()];
      const refused = await alice.initialize();
      expect([refused.status, refused.headers['retry-after']]).toEqual([429, '5']);
      expect(refused.text).toContain('as many sessions as one may');
      expect((await bob.initialize()).status).toBe(200);
      await alice.send({ method: 'DELETE', session: first });
      expect((await alice.initialize()).status).toBe(200);
      expect(hub.sessions.counters()).toMatchObject({ opened: 4, refused: 1 });
    }));

  it('is no way round by another client name: without authentication the address counts', () =>
    inVirtualTime({ maxSessionsPerClient: 2 }, async ({ raw }) => {
      const answers = [];
      for (const name of ['one', 'two', 'three']) answers.push(await raw.initialize({ name }));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    }));

  it('evicts its own sessions, never those of others', () =>
    inVirtualTime({ ...options, capRule: 'evict-idle' }, async ({ raw, clock, hub }) => {
      const [alice, bob] = [callerWith(raw, TOKEN_A), callerWith(raw, TOKEN_B)];
      const ofBob = await bob.open();
      await clock.sleep(1_000);
      const ofAlice = [await alice.open(), await alice.open(), await alice.open()];
      expect(hub.sessions.hasSession(ofBob)).toBe(true);
      expect(ofAlice.map((id) => hub.sessions.hasSession(id))).toEqual([false, true, true]);
    }));

  it('gives back every slot: of ended sessions, and of those that never came to be', () =>
    inVirtualTime({ maxSessionsPerClient: 1 }, async ({ raw, clock }) => {
      for (let turn = 0; turn < 5; turn += 1) {
        const leaving = new AbortController();
        const gone = raw.send({ body: '{"jsonrpc":', signal: leaving.signal }).catch(() => undefined);
        leaving.abort();
        await gone;
        expect((await raw.initialize({ protocolVersion: 7 })).text).toContain('"error"');
        await clock.sleep(10);
        const session = await raw.open();
        expect((await raw.initialize()).status).toBe(429);
        await raw.delete(session);
      }
    }));
});

describe('SessionCaps', () => {
  it('counts as it gives and takes, whatever comes first', () => {
    const caps = new SessionCaps({ maxSessions: 2, maxSessionsPerClient: 1, capRule: 'refuse' });
    const never = () => {
      throw new Error('evicted');
    };
    caps.take('a', never);
    expect(() => caps.take('a', never)).toThrow('as many sessions as one may');
    caps.take('b', never);
    expect(() => caps.take('c', never)).toThrow('No session is free');
    caps.giveBack('stranger');
    expect(() => caps.take('c', never)).toThrow('No session is free');
    caps.giveBack('a');
    caps.take('c', never);
  });
});

describe('The ledger', () => {
  const scenario = (hub: string) =>
    parseScenario(
      `version: 1
name: own
description: More clients than there is room for.
hub: { virtual: ${hub} }
workloads:
  crowd:
    executor: constant-arrival-rate
    rate: 5
    duration: 30s
    maxVUs: 200
    flow:
      - initialize
      - call: { tool: echo, arguments: { message: hello } }
      - abandon: silent
  listeners:
    executor: per-vu-iterations
    vus: 10
    iterations: 1
    flow: [initialize, listen, { think: 2m }, expect-alive, delete]
settle: D + T + 2C
observe: 1s
# Not reap_lag: whoever may have been evicted tells nothing of it.
invariants: [sessions_not_lost, sessions_not_leaked, books_balance, returns_to_zero, answers_correct, calls_answered, expectations_met]
`,
      'own.yaml',
    );

  const crowds: readonly [hub: string, evicts: boolean][] = [
    ['{ maxSessions: 40, capRule: evict-idle }', true],
    ['{ maxSessionsPerClient: 40, capRule: evict-idle }', true],
    ['{ maxSessions: 40, capRule: refuse }', false],
    ['{ initializeRate: 40 }', false],
  ];
  it.each(crowds)('passes a hub with %s', { timeout: 60_000 }, async (hub, evicts) => {
    const result = await run({ loaded: scenario(hub), mode: 'virtual', seed: 7 });
    const red = result.checks.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'not-observable');
    expect(red.map(({ name, verdict, reason }) => [name, verdict, reason])).toEqual([]);
    const { attempted, opened, refused } = result.sessions;
    expect(attempted).toBe(opened + refused);
    expect(evicts ? refused : opened).toBe(evicts ? 0 : 40);
  });
});
