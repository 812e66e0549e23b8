/**
 * With which code the hub closes a WebSocket (RFC 6455, 7.4). Those from 4400 are its own, named after the HTTP
 * status that tells the same.
 */
export const CLOSE_CODES = {
  /** The hub shuts down; the reason says how many ms to stay away. A stored session can be taken up again. */
  goingAway: 1001,
  /** A binary frame: messages are text. */
  binary: 1003,
  /** The first message was no initialize, or one that the MCP server refused: there is no session. */
  notInitialized: 4400,
  /** The access token has expired. */
  unauthorized: 4401,
  /** The session has ended: deleted, idle, evicted. */
  sessionEnded: 4404,
  /** No initialize before the handshake deadline, or three pings without an answer. */
  timeout: 4408,
  /** Another WebSocket or a GET stream has taken the session over. */
  takenOver: 4409,
} as const;

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES];

/**
 * How a client says that it is done with its session: a closing handshake with "normal closure", or without any
 * code, which no broken connection looks like.
 */
export const DELIBERATE_CODES: readonly number[] = [1000, 1005];
