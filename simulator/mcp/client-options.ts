import type { Clock } from '../clock/clock.ts';
import type { Dial } from '../targets/target.ts';
import type { ClientEvent } from './client-event.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { Headers } from './headers.ts';
import type { Id } from './json-rpc.ts';

/** The versions that have sessions. */
export type ProtocolVersion = '2025-03-26' | '2025-06-18' | '2025-11-25';

export interface McpClientOptions {
  readonly dial: Dial;
  readonly endpoint: URL;
  readonly clock: Clock;
  /** What the ledger is told. Called synchronously, in the order in which things happened. */
  readonly emit: (event: ClientEvent) => void;
  /** The version to ask for. */
  readonly protocolVersion: ProtocolVersion;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly requestTimeoutMs: number;
  /** Whether pings of the server are answered. Default true. */
  readonly answersPings?: boolean;
  /** Sent with every request; with raw ones, too, but for those that these name themselves. */
  readonly headers?: Headers;
  readonly onNotification?: (method: string, params: unknown) => void;
  /** Ids of requests. Default 1, 2, 3, … */
  readonly nextId?: () => Id;
  /** The server sent what nobody asked for and no request can report: say what. */
  readonly onAnomaly?: (what: string) => void;
  /**
   * A session that another client opened and left: this one speaks on it at once, without initialize.
   * `firstRequest`: where its requests are numbered from, beyond those of the other.
   */
  readonly session?: KnownSession;
  /** A GET stream is over, and it was not the client that closed it. */
  readonly onStreamLost?: () => void;
  /** Connections shared with other clients: they stay open when this one leaves. Absent: connections of its own. */
  readonly pool?: ConnectionPool;
  /** Connections open at once; default MAX_CONNECTIONS. */
  readonly maxConnections?: number;
  /** Larger answers become `wrong-answer`. */
  readonly maxAnswerBytes?: number;
}

export interface KnownSession {
  readonly id: string;
  readonly protocolVersion: string | undefined;
  readonly firstRequest: number;
}

export interface RequestOptions {
  /** Default: the client's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Give up on purpose after this long. */
  readonly abortAfterMs?: number;
  /** How long the target may go on with the request, for the ledger. Default: the client's `requestTimeoutMs`. */
  readonly longestMs?: number;
  /** Of a call: asks for progress under this token. */
  readonly progressToken?: string;
}
