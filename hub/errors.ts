/** JSON-RPC codes of the specification, and the two the MCP SDKs share for sessions. */
const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  internalError: -32603,
  serverError: -32000,
  sessionNotFound: -32001,
} as const;

interface ErrorKind {
  /** HTTP status. */
  readonly status: number;
  /** JSON-RPC error code. */
  readonly rpcCode: number;
  readonly message: string;
}

/**
 * Every way in which the hub refuses a request. Status codes are the MCP specification's
 * (2025-11-25, basic/transports, "Session Management" and "Protocol Version Header") where it gives one.
 */
const ERRORS = {
  SESSION_NOT_FOUND: {
    status: 404,
    rpcCode: RPC.sessionNotFound,
    message: 'Session not found: it never existed or has ended. Send initialize without Mcp-Session-Id.',
  },
  SESSION_ID_REQUIRED: {
    status: 400,
    rpcCode: RPC.serverError,
    message: 'Mcp-Session-Id header is required: only initialize may be sent without it.',
  },
  ALREADY_INITIALIZED: {
    status: 400,
    rpcCode: RPC.invalidRequest,
    message: 'This session is initialized already. For a new one send initialize without Mcp-Session-Id.',
  },
  INVALID_JSON: { status: 400, rpcCode: RPC.parseError, message: 'The body is not valid JSON.' },
  INVALID_MESSAGE: {
    status: 400,
    rpcCode: RPC.invalidRequest,
    message: 'The body is not a JSON-RPC 2.0 message.',
  },
  BATCH_NOT_ALLOWED: {
    status: 400,
    rpcCode: RPC.invalidRequest,
    message: 'Batches exist only in protocol version 2025-03-26, hold 1 to 100 messages, and no initialize.',
  },
  UNSUPPORTED_VERSION: {
    status: 400,
    rpcCode: RPC.serverError,
    message: 'MCP-Protocol-Version names a version that this server does not speak.',
  },
  CANNOT_RESUME: {
    status: 400,
    rpcCode: RPC.serverError,
    message: 'Last-Event-ID names no position that can be resumed: not of this session, or no longer kept.',
  },
  BAD_UPGRADE: {
    status: 400,
    rpcCode: RPC.serverError,
    message:
      'A WebSocket is opened here by GET with Sec-WebSocket-Version: 13, a key, and Sec-WebSocket-Protocol: mcp.',
  },
  UNAUTHORIZED: {
    status: 401,
    rpcCode: RPC.serverError,
    message: 'A valid bearer token is required: Authorization: Bearer <token>.',
  },
  INSUFFICIENT_SCOPE: {
    status: 403,
    rpcCode: RPC.serverError,
    message: 'The access token lacks a scope that is required here.',
  },
  FORBIDDEN_HOST: { status: 403, rpcCode: RPC.serverError, message: 'Host is not allowed here.' },
  FORBIDDEN_ORIGIN: { status: 403, rpcCode: RPC.serverError, message: 'Origin is not allowed here.' },
  METHOD_NOT_ALLOWED: {
    status: 405,
    rpcCode: RPC.serverError,
    message: 'Method not allowed: this endpoint takes POST, GET and DELETE.',
  },
  NOT_ACCEPTABLE_POST: {
    status: 406,
    rpcCode: RPC.serverError,
    message: 'Accept must include application/json and text/event-stream.',
  },
  NOT_ACCEPTABLE_GET: {
    status: 406,
    rpcCode: RPC.serverError,
    message: 'Accept must include text/event-stream.',
  },
  REQUEST_TIMEOUT: { status: 408, rpcCode: RPC.serverError, message: 'The request did not arrive in time.' },
  BODY_TOO_LARGE: { status: 413, rpcCode: RPC.serverError, message: 'The body is too large.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    rpcCode: RPC.serverError,
    message: 'Content-Type must be application/json.',
  },
  TOO_MANY_REQUESTS: {
    status: 429,
    rpcCode: RPC.serverError,
    message: 'Too many requests. Try again after the time in Retry-After.',
  },
  TOO_MANY_OF_CLIENT: {
    status: 429,
    rpcCode: RPC.serverError,
    message:
      'This client holds as many sessions as one may. End one, or try again after the time in Retry-After.',
  },
  TOO_MANY_CALLS: {
    status: 429,
    rpcCode: RPC.serverError,
    message:
      'As many calls of this session are under way as may be. Try again when one is done, or cancel one: also those ' +
      'whose answer nobody waits for any more go on.',
  },
  HEADERS_TOO_LARGE: { status: 431, rpcCode: RPC.serverError, message: 'The headers are too large.' },
  BAD_HTTP: { status: 400, rpcCode: RPC.invalidRequest, message: 'This is not HTTP/1.1.' },
  INTERNAL: { status: 500, rpcCode: RPC.internalError, message: 'Internal error.' },
  TOO_MANY_SESSIONS: {
    status: 503,
    rpcCode: RPC.serverError,
    message: 'No session is free. Try again after the time in Retry-After.',
  },
  DRAINING: {
    status: 503,
    rpcCode: RPC.serverError,
    message: 'The server is shutting down. Try again after the time in Retry-After.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** How long a client is asked to wait after a 429 or 503, unless that is known better; in seconds (RFC 9110). */
const RETRY_AFTER_S = 5;

/** A request that the hub refuses, with the answer it gets. */
export class HubError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly rpcCode: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    options?: { detail?: string; cause?: unknown; headers?: Readonly<Record<string, string>> },
  ) {
    const kind = ERRORS[code];
    super(options?.detail ? `${kind.message} ${options.detail}` : kind.message, { cause: options?.cause });
    this.name = 'HubError';
    this.code = code;
    this.status = kind.status;
    this.rpcCode = kind.rpcCode;
    this.headers = {
      ...((kind.status === 503 || kind.status === 429) && { 'retry-after': String(RETRY_AFTER_S) }),
      ...(kind.status === 405 && { allow: 'GET, POST, DELETE' }),
      ...options?.headers,
    };
  }

  /** The JSON-RPC error body. Over HTTP it answers no particular request, so its id is null. */
  body(): string {
    return JSON.stringify({
      jsonrpc: '2.0',
      error: { code: this.rpcCode, message: this.message },
      id: null,
    });
  }

  /** The same as a message on a WebSocket, which has no status and no headers: they are in its data. */
  messageTo(id: string | number | null): string {
    const retryAfter = this.headers['retry-after'];
    const data = { status: this.status, ...(retryAfter !== undefined && { retryAfter: Number(retryAfter) }) };
    return JSON.stringify({ jsonrpc: '2.0', error: { code: this.rpcCode, message: this.message, data }, id });
  }
}

/** The JSON-RPC error that a call gets when the hub failed, of which its client is told nothing more. */
export function internalError(): { code: number; message: string } {
  return { code: RPC.internalError, message: ERRORS.INTERNAL.message };
}

/** The JSON-RPC error that a call gets when its session ends before its result is there. */
export function sessionEndedError(reason: string): { code: number; message: string } {
  return { code: RPC.serverError, message: `The session ended before this call was done (${reason}).` };
}
