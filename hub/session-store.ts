import type { ClientInfo } from './session.ts';

/** What has to be known of a session to take it up again in another process. */
export interface StoredSession {
  readonly id: string;
  readonly clientInfo: ClientInfo;
  readonly protocolVersion: string;
  /** Parameters of its initialize, to be replayed into a fresh MCP server. */
  readonly initializeParams: unknown;
  /** Whom it belongs to; null where nobody has to say who he is. */
  readonly identity: string | null;
  readonly isHandshakeDone: boolean;
}

/** One event as it was sent, or was to be sent, on a stream of a session. */
export interface StoredStreamEvent {
  readonly stream: number;
  readonly seq: number;
  readonly json: string;
}

/** A stream that answers a POST: the ids of the requests it still owed an answer. */
export interface StoredStream {
  readonly stream: number;
  readonly owes: readonly (string | number)[];
  readonly isEnded: boolean;
}

/** How far a stream has got, where the events that are kept of it do not tell. */
export interface StoredPosition {
  readonly stream: number;
  /** The position of the last event there was, kept or not. */
  readonly lastSeq: number;
  /** The position of the last event that was written to a client; null: every one was. */
  readonly written: number | null;
}

/** A session's name among agents. */
export interface StoredAgent {
  /** Running number, in order of registration: cursors of listings stay good. */
  readonly number: number;
  readonly name: string;
  readonly description: string;
}

export interface StoredSessionState extends StoredSession {
  /** null: it is no agent. */
  readonly agent: StoredAgent | null;
  /** In order of sending. */
  readonly events: readonly StoredStreamEvent[];
  readonly streams: readonly StoredStream[];
  readonly positions: readonly StoredPosition[];
}

/**
 * Keeps sessions beyond the life of the process. Every method has taken effect when it returns: what a client is
 * told has been kept before, so a crash loses nothing that was acknowledged. All are idempotent, and do nothing
 * for a session that is not kept. One that cannot throws: no session is opened then, and those there are go on.
 * Implementations are held to test/hub/session-store-contract.ts.
 */
export interface SessionStore {
  /** All that is kept, sessions in order of their saving. */
  load(): StoredSessionState[];
  saveSession(session: StoredSession): void;
  completeHandshake(sessionId: string): void;
  /** The session has become an agent. */
  saveAgent(sessionId: string, agent: StoredAgent): void;
  /** Forgets a session with its agent, events, streams and positions. */
  removeSession(sessionId: string): void;
  /**
   * A stream begins, or what it owes has changed. Streams before it that have ended, and of which no event is kept, are
   * forgotten; not the latest, so that its number is not given out again.
   */
  saveStream(sessionId: string, stream: StoredStream): void;
  appendEvent(sessionId: string, event: StoredStreamEvent): void;
  savePosition(sessionId: string, position: StoredPosition): void;
  /** The event is no longer needed. */
  dropEvent(sessionId: string, stream: number, seq: number): void;
  close(): void;
}
