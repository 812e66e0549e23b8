import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { run } from '../../../simulator/run.ts';
import { CLIENT_PROFILES } from '../../../simulator/scenario/client-profile.ts';
import { parseScenario } from '../../../simulator/scenario/load.ts';
import { EXECUTORS } from '../../../simulator/scenario/schema.ts';
import { BARE_STEPS, STEPS_WITH_SETTINGS } from '../../../simulator/scenario/step.ts';
import { allSteps } from '../../../simulator/scenario/walk-steps.ts';

/** Every executor, every step and every profile, on the reference hub. */
const EVERYTHING = `
version: 1
name: everything
description: Every executor, step and client profile there is.
workloads:
  ramp:
    executor: ramping-arrival-rate
    startRate: 1
    stages: [{ duration: 10s, target: 10 }, { duration: 5s, target: 0 }]
    arrivals: poisson
    maxVUs: 200
    flow:
      - raw: { method: POST, body: '{', expect: { status: [400, 406, 415] } }
      - initialize
      - listen
      - ping
      - list: tools
      - notify: notifications/roots/list_changed
      - concurrent: { times: 10, call: { tool: echo, arguments: { message: hi } } }
      - reset
      - listen
      - parallel:
          flows:
            - - call: { tool: emit, arguments: { count: 5, intervalMs: 100, on: stream } }
              - call: { tool: emit, arguments: { count: 5 }, progress: true }
            - - think: { between: [100ms, 300ms] }
              - resume
      - expect-events: { within: 1s }
      - reconnect: { after: 1s }
      - resume
      - raw: { method: POST, headers: { Host: evil.example, Mcp-Session-Id: $session }, expect: { status: 403 } }
      - raw: { method: GET, headers: { Mcp-Session-Id: $session, Accept: text/event-stream }, expect: { status: 200 } }
      - raw:
          method: POST
          headers: { Content-Type: application/json, Accept: '*/*' }
          body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}'
          expect: { status: 200 }
      - fault: { delay: 100ms }
      - ping
      - fault: { cutAfterBytes: 10 }
      - call: { tool: echo, arguments: { message: cut }, longest: 1s }
      - fault: { slowRead: 1KiB/s }
      - call: { tool: echo, arguments: { message: slow } }
      - fault: { halfBody: true }
      - call: { tool: echo, arguments: { message: half }, timeout: 5s, longest: 5s }
      - reinitialize
      - expect-alive
      - delete
      - raw: { method: GET, headers: { Mcp-Session-Id: $session, Accept: text/event-stream }, expect: { status: 404 } }
      - expect-gone
  burst:
    executor: constant-arrival-rate
    startTime: 2s
    rate: 5
    duration: 10s
    maxVUs: 200
    client: { profile: plain }
    flow: [initialize, { think: { between: [100ms, 3s] } }, { abandon: destroyed }]
  users:
    executor: ramping-vus
    startTime: 5s
    stages: [{ duration: 10s, target: 5 }, { duration: 10s, target: 0 }]
    gracefulRampDown: 500ms
    client: { profile: claude-like }
    flow:
      - initialize
      - think: { between: [100ms, 3s] }
      - concurrent: { calls: [{ tool: echo, arguments: { message: a } }, { tool: sleep, arguments: { ms: 2000 } }] }
      - delete
  steady:
    executor: constant-vus
    vus: 3
    duration: 20s
    client: { profile: sdk-like }
    flow: [initialize, listen, { think: 1s }, reset, { think: 2s }, { call: { tool: echo, arguments: { message: a } } }]
${['compliant', 'stuck', 'herd']
  .map(
    (profile) => `  ${profile}:
    executor: per-vu-iterations
    vus: 5
    iterations: 1
    client: { profile: ${profile} }
    flow:
      - initialize
      - think: { between: [T + 2C, T + 3C] }
      - repeat: { times: 3, steps: [{ call: { tool: echo, arguments: { message: a } } }, { think: 1s }] }
`,
  )
  .join('')}
settle: D + T + 2C
thresholds: { mcp_request_errors: [rate == 0] }
`;

const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-everything-'));
afterAll(() => rmSync(dir, { recursive: true }));

async function runIt(seed: number) {
  const loaded = parseScenario(EVERYTHING, 'everything.yaml');
  const outDir = mkdtempSync(join(dir, 'run-'));
  const result = await run({ loaded, mode: 'virtual', seed, outDir });
  const hash = createHash('sha256')
    .update(readFileSync(join(outDir, 'events.jsonl')))
    .digest('hex');
  return { loaded, result, hash };
}

it('passes on the reference hub, and the same seed gives the same log, twice in one process', async () => {
  const first = await runIt(7);
  expect(first.result.checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
  expect(first.result.sessions.attempted).toBeGreaterThan(300);
  const [second, other] = [await runIt(7), await runIt(8)];
  expect(second.hash).toBe(first.hash);
  expect(other.hash).not.toBe(first.hash);
});

it('leaves nothing out', () => {
  const { scenario } = parseScenario(EVERYTHING, 'everything.yaml');
  const workloads = Object.values(scenario.workloads);
  const names = new Set([...allSteps(scenario)].map(({ name }) => name));
  expect([...names].toSorted()).toEqual([...new Set([...BARE_STEPS, ...STEPS_WITH_SETTINGS])].toSorted());
  expect(new Set(workloads.map(({ executor }) => executor))).toEqual(new Set(EXECUTORS));
  expect(new Set(workloads.map(({ client }) => client?.profile ?? 'plain'))).toEqual(
    new Set(CLIENT_PROFILES),
  );
});
