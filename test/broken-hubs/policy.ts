import { PINGS_BEFORE_DEAD } from './heartbeat.ts';

/** What an SDK server promises of its sessions. Times in milliseconds. */
export interface SdkPolicy {
  readonly sessionTimeoutMs: number;
  readonly cleanupIntervalMs: number;
  readonly handshakeTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly drainMs: number;
  /** No cap when absent. */
  readonly maxSessions?: number;
  /** Another session timeout for clients of these names. */
  readonly clientTimeoutsMs?: Readonly<Record<string, number>>;
}

/** The policy as `GET /health` publishes it, in the reference hub's field names. A defect changes nothing in it. */
export function publishedPolicy(policy: SdkPolicy) {
  return {
    sessionTimeoutMs: policy.sessionTimeoutMs,
    clientTimeoutsMs: policy.clientTimeoutsMs ?? {},
    cleanupIntervalMs: policy.cleanupIntervalMs,
    handshakeTimeoutMs: policy.handshakeTimeoutMs,
    // A peer that dies just after an answer: one interval at most until the first of the pings it will not
    // answer, one more after each of them before the next beat finds them all unanswered.
    deadPeerMs: (PINGS_BEFORE_DEAD + 1) * policy.heartbeatMs,
    streamLostMs: null,
    maxSessions: policy.maxSessions ?? null,
    maxSessionsPerClient: null,
    capRule: 'refuse',
    openStreamProtects: true,
    callProtects: true,
    drainMs: policy.drainMs,
  };
}
