import type { Policy } from './policy.ts';

/** What never comes: the end of a protection nobody promised to end, an answer not received. */
export const NEVER = Number.POSITIVE_INFINITY;

/** The target's promises as the ledger reckons with them: a time that was not promised is `NEVER`. All in ms. */
export interface Rules {
  /** ε: by how much neither side is blamed. 0 in virtual time; in real time it grows with what the machine shows. */
  epsilonMs: number;
  /** C */
  readonly cleanupMs: number;
  /** H, `NEVER` where the idle rule alone decides. */
  readonly handshakeMs: number;
  /** S, `NEVER` where the loss of a stream ends nothing. */
  readonly streamLostMs: number;
  /** D, `NEVER` where it is not promised that the loss of a stream whose client vanished is found out. */
  readonly deadPeerMs: number;
  /** How long a stream whose client vanished may pass for alive: D, or S where only that is stated. */
  readonly streamGraceMs: number;
  /** The same for a call whose client froze before it read the answer. */
  readonly callGraceMs: number;
  readonly openStreamProtects: boolean;
  readonly callProtects: boolean;
  /** The cap, where reaching it allows the target to evict idle sessions; otherwise `NEVER`. */
  readonly evictsAt: number;
}

/** The clients of a run share an address: for a target that counts by address they are one. */
function lowestCap({ maxSessions, maxSessionsPerClient }: Policy): number {
  return Math.min(maxSessions ?? NEVER, maxSessionsPerClient ?? NEVER);
}

export function rulesOf(policy: Policy, epsilonMs: number): Rules {
  const dead = policy.deadPeerMs ?? policy.streamLostMs ?? NEVER;
  return {
    epsilonMs,
    cleanupMs: policy.cleanupIntervalMs,
    handshakeMs: policy.handshakeTimeoutMs ?? NEVER,
    streamLostMs: policy.streamLostMs ?? NEVER,
    deadPeerMs: policy.deadPeerMs ?? NEVER,
    streamGraceMs: policy.openStreamProtects ? dead : 0,
    callGraceMs: policy.callProtects ? dead : 0,
    openStreamProtects: policy.openStreamProtects,
    callProtects: policy.callProtects,
    evictsAt: policy.capRule === 'evict-idle' ? lowestCap(policy) : NEVER,
  };
}
