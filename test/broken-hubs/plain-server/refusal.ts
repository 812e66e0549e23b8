import type { ServerResponse } from 'node:http';

/** How the server refuses a request: HTTP status, JSON-RPC code, message. */
const KINDS = {
  'session-id-required': [
    400,
    -32000,
    'Mcp-Session-Id header is required: only initialize may come without.',
  ],
  'session-not-found': [404, -32001, 'Session not found.'],
  'already-initialized': [
    400,
    -32600,
    'Initialize opens a session of its own: send it without Mcp-Session-Id.',
  ],
  'bad-json': [400, -32700, 'The body is not valid JSON.'],
  'bad-message': [400, -32600, 'The body is not a JSON-RPC 2.0 message, nor a batch that is allowed.'],
  'bad-version': [400, -32000, 'MCP-Protocol-Version names a version that is not spoken here.'],
  'cannot-resume': [400, -32000, 'Last-Event-ID names no position that can be resumed.'],
  unauthorized: [401, -32000, 'A valid bearer token is required.'],
  'forbidden-host': [403, -32000, 'Host is not allowed here.'],
  'forbidden-origin': [403, -32000, 'Origin is not allowed here.'],
  'forbidden-session': [403, -32000, 'This session belongs to somebody else.'],
  'method-not-allowed': [405, -32000, 'Allowed are GET, POST and DELETE.'],
  'not-acceptable': [406, -32000, 'Accept must allow what this is answered with.'],
  timeout: [408, -32000, 'The body did not arrive in time.'],
  'second-stream': [409, -32000, 'Only one SSE stream is allowed per session.'],
  'too-large': [413, -32000, 'The body is too large.'],
  'not-json': [415, -32000, 'Content-Type must be application/json.'],
  'too-many-requests': [429, -32000, 'Too many requests.'],
  internal: [500, -32603, 'Internal error.'],
  draining: [503, -32000, 'The server is shutting down.'],
  full: [503, -32000, 'No session is free.'],
} as const;

export type RefusalKind = keyof typeof KINDS;

const RETRY_AFTER_S = '5';
/** After these nothing more can be read from the connection, or shall be. */
const ENDS_CONNECTION: readonly RefusalKind[] = ['timeout', 'too-large', 'draining'];

/** A request that is refused. `status` puts another in place of the right one. */
export class Refusal extends Error {
  readonly kind: RefusalKind;
  readonly status: number;

  constructor(kind: RefusalKind, status?: number) {
    super(KINDS[kind][2]);
    this.name = 'Refusal';
    this.kind = kind;
    this.status = status ?? KINDS[kind][0];
  }
}

/** Answers with the refusal as a JSON-RPC error that belongs to no request. */
export function answerRefusal(response: ServerResponse, { kind, status, message }: Refusal): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code: KINDS[kind][1], message }, id: null });
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...((status === 503 || status === 429) && { 'retry-after': RETRY_AFTER_S }),
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(status === 405 && { allow: 'GET, POST, DELETE' }),
    ...(ENDS_CONNECTION.includes(kind) && { connection: 'close' }),
  });
  response.end(body);
}
