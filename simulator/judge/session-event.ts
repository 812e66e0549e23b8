/**
 * What the simulator itself knows of the sessions it attempts: the only input of the ledger besides
 * samples of the target. `session` is the number of the attempt (unique in a run), `at` is on the run's
 * clock in milliseconds, stamped just before bytes are written or just after they were understood.
 */
export type SessionEvent = { readonly session: number; readonly at: number } & (
  | { readonly kind: 'initialize-sent'; readonly clientName: string }
  /** 2xx with an InitializeResult and a session id. `fingerprint`: first 12 hex digits of SHA-256 of the id. */
  | { readonly kind: 'initialize-answered'; readonly fingerprint: string }
  /** Definitely no session: an HTTP error, a JSON-RPC error, or a result without a session id. */
  | { readonly kind: 'initialize-refused'; readonly status: number }
  /** No answer: the connection broke or the client gave up. The target may hold a session all the same. */
  | { readonly kind: 'initialize-lost'; readonly longestMs: number }
  /**
   * Any POST or GET on the session after initialize (also answers to pings, and probes).
   * `handshake`: it completes the handshake (notifications/initialized, or any request of the client).
   * `isPartial`: its end will never arrive, so that it obliges nobody.
   */
  | {
      readonly kind: 'request-sent';
      readonly request: number;
      readonly handshake: boolean;
      readonly isPartial?: true;
    }
  /** Complete answer (for a GET stream: its headers). `gone`: the answer was 404. */
  | { readonly kind: 'request-answered'; readonly request: number; readonly gone: boolean }
  /** The client no longer waits. `longestMs`: how long the request can go on in the target, counted from its send. */
  | { readonly kind: 'request-aborted'; readonly request: number; readonly longestMs: number }
  | { readonly kind: 'stream-opened'; readonly stream: number }
  /** `client`: we closed it. `vanished`: we destroyed the socket. `server`: the target ended it. */
  | { readonly kind: 'stream-closed'; readonly stream: number; readonly by: 'client' | 'server' | 'vanished' }
  | { readonly kind: 'delete-sent' }
  | { readonly kind: 'delete-answered'; readonly status: number }
  | { readonly kind: 'delete-lost' }
  /** The client will do nothing more. `frozen`: its sockets stay open, it never reads again. */
  | { readonly kind: 'abandoned'; readonly how: 'silent' | 'destroyed' | 'frozen' }
);

/** What happened to the target itself. */
export type TargetEvent = { readonly at: number } & (
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'exited'; readonly code: number | null }
);

/** One look at the target: `[sentAt, receivedAt]`, made wider at its start by the age of what it shows. */
export interface SessionSample {
  readonly sentAt: number;
  readonly receivedAt: number;
  /** How old the answer may already have been when it was sent, ms. */
  readonly stalenessMs: number;
  readonly count: number;
  /** Fingerprints of all live sessions, where the target lists them. */
  readonly listed?: ReadonlySet<string>;
  /** Cumulative counts, where the target publishes them. */
  readonly counters?: TargetCounters;
}

export interface TargetCounters {
  readonly opened: number;
  readonly refused: number;
  /** Sessions ended so far, by reason (`client`, `idle`, `handshake`, `shutdown`, …). */
  readonly ended: Readonly<Record<string, number>>;
}
