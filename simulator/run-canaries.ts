import { type Climbed, ladder } from './canaries.ts';
import type { Clock } from './clock/clock.ts';
import { CANARY_NAME, mcpCanaries } from './fleet/canaries.ts';
import { type CanaryPromise, planLadder } from './judge/canary-ladder.ts';
import { type Policy, timeoutFor } from './judge/policy.ts';
import type { Headers } from './mcp/headers.ts';
import type { Visibility } from './observers/sessions.ts';
import type { Recorder } from './recorder.ts';
import type { Plan } from './scenario/plan.ts';
import type { Target } from './targets/target.ts';

/** What canaries of a run found, and by what they are judged. */
export interface CanaryFindings extends Climbed {
  readonly promise: Omit<CanaryPromise, 'epsilonMs'>;
}

export interface RunCanaryParts {
  readonly clock: Clock;
  readonly target: Target;
  readonly recorder: Recorder;
  readonly plan: Plan;
  readonly policy: Policy;
  readonly visibility: Visibility;
  readonly epsilonMs: number;
  readonly signal: AbortSignal;
  /** Sent with every request, a token say. */
  readonly headers: Headers;
}

/** A third each before T, in [T, T + C] and after: 20 that saw nothing wrong leave room for 15 % at 95 %. */
const CANARIES = 60;
/** Of a target's cap on sessions canaries take at most this share: the slots belong to the load. */
const CAP_SHARE = 1 / 20;
const FEWEST = 3;

/**
 * Sends canaries beside the load. undefined where a listing tells more than they could, where no timeout is promised,
 * and where events, a cap or eviction would end canaries that are not due.
 */
export function sendCanaries(parts: RunCanaryParts): Promise<CanaryFindings> | undefined {
  const { clock, target, recorder, plan, policy, visibility, epsilonMs, signal, headers } = parts;
  const timeoutMs = timeoutFor(policy, CANARY_NAME);
  const canaries = numberOf(policy);
  const isWanted = visibility !== 'listed' && plan.invariants.includes('reap_lag');
  if (!isWanted || timeoutMs === null || plan.events.length > 0 || canaries < FEWEST) return undefined;
  const promise = { timeoutMs, cleanupMs: policy.cleanupIntervalMs };
  let sent = 0;
  const keeper = mcpCanaries({
    clock,
    dial: target.dial,
    endpoint: target.endpoint,
    headers,
    listener: () => {
      const session = recorder.newSession({ workload: 'canary', vu: sent, iteration: 0, isCanary: true });
      sent += 1;
      return (event) => recorder.sessionEvent(session, event);
    },
  });
  const rungs = planLadder({ ...promise, epsilonMs }, { canaries });
  return ladder(clock, keeper, rungs, { signal }).then((climbed) => ({ ...climbed, promise }));
}

function numberOf({ maxSessions, maxSessionsPerClient, capRule }: Policy): number {
  const cap = Math.min(
    maxSessions ?? Number.POSITIVE_INFINITY,
    maxSessionsPerClient ?? Number.POSITIVE_INFINITY,
  );
  if (cap === Number.POSITIVE_INFINITY) return CANARIES;
  return capRule === 'evict-idle' ? 0 : Math.min(CANARIES, Math.floor(cap * CAP_SHARE));
}
