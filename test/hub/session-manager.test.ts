import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HubOptions, loadConfig } from '../../hub/config.ts';
import { fingerprint } from '../../hub/fingerprint.ts';
import { HubLogger } from '../../hub/logger.ts';
import type { McpServerLike } from '../../hub/session.ts';
import { SessionManager } from '../../hub/session-manager.ts';
import { SessionTransport } from '../../hub/transport.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import { LIMITS, settle, testResponse } from './exchange.ts';

const OPTIONS: HubOptions = {
  sessionTimeout: '1000ms',
  cleanupInterval: '100ms',
  handshakeTimeout: '300ms',
  clientTimeouts: 'patient=5s,hasty=200ms',
  maxSessions: 10,
  logLevel: 'info',
};

let time: VirtualTime;
let log: string[];

beforeEach(() => {
  time = new VirtualTime();
  log = [];
});

afterEach(() => time.uninstall());

function newManager(options: HubOptions = {}): SessionManager {
  const logger = new HubLogger('info', { write: (line) => void log.push(line) });
  return new SessionManager(loadConfig({ ...OPTIONS, ...options }), logger);
}

interface Registered {
  readonly transport: SessionTransport;
  readonly closed: string[];
}

/** Registers a session whose handshake is done, unless told otherwise. */
function register(
  manager: SessionManager,
  id: string,
  { name = 'test', isHandshakeDone = true, server }: Partial<RegisterOptions> = {},
): Registered {
  const closed: string[] = [];
  const transport = new SessionTransport({
    events: LIMITS,
    maxBufferedBytes: 10_000,
    sessionId: id,
    retryMs: 1_000,
    hooks: {
      callStarted: () => undefined,
      callEnded: () => manager.updateActivity(id),
      answerLeft: () => undefined,
      streamOpened: () => undefined,
      streamEnded: () => manager.updateActivity(id),
    },
  });
  transport.onclose = () =>
    void closed.push(`transport, session ${manager.hasSession(id) ? 'there' : 'gone'}`);
  const fallback: McpServerLike = {
    connect: async () => undefined,
    close: async () => void closed.push(`server, session ${manager.hasSession(id) ? 'there' : 'gone'}`),
  };
  manager.registerSession(id, {
    transport,
    server: server?.(transport) ?? fallback,
    clientInfo: { name, version: '1' },
    protocolVersion: '2025-11-25',
  });
  if (isHandshakeDone) manager.completeHandshake(id);
  return { transport, closed };
}

interface RegisterOptions {
  readonly name: string;
  readonly isHandshakeDone: boolean;
  readonly server: (transport: SessionTransport) => McpServerLike;
}

/** Lets so many milliseconds pass, with the sweeps that fall into them. */
function pass(ms: number): Promise<void> {
  return time.drive(() => time.clock.sleep(ms));
}

const PING = { jsonrpc: '2.0', id: 'x', method: 'ping' } as const;

/** Puts a call in flight; `answer` ends it. */
async function startCall(transport: SessionTransport, number: number) {
  const { response } = await testResponse();
  transport.receive({ messages: [PING], isBatch: false }, response);
  return { answer: () => transport.send({ jsonrpc: '2.0', id: number, result: {} }) };
}

describe('A session', () => {
  it('is found from its registration to its removal, by its id only', () => {
    const manager = newManager();
    const { transport } = register(manager, 'a');
    expect(manager.size).toBe(1);
    expect(manager.hasSession('a')).toBe(true);
    expect(manager.getTransport('a')).toBe(transport);
    expect(manager.peek('a')).toMatchObject({ id: 'a', fingerprint: fingerprint('a'), number: 1 });
    for (const stranger of ['b', '', 'A', fingerprint('a'), 'constructor']) {
      expect(manager.hasSession(stranger), stranger).toBe(false);
      expect(manager.getTransport(stranger), stranger).toBeUndefined();
      expect(manager.peek(stranger), stranger).toBeUndefined();
    }
    expect(manager.removeSession('a', 'client')).toBe(true);
    expect(manager.size).toBe(0);
    expect(manager.hasSession('a')).toBe(false);
  });

  it('is off the map before anything of it closes', () => {
    const manager = newManager();
    const { closed } = register(manager, 'a');
    manager.removeSession('a', 'client');
    expect(closed).toEqual(['transport, session gone', 'server, session gone']);
  });

  it('is removed once, however often that is asked', () => {
    const manager = newManager();
    const { closed } = register(manager, 'a');
    expect(manager.removeSession('a', 'client')).toBe(true);
    expect(manager.removeSession('a', 'idle')).toBe(false);
    expect(manager.removeSession('never there', 'idle')).toBe(false);
    expect(closed).toHaveLength(2);
    expect(manager.counters().ended).toEqual({
      client: 1,
      idle: 0,
      handshake: 0,
      evicted: 0,
      shutdown: 0,
      error: 0,
    });
  });

  it('does not recurse when its closing closes it again (F39)', () => {
    const manager = newManager();
    let closes = 0;
    const { transport } = register(manager, 'a', {
      server: (own) => ({
        connect: async () => undefined,
        close: () => {
          closes += 1;
          manager.removeSession('a', 'error');
          return own.close();
        },
      }),
    });
    transport.onclose = () => {
      closes += 1;
      manager.removeSession('a', 'error');
      void transport.close();
    };
    manager.removeSession('a', 'client');
    expect(closes).toBe(2);
    expect(manager.counters().ended).toMatchObject({ client: 1, error: 0 });
  });

  const failures: readonly [how: string, close: () => Promise<void>][] = [
    ['rejects', () => Promise.reject(new Error('close failed'))],
    [
      'throws',
      () => {
        throw new Error('close failed');
      },
    ],
  ];
  it.each(failures)('that fails to close (%s) takes no other along', async (_how, close) => {
    const manager = newManager();
    register(manager, 'a', { server: () => ({ connect: async () => undefined, close }) });
    const { closed } = register(manager, 'b');
    manager.shutdown();
    await settle();
    expect(manager.size).toBe(0);
    expect(closed).toHaveLength(2);
    expect(log.join('')).toContain('close failed');
  });

  it('shows its fingerprint in the log, never its id (F33)', () => {
    const manager = newManager();
    register(manager, 'secret-id');
    manager.removeSession('secret-id', 'client');
    expect(log).toHaveLength(2);
    for (const line of log) expect(JSON.parse(line).session).toBe(fingerprint('secret-id'));
    expect(log.join('')).not.toContain('secret-id');
  });
});

describe('A session that nobody uses', () => {
  it('ends at the first sweep after its timeout, not before', async () => {
    const manager = newManager();
    register(manager, 'a');
    await pass(1_000);
    expect(manager.size).toBe(1);
    await pass(100);
    expect(manager.size).toBe(0);
    expect(manager.counters().ended.idle).toBe(1);
    manager.shutdown();
  });

  const uses: readonly [what: string, isUse: boolean, use: (manager: SessionManager) => unknown][] = [
    ['updateActivity', true, (manager) => manager.updateActivity('a')],
    ['getTransport', true, (manager) => manager.getTransport('a')],
    ['peek', false, (manager) => manager.peek('a')],
    ['hasSession', false, (manager) => manager.hasSession('a')],
    ['list', false, (manager) => [...manager.list()]],
    ['stats', false, (manager) => manager.stats()],
  ];
  it.each(uses)('touched by %s: that it lives on is %s', async (_what, isUse, use) => {
    const manager = newManager();
    register(manager, 'a');
    await pass(900);
    use(manager);
    await pass(300);
    expect(manager.hasSession('a')).toBe(isUse);
    manager.shutdown();
  });

  it('is idle from the end of its last request on, and never during one (F12)', async () => {
    const manager = newManager();
    const { transport } = register(manager, 'a');
    const call = await startCall(transport, 1);
    await pass(5_000);
    expect(manager.hasSession('a')).toBe(true);
    await call.answer();
    await pass(1_000);
    expect(manager.hasSession('a')).toBe(true);
    await pass(200);
    expect(manager.hasSession('a')).toBe(false);
    manager.shutdown();
  });

  it('is protected by the longer of two calls that overlap (F12)', async () => {
    const manager = newManager();
    const { transport } = register(manager, 'a');
    const long = await startCall(transport, 1);
    const short = await startCall(transport, 2);
    expect(manager.peek('a')?.callsInFlight).toBe(2);
    await short.answer();
    await pass(3_000);
    expect(manager.peek('a')?.callsInFlight).toBe(1);
    await long.answer();
    expect(manager.peek('a')?.callsInFlight).toBe(0);
    manager.shutdown();
  });

  it('is protected by an open stream, and idle from its end on (F13)', async () => {
    const manager = newManager();
    const { transport } = register(manager, 'a');
    const { response, leave } = await testResponse();
    transport.openStream(response);
    expect(manager.peek('a')?.openStreams).toBe(1);
    await pass(5_000);
    expect(manager.hasSession('a')).toBe(true);
    leave();
    await settle();
    await pass(1_000);
    expect(manager.hasSession('a')).toBe(true);
    await pass(200);
    expect(manager.hasSession('a')).toBe(false);
    manager.shutdown();
  });

  const clients: readonly [name: string, timeoutMs: number, why: string][] = [
    ['test', 1_000, 'the common timeout'],
    ['patient', 5_000, 'its own, longer'],
    ['hasty', 200, 'its own, shorter'],
    ['Patient', 1_000, 'names are taken as they are written'],
    ['constructor', 1_000, 'a name every object has is nobody special'],
    ['__proto__', 1_000, 'nor is this one'],
    ['toString', 1_000, 'nor this'],
  ];
  it.each(clients)('as client %s ends after %i ms: %s', async (name, timeoutMs) => {
    const manager = newManager();
    register(manager, 'a', { name });
    await pass(timeoutMs);
    expect(manager.hasSession('a')).toBe(true);
    await pass(200);
    expect(manager.hasSession('a')).toBe(false);
    manager.shutdown();
  });
});

describe('A handshake', () => {
  it('that is never completed ends its session at the deadline (F04)', async () => {
    const manager = newManager();
    register(manager, 'half', { isHandshakeDone: false });
    register(manager, 'full');
    await pass(300);
    expect(manager.hasSession('half')).toBe(true);
    await pass(100);
    expect(manager.hasSession('half')).toBe(false);
    expect(manager.hasSession('full')).toBe(true);
    expect(manager.counters().ended).toMatchObject({ handshake: 1, idle: 0 });
    manager.shutdown();
  });

  it('is not replaced by activity or an open stream', async () => {
    const manager = newManager();
    const { transport } = register(manager, 'a', { isHandshakeDone: false });
    transport.openStream((await testResponse()).response);
    await pass(250);
    manager.updateActivity('a');
    await pass(150);
    expect(manager.hasSession('a')).toBe(false);
    manager.shutdown();
  });
});

describe('A sweep', () => {
  it('that comes late after a freeze is skipped once, and the next one is not (F19)', async () => {
    const manager = newManager();
    register(manager, 'a');
    await pass(50);
    const thaw = jump(performance, 3_000);
    await pass(60);
    expect(manager.hasSession('a')).toBe(true);
    expect(log.at(-1)).toContain('sweep-skipped');
    await pass(100);
    expect(manager.hasSession('a')).toBe(false);
    thaw();
    manager.shutdown();
  });

  const lateness: readonly [lateMs: number, isSwept: boolean][] = [
    [200, true],
    [260, false],
  ];
  it.each(lateness)(
    '%i ms late, at an interval of 100 ms: that it is done is %s',
    async (lateMs, isSwept) => {
      const manager = newManager({ sessionTimeout: '150ms' });
      register(manager, 'a');
      const thaw = jump(performance, lateMs);
      expect(manager.sweepLagMs()).toBe(lateMs - 100);
      await pass(100);
      expect(manager.hasSession('a')).toBe(!isSwept);
      thaw();
      manager.shutdown();
    },
  );

  it.each([-3_600_000, 3_600_000])('does not care for a wall clock set by %i ms (F19)', async (stepMs) => {
    const manager = newManager();
    register(manager, 'a');
    const setBack = jump(Date, stepMs);
    await pass(1_000);
    expect(manager.hasSession('a')).toBe(true);
    await pass(100);
    expect(manager.hasSession('a')).toBe(false);
    setBack();
    manager.shutdown();
  });

  it('tells how many sessions it ended', async () => {
    const manager = newManager({ cleanupInterval: '1h' });
    for (const id of ['a', 'b', 'c']) register(manager, id);
    await pass(600);
    manager.updateActivity('c');
    await pass(600);
    expect(manager.cleanupStaleSessions()).toBe(2);
    expect(manager.cleanupStaleSessions()).toBe(0);
    expect([...manager.list()].map((session) => session.id)).toEqual(['c']);
    manager.shutdown();
  });
});

describe('The cap', () => {
  it('lets exactly 10 of 200 through that come in one turn (F46)', () => {
    const manager = newManager();
    let refused = 0;
    const releases: (() => void)[] = [];
    for (let attempt = 0; attempt < 200; attempt += 1) {
      try {
        releases.push(manager.reserveSlot(() => undefined));
      } catch (error) {
        expect(error).toMatchObject({ code: 'TOO_MANY_SESSIONS', status: 503 });
        refused += 1;
      }
    }
    expect([releases.length, refused]).toEqual([10, 190]);
    expect(manager.counters()).toMatchObject({ opened: 0, refused: 190 });
    manager.shutdown();
  });

  it('counts sessions and slots together; what is given back, even twice, is free once', () => {
    const manager = newManager({ maxSessions: 2 });
    register(manager, 'a');
    const release = manager.reserveSlot(() => undefined);
    expect(() => manager.reserveSlot(() => undefined)).toThrow('No session is free');
    release();
    release();
    manager.reserveSlot(() => undefined);
    expect(() => manager.reserveSlot(() => undefined)).toThrow('No session is free');
    manager.removeSession('a', 'client');
    manager.reserveSlot(() => undefined);
    expect(() => manager.reserveSlot(() => undefined)).toThrow('No session is free');
    manager.shutdown();
  });

  it('calls slots back that are held past the handshake deadline (F47)', async () => {
    const manager = newManager();
    let expired = 0;
    const release = manager.reserveSlot(() => {
      expired += 1;
      release();
    });
    await pass(300);
    expect(expired).toBe(0);
    await pass(100);
    expect(expired).toBe(1);
    await pass(300);
    expect(expired).toBe(1);
    manager.shutdown();
  });
});

describe('Listing and counting', () => {
  it('lists sessions in order of registration, after any of them', () => {
    const manager = newManager();
    for (const id of ['a', 'b', 'c', 'd']) register(manager, id);
    manager.removeSession('b', 'client');
    const idsAfter = (number: number) => [...manager.list(number)].map((session) => session.id);
    expect(idsAfter(0)).toEqual(['a', 'c', 'd']);
    expect(idsAfter(1)).toEqual(['c', 'd']);
    // The cursor may itself have gone.
    expect(idsAfter(2)).toEqual(['c', 'd']);
    expect(idsAfter(4)).toEqual([]);
    manager.shutdown();
  });

  it('tells ages of the sessions there are', async () => {
    const manager = newManager();
    expect(manager.stats()).toEqual({ total: 0, oldest: null, newest: null, avgAgeMs: 0 });
    register(manager, 'a');
    await pass(200);
    register(manager, 'b');
    await pass(100);
    expect(manager.stats()).toEqual({
      total: 2,
      oldest: '2026-01-01T00:00:00.000Z',
      newest: '2026-01-01T00:00:00.200Z',
      avgAgeMs: 200,
    });
    manager.shutdown();
  });

  it('balances: opened is what is there and what ended, by reason', async () => {
    const manager = newManager();
    for (const id of ['a', 'b', 'c', 'd', 'e']) register(manager, id);
    register(manager, 'f', { isHandshakeDone: false });
    manager.removeSession('a', 'client');
    manager.removeSession('b', 'error');
    await pass(600);
    manager.updateActivity('c');
    await pass(600);
    expect(manager.counters()).toEqual({
      opened: 6,
      refused: 0,
      ended: { client: 1, idle: 2, handshake: 1, evicted: 0, shutdown: 0, error: 1 },
    });
    manager.shutdown();
    expect(manager.counters().ended.shutdown).toBe(1);
    manager.countRefused();
    expect(manager.counters().refused).toBe(1);
  });
});

describe('Shutdown', () => {
  it('ends every session and gives up every slot, once', () => {
    const manager = newManager();
    const sessions = ['a', 'b', 'c'].map((id) => register(manager, id));
    let expired = 0;
    manager.reserveSlot(() => {
      expired += 1;
    });
    manager.shutdown();
    manager.shutdown();
    expect(manager.size).toBe(0);
    expect(sessions.every(({ closed }) => closed.length === 2)).toBe(true);
    expect(manager.counters().ended.shutdown).toBe(3);
    expect(expired).toBeGreaterThan(0);
  });

  it('asks clients of streams to come back between 1 s and 10 s from now, not all at once (F24)', async () => {
    const manager = newManager({ maxSessions: 50 });
    const streams = [];
    for (let number = 0; number < 20; number += 1) {
      const stream = await testResponse();
      register(manager, `session ${number}`).transport.openStream(stream.response);
      streams.push(stream);
    }
    manager.shutdown();
    await settle();
    const retries = streams.map((stream) => Number(/retry: (\d+)\n\n$/.exec(stream.body())?.[1]));
    expect(retries.every((retry) => retry >= 1_000 && retry <= 10_000)).toBe(true);
    expect(new Set(retries).size).toBeGreaterThan(10);
  });

  it('leaves no timer, and its timers hold no process while they run (F58)', () => {
    const manager = newManager();
    register(manager, 'a');
    expect(time.heldTimers()).toBe(0);
    manager.shutdown();
    expect(time.heldTimers()).toBe(0);
  });
});

/** Sets a clock forward or back by so much, as a freeze or an operator does. Returns the way back. */
function jump(clock: { now(): number }, byMs: number): () => void {
  const now = clock.now;
  clock.now = () => now.call(clock) + byMs;
  return () => {
    clock.now = now;
  };
}
