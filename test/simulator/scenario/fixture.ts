import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { ScenarioError } from '../../../simulator/scenario/errors.ts';
import { loadScenario } from '../../../simulator/scenario/load.ts';

/** A scenario that uses every part of the format. A string, since a formatter would move its lines and columns. */
export const ABANDON = `# abandon.yaml: sessions that nobody ends are reaped, those in use are not.
version: 1
name: abandon
description: Clients vanish without a word while others keep working.
covers: [F01, F04, F08]
hub:
  virtual: {}
  real: { sessionTimeout: 1500ms, cleanupInterval: 300ms, handshakeTimeout: 1s, heartbeat: 400ms, keepAlive: 200ms, drain: 2s, maxSessions: 5000, clientTimeouts: { patient: 3s } }
cycles: 3
workloads:
  vanish-silently:
    executor: constant-arrival-rate
    rate: 20
    duration: 20s
    maxVUs: 50
    real: { rate: 40, duration: 2s }
    client: { name: silent, protocolVersion: 2025-11-25 }
    failureModes: [F01]
    flow:
      - initialize
      - call: { tool: echo, arguments: { message: hello }, timeout: 10s, abortAfter: 2s, longest: 60s }
      - list: tools
      - listen
      - notify: notifications/roots/list_changed
      - think: 0.8T
      - repeat:
          times: 5
          steps:
            - think: { between: [1s, 5s] }
            - call: { tool: sleep, arguments: { ms: { duration: 1.2T } } }
      - abandon: silent
      - think: T + C + 5s
      - expect-gone
  keep-working:
    executor: per-vu-iterations
    vus: 100
    iterations: { virtual: 2, real: 1 }
    flow:
      - initialize: { handshake: half }
      - notify: { method: notifications/progress, params: { progress: 1 } }
      - expect-alive
      - delete
settle: D + T + C + 5s
observe: { virtual: 6s, real: 50ms }
thresholds:
  mcp_request_errors: [ 'rate == 0' ]
  mcp_request_duration_ms: [ 'p(95) < 250ms', 'max < 1s' ]
  mcp_request_duration_ms{method:tools/call}: [ 'med < 50ms' ]
`;

/** T = 1.5 s (a client called patient: 3 s), C = 300 ms, H = 1 s, D = 1.4 s. */
export const POLICY = PolicySchema.parse({
  sessionTimeoutMs: 1500,
  clientTimeoutsMs: { patient: 3000 },
  cleanupIntervalMs: 300,
  handshakeTimeoutMs: 1000,
  deadPeerMs: 1400,
});

/** The text with one part replaced; the part has to be there. */
export function changed(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the fixture has no '${from}'`);
  return text.replace(from, () => to);
}

/** A small scenario whose flow or other keys a test fills in. */
export function tiny({ flow = ['initialize'], rest = '' }: { flow?: string[]; rest?: string } = {}): string {
  return `version: 1
name: tiny
description: As small as it gets.
settle: 1s
workloads:
  one:
    executor: per-vu-iterations
    vus: 1
    iterations: 1
    flow:
${flow.map((step) => `      - ${step}`).join('\n')}
${rest}
`;
}

/** What loading says is wrong: `line:column message` for each problem; empty when nothing is. */
export function problemsOf(text: string): string[] {
  try {
    loadScenario(text, 'a.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
}
