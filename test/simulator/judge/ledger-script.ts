import { Ledger } from '../../../simulator/judge/ledger.ts';
import type { LedgerReport } from '../../../simulator/judge/ledger-report.ts';
import { type Policy, PolicySchema } from '../../../simulator/judge/policy.ts';
import type { SessionEvent, TargetCounters } from '../../../simulator/judge/session-event.ts';

type WithoutPlace<T> = T extends unknown ? Omit<T, 'session' | 'at'> : never;

/** T = 10 s, C = 2 s, H = 4 s, D = 3 s. */
export const POLICY = {
  sessionTimeoutMs: 10_000,
  cleanupIntervalMs: 2_000,
  handshakeTimeoutMs: 4_000,
  deadPeerMs: 3_000,
};

/** Writes a history for a ledger: times in seconds, sessions by number, fingerprint `f1` for session 1. */
export class Script {
  readonly ledger: Ledger;
  readonly lags: number[] = [];
  #request = 0;

  constructor(policy: Partial<Policy> = {}, epsilonMs = 0) {
    this.ledger = new Ledger({
      policy: PolicySchema.parse({ ...POLICY, ...policy }),
      epsilonMs,
      onReapLag: (hiMs) => this.lags.push(hiMs),
    });
  }

  event(session: number, at: number, event: WithoutPlace<SessionEvent>): this {
    // The parts are typed; TypeScript cannot see that a union put together again is the union.
    this.ledger.record({ ...event, session, at: at * 1000 } as SessionEvent);
    return this;
  }

  initialize(session: number, at: number, clientName = 'client'): this {
    return this.event(session, at, { kind: 'initialize-sent', clientName });
  }

  /** initialize sent and answered, and unless `half` the handshake completed, all at one instant. */
  open(session: number, at: number, { half = false, name = 'client' } = {}): this {
    this.initialize(session, at, name).answer(session, at);
    return half ? this : this.call(session, at);
  }

  answer(session: number, at: number): this {
    return this.event(session, at, { kind: 'initialize-answered', fingerprint: `f${session}` });
  }

  send(session: number, at: number, { handshake = true } = {}): number {
    this.#request += 1;
    this.event(session, at, { kind: 'request-sent', request: this.#request, handshake });
    return this.#request;
  }

  served(session: number, request: number, at: number, gone = false): this {
    return this.event(session, at, { kind: 'request-answered', request, gone });
  }

  aborted(session: number, request: number, at: number, longest: number): this {
    return this.event(session, at, { kind: 'request-aborted', request, longestMs: longest * 1000 });
  }

  /** A call, sent and answered. */
  call(session: number, at: number, answered = at): this {
    return this.served(session, this.send(session, at), answered);
  }

  /** A call that is answered 404. */
  notFound(session: number, at: number, answered = at): this {
    return this.served(session, this.send(session, at), answered, true);
  }

  stream(session: number, at: number): this {
    return this.event(session, at, { kind: 'stream-opened', stream: 1 });
  }

  streamClosed(session: number, at: number, by: 'client' | 'server' | 'vanished'): this {
    return this.event(session, at, { kind: 'stream-closed', stream: 1, by });
  }

  abandon(session: number, at: number, how: 'silent' | 'destroyed' | 'frozen' = 'silent'): this {
    return this.event(session, at, { kind: 'abandoned', how });
  }

  delete(session: number, at: number, answered = at, status = 200): this {
    this.event(session, at, { kind: 'delete-sent' });
    return this.event(session, answered, { kind: 'delete-answered', status });
  }

  /** A listing of these sessions (numbers, or fingerprints of strangers); `since`: when it was asked for. */
  look(
    at: number,
    listed: readonly (number | string)[],
    { since = at, stale = 0, count = listed.length } = {},
  ): this {
    const fingerprints = listed.map((one) => (typeof one === 'number' ? `f${one}` : one));
    this.ledger.sample({
      sentAt: since * 1000,
      receivedAt: at * 1000,
      stalenessMs: stale * 1000,
      count,
      listed: new Set(fingerprints),
    });
    return this;
  }

  count(at: number, count: number, counters?: TargetCounters): this {
    this.ledger.sample({
      sentAt: at * 1000,
      receivedAt: at * 1000,
      stalenessMs: 0,
      count,
      ...(counters && { counters }),
    });
    return this;
  }

  signal(at: number): this {
    this.ledger.target({ kind: 'signalled', signal: 'SIGTERM', at: at * 1000 });
    return this;
  }

  exit(at: number): this {
    this.ledger.target({ kind: 'exited', code: 0, at: at * 1000 });
    return this;
  }

  close(at: number): LedgerReport {
    return this.ledger.close(at * 1000);
  }
}

/** The sessions of a list of findings, in order. */
export function sessionsOf({ first }: LedgerReport['lost']): (number | null)[] {
  return first.map(({ session }) => session);
}
