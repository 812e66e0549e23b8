/** Why the stream of a session was ended; `polling`: so that its client comes back for it. */
export type StreamEnd = 'client' | 'takeover' | 'dead-peer' | 'polling' | 'session-ended';

export interface StreamEnding {
  readonly why?: StreamEnd;
  /** The server goes away: its client is asked to come back no earlier than in so many ms. */
  readonly retryMs?: number;
}

/** What carries the messages of a session to its client: a stream of server-sent events, or a WebSocket. */
export interface MessageStream {
  readonly isOpen: boolean;
  /** Whether its client knows, before there is any event, from where to go on when it is ended. */
  readonly isResumable: boolean;
  /** Whether the reader keeps up: little enough waits to be read. */
  readonly hasRoom: boolean;
  /** Gives the client an id to resume from before there is an event, where the stream has ids. */
  prime(id: string): void;
  /** Sends one JSON-RPC message, given as JSON text. With an id it can be resumed after, where the stream has ids. */
  send(json: string, id?: string): void;
  /** Keeps proxies from cutting a silent stream, and cuts one whose reader has stalled (F43, F48). */
  comment(): void;
  /** Calls back whenever the reader has caught up. */
  onDrain(callback: () => void): void;
  /** Calls back once, when the connection is gone. */
  onClose(callback: () => void): void;
  end(ending?: StreamEnding): void;
  /** Cuts the connection, whatever waits on it. */
  destroy(): void;
}
