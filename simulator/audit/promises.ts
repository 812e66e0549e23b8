import { type Policy, timeoutFor } from '../judge/policy.ts';

/** What the sessions of an audit call themselves, unless a probe names its client otherwise. */
const CLIENT_NAME = 'mcp-soak-audit';

/** T for the sessions of an audit, ms; 0 when none is promised. */
export function idleMs(policy: Policy): number {
  return timeoutFor(policy, CLIENT_NAME) ?? 0;
}

/** How long after its last use a session is gone at the latest, ms. Where C is not stated, T is taken for it. */
export function reapedWithinMs(policy: Policy): number {
  return idleMs(policy) + sweepMs(policy);
}

/** C, ms: how often the server looks for sessions to end. Where that is not stated, T. */
export function sweepMs(policy: Policy): number {
  return policy.cleanupIntervalMs || idleMs(policy);
}

/** What an orchestrator waits before it kills a process that was told to end, ms (`docker stop`). */
const USUAL_DRAIN_MS = 10_000;

/** How long the server may take to end once it was told to, ms. */
export function drainMs(policy: Policy): number {
  return policy.drainMs ?? USUAL_DRAIN_MS;
}
