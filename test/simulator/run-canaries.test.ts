import type { Server } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Policy, PolicySchema } from '../../simulator/judge/policy.ts';
import type { RunResult } from '../../simulator/result.ts';
import { run } from '../../simulator/run.ts';
import { parseScenario } from '../../simulator/scenario/load.ts';
import { type ReapingOptions, reapingServer } from './reaping-server.ts';

const PROMISED = { sessionTimeoutMs: 60_000, cleanupIntervalMs: 15_000 };

const leaving = (rest = '', settle = '3m') =>
  parseScenario(
    `version: 1
name: own
description: Of a test.
workloads:
  w:
    executor: constant-arrival-rate
    rate: 5
    duration: 4s
    maxVUs: 20
    flow: [initialize, ping, { abandon: silent }]
settle: ${settle}
${rest}`,
    'own.yaml',
  );

async function ran(options: ReapingOptions, policy: Partial<Policy> = {}, rest = '') {
  const { launch, pings } = reapingServer(options);
  const result = await run({
    loaded: leaving(rest),
    mode: 'virtual',
    seed: 1,
    target: { name: 'reaping', launch },
    policy: PolicySchema.parse({ ...PROMISED, ...policy }),
  });
  return { result, pings };
}

const checkOf = ({ checks }: RunResult, name: string) => checks.find((check) => check.name === name);
const bad = ({ checks }: RunResult) =>
  checks.flatMap(({ name, verdict }) => (['pass', 'not-observable'].includes(verdict) ? [] : [name]));

describe('a run on a target that does not list its sessions', { timeout: 30_000 }, () => {
  it.each<[string, ReapingOptions]>([
    ['sweeps', { timeoutMs: 60_000, sweepMs: 15_000 }],
    ['looks when it is asked', { timeoutMs: 60_000 }],
    ['sweeps, and counts them', { timeoutMs: 60_000, sweepMs: 15_000, isCounting: true }],
    [
      'lets nobody delete a session',
      { timeoutMs: 60_000, sweepMs: 15_000, isCounting: true, isDeleteRefused: true },
    ],
  ])('passes one that %s', async (_, options) => {
    const { result } = await ran(options);
    expect(bad(result)).toEqual([]);
    const check = checkOf(result, 'reap_lag');
    expect(check?.verdict).toBe('pass');
    expect(check?.observed).toMatch(
      /^0 early of 20 canaries \(rate <= 15 % at 95 %\), 0 late of 20 canaries/,
    );
    expect(result.canaries).toEqual({ opened: 60, asked: 60 });
    // The metrics are about the load alone.
    expect(result.metrics.counters.sessions_opened).toBe(20);
    expect(result.sessions.attempted).toBe(80);
  });

  it.each<[string, ReapingOptions, string]>([
    [
      'ends sessions before their time',
      { timeoutMs: 50_000, sweepMs: 15_000 },
      'early: a canary was answered 404 after',
    ],
    ['ends them a little before their time', { timeoutMs: 58_000 }, 'early: a canary was answered 404 after'],
    [
      'sweeps less often than it says',
      { timeoutMs: 60_000, sweepMs: 45_000 },
      'late: a canary was alive after',
    ],
    ['never ends any', { timeoutMs: 3_600_000 }, 'late: a canary was alive after'],
  ])('fails one that %s', async (_, options, reason) => {
    const { result } = await ran(options);
    const check = checkOf(result, 'reap_lag');
    expect([check?.verdict, check?.reason]).toEqual(['fail', expect.stringContaining(reason)]);
  });

  it('asks no canary twice', async () => {
    const { pings } = await ran({ timeoutMs: 60_000, sweepMs: 15_000 });
    // One ping for each of the load's own sessions, and the question at the end.
    expect([...pings.values()].filter((count) => count === 1)).toHaveLength(60);
    expect([...pings.values()].filter((count) => count === 2)).toHaveLength(20);
  });

  it.each<[string, Partial<Policy>, string]>([
    ['no timeout is promised', { sessionTimeoutMs: null, handshakeTimeoutMs: 30_000 }, ''],
    ['idle sessions may be evicted', { maxSessions: 10_000, capRule: 'evict-idle' }, ''],
    ['the cap leaves no room', { maxSessions: 40 }, ''],
    ['something is done to it', {}, 'events: [{ at: 1s, clock-jump: +1h }]'],
    ['nobody wants to know', {}, 'invariants: [sessions_not_leaked]'],
  ])('sends none where %s', async (_, policy, rest) => {
    const { result } = await ran({ timeoutMs: 60_000, sweepMs: 15_000 }, policy, rest);
    expect(result.canaries).toBeUndefined();
    expect(result.sessions.attempted).toBe(20);
  });

  it('sends fewer where the target has a cap', async () => {
    const { result } = await ran({ timeoutMs: 60_000, sweepMs: 15_000 }, { maxSessions: 200 });
    expect([result.canaries, checkOf(result, 'reap_lag')?.verdict]).toEqual([
      { opened: 10, asked: 10 },
      'pass',
    ]);
  });

  it('tells in real time, too', async () => {
    const { launch } = reapingServer({ timeoutMs: 1_000, sweepMs: 200 });
    const { server } = await launch();
    await listening(server);
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const result = await run({
      loaded: leaving('', '1s'),
      mode: 'real',
      seed: 1,
      target: new URL(`http://127.0.0.1:${port}/mcp`),
      policy: PolicySchema.parse({ sessionTimeoutMs: 1_000, cleanupIntervalMs: 200 }),
    });
    const check = checkOf(result, 'reap_lag');
    expect([check?.verdict, check?.reason]).toEqual(['pass', '']);
  });
});

function listening(server: Server): Promise<void> {
  onTestFinished(() => void server.close());
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}
