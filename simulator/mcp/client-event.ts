import type { SessionEvent } from '../judge/session-event.ts';
import { isAnswered, type Outcome } from './outcome.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What a client tells the ledger. Whoever made the client adds the number of the session. */
export type ClientEvent = DistributiveOmit<SessionEvent, 'session'>;

export type AbandonKind = 'silent' | 'destroyed' | 'frozen';

/**
 * How a POST or GET on the session ended. Without our answer it counts as aborted: the target may still work
 * on it. So does a refusal, but for 404: it proves neither that the session lives nor that it is gone, and
 * the work on it is over with its answer.
 */
export function requestEnd(outcome: Outcome, request: number, longestMs: number): ClientEvent {
  const at = outcome.doneAt;
  if (outcome.kind === 'http-error' && outcome.status !== 404) {
    return { kind: 'request-aborted', at, request, longestMs: 0 };
  }
  if (!isAnswered(outcome)) return { kind: 'request-aborted', at, request, longestMs };
  return { kind: 'request-answered', at, request, gone: outcome.status === 404 };
}

/**
 * How a raw request that named the session ended. A 404 may be about its path and proves nothing of the session.
 * An answer that goes on as a stream is not waited for.
 */
export function rawEnd(
  outcome: Outcome,
  request: number,
  { longestMs, isGoingOn }: { longestMs: number; isGoingOn: boolean },
): ClientEvent {
  const at = outcome.doneAt;
  if (outcome.kind === 'accepted' && isGoingOn) return { kind: 'request-aborted', at, request, longestMs };
  if (outcome.kind !== 'http-error') return requestEnd(outcome, request, longestMs);
  return { kind: 'request-aborted', at, request, longestMs: 0 };
}

/** The same for a DELETE: refused in any way, nobody knows of what it was a refusal. */
export function rawDeleteEnd(outcome: Outcome): ClientEvent {
  return outcome.kind === 'accepted' ? deleteEnd(outcome) : { kind: 'delete-lost', at: outcome.doneAt };
}

/**
 * How an initialize ended that opened no session we could use. Status 0: it never reached the target, so
 * there is definitely no session.
 */
export function initializeEnd(outcome: Outcome, { wasSent = true, longestMs = 0 } = {}): ClientEvent {
  const at = outcome.doneAt;
  if (!wasSent) return { kind: 'initialize-refused', at, status: 0 };
  if (!isAnswered(outcome)) return { kind: 'initialize-lost', at, longestMs };
  return { kind: 'initialize-refused', at, status: outcome.status };
}

export function deleteEnd(outcome: Outcome): ClientEvent {
  const at = outcome.doneAt;
  return isAnswered(outcome)
    ? { kind: 'delete-answered', at, status: outcome.status }
    : { kind: 'delete-lost', at };
}
