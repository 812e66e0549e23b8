import type { Response } from 'express';

/** How the server refuses a request: HTTP status, JSON-RPC code, message. */
const REFUSALS = {
  'session-id-required': [400, -32000, 'Mcp-Session-Id header is required.'],
  'session-not-found': [404, -32001, 'Session not found.'],
  'id-in-flight': [400, -32600, 'A request with this id is in flight.'],
  'forbidden-origin': [403, -32000, 'This server is for this machine only.'],
  'method-not-allowed': [405, -32000, 'Method not allowed.'],
  'bad-json': [400, -32700, 'The body is not valid JSON.'],
  'body-too-large': [413, -32000, 'The body is too large.'],
  internal: [500, -32603, 'Internal error.'],
  draining: [503, -32000, 'The server is shutting down.'],
  'too-many-sessions': [503, -32000, 'No session is free.'],
} as const;

export type Refusal = keyof typeof REFUSALS;

const RETRY_AFTER_S = '5';

/** Answers with a JSON-RPC error. `status` puts another in place of the right one. */
export function refuse(response: Response, refusal: Refusal, status?: number): void {
  const [rightStatus, code, message] = REFUSALS[refusal];
  if (rightStatus === 503) response.set({ 'retry-after': RETRY_AFTER_S, connection: 'close' });
  if (rightStatus === 405) response.set('allow', 'GET, POST, DELETE');
  response.status(status ?? rightStatus).json({ jsonrpc: '2.0', error: { code, message }, id: null });
}
