import { gzipSync } from 'node:zlib';
import { fingerprint } from '../../hub/fingerprint.ts';
import { callRequest, initializeRequest, LARGE_INITIALIZE, type RawRequest } from './raw-client.ts';

/** The sessions a request may name. */
export interface Ids {
  readonly live: string;
  readonly ended: string;
}

export interface Refusal {
  readonly what: string;
  readonly ask: RawRequest | ((ids: Ids) => RawRequest);
  readonly status: number;
  /** Of the JSON-RPC error. */
  readonly code: number;
}

const UNKNOWN = '4c1ec0ff-0000-4000-8000-000000000000';
export const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
export const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };
const FIVE_MIB = JSON.stringify(callRequest(1, 'echo', { message: 'x'.repeat(5 * 1_024 * 1_024) }));

const invalidRequest = -32600;
const parseError = -32700;
export const serverError = -32000;
const sessionNotFound = -32001;

const refuse = (status: number, code: number, rows: readonly [what: string, ask: Refusal['ask']][]) =>
  rows.map(([what, ask]): Refusal => ({ what, ask, status, code }));

export const SESSION_REFUSALS: readonly Refusal[] = [
  ...refuse(400, serverError, [
    ['POST of a request without session id', { body: LIST }],
    ['POST of notifications/initialized without session id (F04)', { body: INITIALIZED }],
    ['POST of an answer without session id', { body: { jsonrpc: '2.0', id: 1, result: {} } }],
    ['POST of a batch without session id', { body: [LIST, INITIALIZED] }],
    ['initialize as a notification', { body: { ...initializeRequest(), id: undefined } }],
    ['GET without session id', { method: 'GET' }],
    ['DELETE without session id', { method: 'DELETE' }],
    [
      'the probe of a 2026-07-28 client (F51)',
      { body: { jsonrpc: '2.0', id: 1, method: 'server/discover' } },
    ],
    [
      'a request of a 2026-07-28 client (F51)',
      {
        body: {
          ...LIST,
          params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
        },
      },
    ],
  ]),
  ...refuse(404, sessionNotFound, [
    ['POST with an unknown session id (F20)', { session: UNKNOWN, body: LIST }],
    ['POST with an ended one', ({ ended }) => ({ session: ended, body: LIST })],
    ['GET with an unknown one', { method: 'GET', session: UNKNOWN }],
    ['GET with an ended one', ({ ended }) => ({ method: 'GET', session: ended })],
    [
      'GET with an unknown one and Last-Event-ID',
      { method: 'GET', session: UNKNOWN, headers: { 'last-event-id': '1' } },
    ],
    ['DELETE with an unknown one', { method: 'DELETE', session: UNKNOWN }],
    ['DELETE with an ended one (F05)', ({ ended }) => ({ method: 'DELETE', session: ended })],
    ['a dead session before its bad body (F22)', { session: UNKNOWN, body: '{' }],
    ['an empty session id', { session: '', body: LIST }],
    ['a session id of 8 KB (F34)', { session: 'x'.repeat(8_192), body: LIST }],
    ['a session id beyond ASCII (F34)', { session: 'é', body: LIST }],
    ['the name of a property for a session id', { session: '__proto__', body: LIST }],
    ['the live id in capitals', ({ live }) => ({ session: live.toUpperCase(), body: LIST })],
    ['two ids, one of them live', ({ live }) => ({ session: `${live}, ${UNKNOWN}`, body: LIST })],
    ['the fingerprint of a live session (F33)', ({ live }) => ({ session: fingerprint(live), body: LIST })],
    ['initialize with an id of its own choice (F34)', { session: UNKNOWN, body: initializeRequest() }],
  ]),
  ...refuse(400, invalidRequest, [
    ['initialize on a live session (F56)', ({ live }) => ({ session: live, body: initializeRequest() })],
    ['a batch on 2025-11-25', ({ live }) => ({ session: live, body: [LIST] })],
    ['initialize in a batch', { body: [initializeRequest()] }],
    ['initialize among others in a batch', { body: [LIST, initializeRequest()] }],
  ]),
];

export const BODY_REFUSALS: readonly Refusal[] = [
  ...refuse(400, parseError, [
    ['half a JSON document', { body: '{"jsonrpc":"2.0",' }],
    ['no JSON', { body: 'hello' }],
    ['an empty body', { body: '' }],
    [
      'what is no UTF-8, instead of reading something else',
      ({ live }) => ({
        session: live,
        body: Buffer.from('{"jsonrpc":"2.0","id":"\xe9","method":"ping"}', 'latin1'),
      }),
    ],
    ['half a JSON document on a live session', ({ live }) => ({ session: live, body: '{' })],
  ]),
  ...refuse(400, invalidRequest, [
    ['an empty object', { body: {} }],
    ['null', { body: 'null' }],
    ['a number', { body: 7 }],
    ['an empty batch', { body: [] }],
    ['a batch of 101', { body: Array.from({ length: 101 }, () => LIST) }],
    ['a batch in a batch', { body: [[LIST]] }],
    ['another version of JSON-RPC', { body: { ...LIST, jsonrpc: '1.0' } }],
    ['null for an id', { body: { ...LIST, id: null } }],
    ['a fraction for an id', { body: { ...LIST, id: 1.5 } }],
    ['an object for an id', { body: { ...LIST, id: {} } }],
    ['a list for params', { body: { ...LIST, params: [1] } }],
    ['a number for a method', { body: { ...LIST, method: 1 } }],
    ['30,000 brackets (F49)', { body: '['.repeat(30_000) + ']'.repeat(30_000) }],
    [
      '100,000 brackets on a live session (F49)',
      ({ live }) => ({ session: live, body: '['.repeat(100_000) + ']'.repeat(100_000) }),
    ],
  ]),
  ...refuse(413, serverError, [
    ['an initialize of 70 KB, most of which its MCP server would keep (F45)', { body: LARGE_INITIALIZE }],
    ['a body of 5 MiB', { body: FIVE_MIB }],
    ['a body of 5 MiB without Content-Length (F49)', { body: FIVE_MIB, isChunked: true }],
    ['a body of 5 MiB on a live session', ({ live }) => ({ session: live, body: FIVE_MIB, isChunked: true })],
  ]),
];

const wrongAccept = [
  'application/json;q=0, */*',
  '*/*, text/*; Q=0.00',
  'application/json',
  'text/event-stream',
  'text/html',
  'application/xml, text/plain',
  '',
];
const wrongVersion = ['2026-07-28', '2025-11-24', 'DRAFT-2026', '', '2025-06-18, 2025-11-25'];

export const HEADER_REFUSALS: readonly Refusal[] = [
  ...refuse(406, serverError, [
    ...wrongAccept.map((accept): [string, RawRequest] => [
      `initialize with Accept: ${accept}`,
      { body: initializeRequest(), headers: { accept } },
    ]),
    ['GET with Accept: application/json', ({ live }) => get(live, { accept: 'application/json' })],
    ['GET with Accept: text/html', ({ live }) => get(live, { accept: 'text/html' })],
  ]),
  ...refuse(
    415,
    serverError,
    ['text/plain', 'application/json-seq', 'application/x-www-form-urlencoded', undefined].map((type) => [
      `initialize with Content-Type: ${type}`,
      { body: initializeRequest(), headers: { 'content-type': type } },
    ]),
  ),
  ...refuse(415, serverError, [
    [
      'a body that is encoded',
      ({ live }) => ({ session: live, body: gzipSync('{}'), headers: { 'content-encoding': 'gzip' } }),
    ],
  ]),
  ...refuse(400, serverError, [
    ...wrongVersion.map((version): [string, RawRequest] => [
      `initialize with MCP-Protocol-Version: ${version}`,
      { body: initializeRequest(), headers: { 'mcp-protocol-version': version } },
    ]),
    [
      'POST with an unsupported MCP-Protocol-Version',
      ({ live }) => ({ session: live, body: LIST, headers: { 'mcp-protocol-version': '2026-07-28' } }),
    ],
    [
      'GET with an unsupported MCP-Protocol-Version',
      ({ live }) => get(live, { 'mcp-protocol-version': '2026-07-28' }),
    ],
    [
      'DELETE with an unsupported MCP-Protocol-Version',
      ({ live }) => ({ method: 'DELETE', session: live, headers: { 'mcp-protocol-version': '2026-07-28' } }),
    ],
  ]),
  ...refuse(
    405,
    serverError,
    ['OPTIONS', 'PUT', 'PATCH', 'PROPFIND'].map((method) => [`${method}`, { method }]),
  ),
];

function get(session: string, headers: Record<string, string>): RawRequest {
  return { method: 'GET', session, headers };
}

export const INTRUDERS: readonly Record<string, string>[] = [
  { host: 'evil.example' },
  { host: 'localhost.evil.example:80' },
  { host: '127.0.0.1.evil.example' },
  { origin: 'https://evil.example' },
  { origin: 'http://localhost.evil.example' },
  { origin: 'null' },
  { origin: 'localhost' },
];

/** Requests that would be granted if they came from elsewhere. */
export const GUARDED: readonly [what: string, ask: Refusal['ask']][] = [
  ['initialize', { body: initializeRequest() }],
  ['POST', ({ live }) => ({ session: live, body: LIST })],
  ['GET', ({ live }) => get(live, {})],
  ['DELETE', ({ live }) => ({ method: 'DELETE', session: live })],
  ['OPTIONS', { method: 'OPTIONS' }],
  ['GET /health', { method: 'GET', path: '/health' }],
  ['GET /sessions', { method: 'GET', path: '/sessions' }],
  ['GET of what is not there', { method: 'GET', path: '/nothing' }],
];
