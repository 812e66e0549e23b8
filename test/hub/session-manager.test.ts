import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../hub/fingerprint.ts';
import { settle, testResponse } from './exchange.ts';
import { eachInVirtualTime, log, newManager, pass, register, time } from './managed-sessions.ts';

eachInVirtualTime();

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
      'stream-lost': 0,
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
      ended: { client: 1, idle: 2, 'stream-lost': 0, handshake: 1, evicted: 0, shutdown: 0, error: 1 },
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
