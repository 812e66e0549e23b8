import type { Finding, Path } from './errors.ts';
import type { Step } from './flow-schema.ts';
import type { Resolver } from './resolver.ts';
import type { Saturation } from './schedule.ts';
import type { Scenario, Workload } from './schema.ts';
import type { Mode } from './schema-parts.ts';
import type { PlannedStep, StepName } from './step.ts';
import { walkSteps } from './walk-steps.ts';

/** The one step of a flow that an engine sends over and over. */
export const SATURATING_STEPS = ['call', 'list', 'ping'] as const satisfies readonly StepName[];
/** What may stand before it, and after it. */
const BEFORE: readonly StepName[] = ['initialize', 'think'];
const AFTER: readonly StepName[] = ['think', 'delete', 'abandon'];

/** The engine that sends the requests of a workload; undefined: our own clients do. */
export function engineOf(workload: Workload): 'autocannon' | undefined {
  return 'engine' in workload ? workload.engine : undefined;
}

/** An engine repeats one request as fast as it can: its flow opens a session, names that request, and ends. */
export function checkEngineFlow(workload: Workload, base: Path): Finding[] {
  const engine = engineOf(workload);
  if (engine === undefined) return [];
  const findings: Finding[] = [];
  let isFound = false;
  for (const { name, step, path, depth } of walkSteps(workload.flow, base)) {
    if (depth > 0) continue;
    if (isSaturating(name) && !isFound) {
      isFound = true;
      if (givesUp(step)) findings.push({ path, message: `${engine} gives up no call: leave abortAfter out` });
      continue;
    }
    const allowed = isFound ? AFTER : BEFORE;
    if (allowed.includes(name)) continue;
    const place = isFound ? 'after' : 'before';
    const message = `with engine ${engine} only ${allowed.join(', ')} may stand ${place} the request that it repeats, got ${name}`;
    findings.push({ path, message });
  }
  if (isFound) return findings;
  const message = `with engine ${engine} a flow holds the request that is repeated: one of ${SATURATING_STEPS.join(', ')}`;
  return [...findings, { path: base, message, at: 'key' }];
}

/** Engines open sockets of their own and run on their own timers. */
export function refuseEngines(scenario: Scenario, mode: Mode): Finding[] {
  if (mode === 'real') return [];
  return Object.entries(scenario.workloads).flatMap(([name, workload]) => {
    const engine = engineOf(workload);
    if (engine === undefined) return [];
    const message = `engine ${engine} opens sockets of its own, and there are none in virtual time: use --mode real`;
    return [{ path: ['workloads', name, 'engine'], message }];
  });
}

/** What remains of an executor when an engine carries it: connections, and how fast they are to send. */
export function planSaturation(
  numbers: { connections: number; durationMs: number; ratePerSecond: number | null },
  base: Path,
  resolver: Resolver,
): Saturation {
  const { connections, durationMs, ratePerSecond } = numbers;
  if (durationMs < 1) {
    resolver.note({ path: [...base, 'duration'], message: 'no request would be sent in no time' });
  }
  // It gives each connection its share of the rate, in whole requests, and takes fewer connections otherwise.
  const isShared =
    ratePerSecond === null || (Number.isInteger(ratePerSecond) && ratePerSecond >= connections);
  if (!isShared) {
    const message = `engine autocannon sends whole requests per second on each connection: rate is a whole number of at least maxVUs (${connections}), got ${ratePerSecond}`;
    resolver.note({ path: [...base, 'rate'], message });
  }
  return { kind: 'saturation', connections, durationMs, ratePerSecond };
}

/** Where the request that is repeated stands in a flow. */
export function saturatingIndex(flow: readonly PlannedStep[]): number {
  return flow.findIndex(({ kind }) => isSaturating(kind));
}

function isSaturating(name: string): boolean {
  return SATURATING_STEPS.some((step) => step === name);
}

function givesUp(step: Step): boolean {
  return typeof step !== 'string' && step.call?.abortAfter !== undefined;
}
