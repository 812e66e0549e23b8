import { describe, expect, it } from 'vitest';
import type { SessionManager } from '../../hub/session-manager.ts';
import { settle, testResponse } from './exchange.ts';
import { eachInVirtualTime, log, newManager, pass, register, startCall } from './managed-sessions.ts';

eachInVirtualTime();

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

/** Sets a clock forward or back by so much, as a freeze or an operator does. Returns the way back. */
function jump(clock: { now(): number }, byMs: number): () => void {
  const now = clock.now;
  clock.now = () => now.call(clock) + byMs;
  return () => {
    clock.now = now;
  };
}
