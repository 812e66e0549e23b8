import type http from 'node:http';
import type { ClientEvent } from '../../../simulator/mcp/client-event.ts';
import type { McpClientOptions } from '../../../simulator/mcp/client-options.ts';
import { isObject, type JsonObject } from '../../../simulator/mcp/json-rpc.ts';
import { McpClient } from '../../../simulator/mcp/mcp-client.ts';
import { ManualClock } from './clocks.ts';
import { readBody, serveHttp, type TestServer } from './servers.ts';

export const SESSION_ID = 'session-1';
/** First 12 hex digits of SHA-256 of `session-1`. */
export const FINGERPRINT = '84097828fc31';

export type Handler = (
  message: JsonObject,
  response: http.ServerResponse,
  request: http.IncomingMessage,
) => void;

/** What the fake does with each JSON-RPC method (or `GET`, `DELETE`), where it is not the ordinary. */
export type Behaviour = Readonly<Record<string, Handler>>;

export interface FakeMcp extends TestServer {
  /** Every request: its head, and its message where it has one. */
  readonly requests: {
    readonly method: string;
    readonly headers: http.IncomingHttpHeaders;
    readonly message: JsonObject;
  }[];
}

/** The smallest MCP server: one session, answers in JSON, and misbehaves as told. */
export async function serveMcp(
  behaviour: Behaviour = {},
  options: http.ServerOptions = {},
): Promise<FakeMcp> {
  const requests: FakeMcp['requests'] = [];
  const server = await serveHttp(async (request, response) => {
    const body = await readBody(request);
    const parsed: unknown = body === '' ? {} : JSON.parse(body);
    const message = isObject(parsed) ? parsed : {};
    const method = request.method === 'POST' ? String(message.method ?? 'answer') : String(request.method);
    requests.push({ method, headers: request.headers, message });
    const handler = behaviour[method] ?? ORDINARY[method] ?? answerResult;
    handler(message, response, request);
  }, options);
  return { ...server, requests };
}

const ORDINARY: Behaviour = {
  initialize: ({ id, params }, response) => {
    const protocolVersion = isObject(params) ? params.protocolVersion : undefined;
    const result = { protocolVersion, capabilities: {}, serverInfo: { name: 'fake', version: '1' } };
    response.setHeader('Mcp-Session-Id', SESSION_ID);
    sendJson(response, 200, { jsonrpc: '2.0', id, result });
  },
  'notifications/initialized': (_message, response) => response.writeHead(202).end(),
  answer: (_message, response) => response.writeHead(202).end(),
  GET: (_message, response) => openEvents(response),
  DELETE: (_message, response) => response.writeHead(200).end(),
};

function answerResult({ id }: JsonObject, response: http.ServerResponse): void {
  sendJson(response, 200, { jsonrpc: '2.0', id, result: {} });
}

export function sendJson(response: http.ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

export function openEvents(response: http.ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
}

export function sendEvent(response: http.ServerResponse, message: JsonObject): void {
  response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
}

export interface Heard {
  readonly client: McpClient;
  readonly clock: ManualClock;
  readonly events: ClientEvent[];
}

/** A client of a test server, on a clock that stands still, whose events are kept. */
export function connect(
  server: Pick<TestServer, 'dial' | 'endpoint'>,
  options: Partial<McpClientOptions> = {},
): Heard {
  const clock = new ManualClock();
  const events: ClientEvent[] = [];
  const client = new McpClient({
    dial: server.dial,
    endpoint: server.endpoint,
    clock,
    emit: (event) => events.push(event),
    protocolVersion: '2025-11-25',
    clientInfo: { name: 'test', version: '1' },
    requestTimeoutMs: 5000,
    ...options,
  });
  return { client, clock, events };
}

/** Events in short: `request-sent 1 handshake`. Times are left out. */
export function inShort(events: readonly ClientEvent[]): string[] {
  return events.map((event) => {
    const { kind, at: _at, ...details } = event;
    const words = Object.entries(details).map(([name, value]) =>
      typeof value === 'boolean' ? (value ? name : '') : value,
    );
    return [kind, ...words].filter((word) => word !== '').join(' ');
  });
}
