import { describe, expect, it } from 'vitest';
import { percentileMs } from '../../simulator/judge/metrics.ts';
import { renderSummary } from '../../simulator/reporters/console.ts';
import type { RunResult } from '../../simulator/result.ts';
import { run } from '../../simulator/run.ts';
import { parseScenario } from '../../simulator/scenario/load.ts';
import type { Launch } from '../../simulator/targets/in-process.ts';
import { type Answer, smallServer } from './fleet/small-server.ts';

/** 200 arrivals a second for 10 s, at a server that stands still for 1 s: what METHODS of load testing get wrong. */
const RATE = 200;
const DURATION_MS = 10_000;
const STALL = { from: 4_000, to: 5_000 };
const STALL_MS = STALL.to - STALL.from;

/** A server that answers at once, but nothing between two moments: what came meanwhile is answered then. */
const stalling: Launch = () => {
  const beganAt = performance.now();
  const answer = (id: unknown): Answer => {
    const now = performance.now() - beganAt;
    const waitMs = now >= STALL.from && now < STALL.to ? STALL.to - now : 0;
    const serverInfo = { name: 'stalling', version: '1' };
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
    return (response) => {
      response.setHeader('content-type', 'application/json');
      setTimeout(() => response.end(JSON.stringify({ jsonrpc: '2.0', id, result })), waitMs);
    };
  };
  return smallServer({ initialize: (_params, _request, id) => answer(id) })();
};

function loaded(executor: string, flow: string, rest = '') {
  return parseScenario(
    `version: 1
name: own
description: Of a test.
workloads:
  w: { ${executor}, flow: [${flow}] }
settle: 1s
invariants: [target_survives]
${rest}`,
    'own.yaml',
  );
}

const ran = (scenario: ReturnType<typeof loaded>, launch: Launch = stalling) =>
  run({ loaded: scenario, mode: 'virtual', seed: 1, target: { name: 'stalling', launch } });

const OPEN = `executor: constant-arrival-rate, rate: ${RATE}, duration: ${DURATION_MS}ms`;
const HALF = '{ initialize: { handshake: half } }';

function initializes(result: RunResult) {
  const { trends } = result.metrics;
  const response = trends.mcp_request_duration_ms?.methods.initialize;
  const service = trends.mcp_request_service_ms?.methods.initialize;
  if (!response || !service) throw new Error('expected times of initialize');
  return { response, service };
}

describe('a server that stands still for 1 s under 200 arrivals a second for 10 s', {
  timeout: 60_000,
}, () => {
  it('shows it in the response times exactly as its users felt it', async () => {
    const result = await ran(loaded(`${OPEN}, maxVUs: 500`, HALF));
    const { response, service } = initializes(result);
    expect([response.count, result.generator.dropped, result.generator.model]).toEqual([2_000, 0, 'open']);
    // A tenth of the users came while it stood still and waited for its end: their times are even on [0, s].
    for (const q of [0.92, 0.95, 0.98, 0.99]) {
      const felt = STALL_MS * (1 - ((1 - q) * DURATION_MS) / STALL_MS);
      const measured = percentileMs(response, q * 100);
      expect(Math.abs(measured - felt) / felt).toBeLessThan(0.15);
    }
    expect(Math.max(response.p50Ms, service.p50Ms)).toBeLessThan(1);
  });

  it('all but hides it in a closed model, which is labelled', async () => {
    const closed = `executor: constant-vus, vus: 10, duration: ${DURATION_MS}ms`;
    const result = await ran(loaded(closed, `${HALF}, { think: 50ms }`));
    const { response } = initializes(result);
    // Ten of them waited, and all others were never sent: that is coordinated omission.
    expect(response.p99Ms).toBeLessThan(10);
    expect(response.maxMs).toBeGreaterThan(900);
    expect(result.generator.started).toBeLessThan(0.95 * ((RATE * DURATION_MS) / 1000));
    expect(result.generator.model).toBe('closed');
    expect(renderSummary(result, { useColour: false })).toContain(
      'closed model: a slow target is asked less',
    );
  });

  it('counts what found no virtual user, to the last arrival, and names the target as the cause', async () => {
    const claims = 'thresholds: { dropped_iterations: [count == 0], iterations: [count >= 2000] }';
    const result = await ran(loaded(`${OPEN}, maxVUs: 50`, HALF, claims));
    const { planned, started, dropped, dropCause } = result.generator;
    expect([planned, started + dropped]).toEqual([2_000, 2_000]);
    expect(dropped).toBeGreaterThanOrEqual((RATE * STALL_MS) / 1000 - 50);
    expect(dropCause?.cause).toBe('target');
    const failed = result.checks.filter(({ verdict }) => verdict === 'fail').map(({ reason }) => reason);
    expect(failed).toHaveLength(2);
    for (const reason of failed)
      expect(reason).toContain('caused by the target: virtual users were all waiting');
  });
});

describe('arrivals that no virtual user is free for', () => {
  it('are the fault of the scenario where thinking alone keeps all of them', async () => {
    const claims = 'thresholds: { dropped_iterations: [count == 0] }';
    const result = await ran(
      loaded(`${OPEN}, maxVUs: 50`, `${HALF}, { think: 1s }`, claims),
      smallServer({}),
    );
    const [check] = result.checks.filter(({ verdict }) => verdict === 'fail');
    expect(check?.reason).toContain('caused by the scenario: w needs 200 virtual users');
  });
});

describe('a server that never answers', () => {
  it('is all time-outs, at the time-out: not no-data', async () => {
    const flow = 'initialize, { call: { tool: work, timeout: 2s } }';
    const claims =
      'thresholds: { mcp_request_errors: [rate == 0], "mcp_request_duration_ms{method:tools/call}": [p(50) < 1s] }';
    const result = await ran(
      loaded('executor: per-vu-iterations, vus: 20, iterations: 1', flow, claims),
      smallServer({ 'tools/call': () => 'never' }),
    );
    const calls = result.metrics.trends.mcp_request_duration_ms?.methods['tools/call'];
    expect([calls?.count, calls?.p50Ms, calls?.minMs]).toEqual([20, 2_000, 2_000]);
    expect(result.metrics.errors).toEqual({ timeout: 20 });
    const verdicts = result.checks.map(({ kind, verdict }) => `${kind} ${verdict}`);
    expect(verdicts).toEqual(['invariant pass', 'threshold fail', 'threshold fail']);
  });
});
