import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type JSONRPCMessage,
  type MessageExtraInfo,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import type { Admission } from '../admission.ts';
import { type Messages, parseMessages, readJson } from '../body.ts';
import type { HubConfig } from '../config.ts';
import { HubError } from '../errors.ts';
import { guard } from '../guard.ts';
import type { Caller } from '../identity.ts';
import type { HubLogger } from '../logger.ts';
import type { RefusalLog } from '../refusal-log.ts';
import type { ClientInfo, McpServerLike } from '../session.ts';
import type { SessionManager } from '../session-manager.ts';
import type { SessionTransport } from '../transport.ts';

export interface McpRouteParts {
  readonly config: HubConfig;
  readonly sessions: SessionManager;
  readonly admission: Admission;
  readonly refusals: RefusalLog;
  readonly logger: HubLogger;
  readonly createTransport: (sessionId: string) => SessionTransport;
  readonly createMcpServer: (sessionId: string) => McpServerLike;
  readonly isDraining: () => boolean;
}

/** Names and versions that clients give themselves are cut to this length. */
const MAX_CLIENT_TEXT = 100;

/** The only version that has batches (removed in 2025-06-18). */
const VERSION_WITH_BATCHES = '2025-03-26';

/**
 * The MCP endpoint as a plain request listener: mount it in an Express app (`app.all('/mcp', listener)`) or
 * call it directly. Checks everything that can be checked before anything is allocated (F02):
 * host and origin → authentication → method → Accept → protocol version → session → rate → body (F21).
 */
export function createMcpListener(parts: McpRouteParts) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    route(parts, request, response).catch((error: unknown) => refuse(parts, request, response, error));
  };
}

async function route(
  parts: McpRouteParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  guard(request, parts.config.allowedHosts);
  if (parts.isDraining()) response.setHeader('connection', 'close');
  const caller = await parts.admission.caller(request);
  switch (request.method) {
    case 'POST':
      return post(parts, caller, request, response);
    case 'GET':
      return get(parts, caller, request, response);
    case 'DELETE':
      return remove(parts, caller, request, response);
    default:
      throw new HubError('METHOD_NOT_ALLOWED');
  }
}

async function post(
  parts: McpRouteParts,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!accepts(request, 'application/json') || !accepts(request, 'text/event-stream')) {
    throw new HubError('NOT_ACCEPTABLE_POST');
  }
  checkVersion(request);
  // A dead session is answered before its body is read: clients that never notice repeat themselves (F22).
  const isNew = request.headers['mcp-session-id'] === undefined;
  const known = isNew ? undefined : await parts.admission.use(request, caller);
  if (isNew && !parts.isDraining()) await parts.admission.newcomer(caller);
  const messages = parseMessages(await readJson(request, parts.config.maxBodyBytes));
  const incoming = { caller, messages, request, response };
  if (known) receive(parts, known.id, incoming);
  else await open(parts, incoming);
}

/** A POST whose body has been read. */
interface Incoming {
  readonly caller: Caller;
  readonly messages: Messages;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** A POST on a session. */
function receive(parts: McpRouteParts, sessionId: string, incoming: Incoming): void {
  const { caller, messages, request, response } = incoming;
  // Asked anew: the session may have ended while the body came in. From here on nothing is awaited (F17).
  const session = parts.sessions.peek(sessionId);
  const transport = parts.sessions.getTransport(sessionId);
  if (!session || !transport) throw new HubError('SESSION_NOT_FOUND');
  if (messages.isBatch && session.protocolVersion !== VERSION_WITH_BATCHES) {
    throw new HubError('BATCH_NOT_ALLOWED');
  }
  if (messages.list.some((message) => methodOf(message) === 'initialize')) {
    throw new HubError('ALREADY_INITIALIZED');
  }
  if (parts.isDraining() && messages.list.some(isCall)) throw new HubError('DRAINING');
  if (messages.list.some(completesHandshake)) parts.sessions.completeHandshake(sessionId);
  const exchange = transport.receive(
    { messages: messages.list, isBatch: messages.isBatch, extra: extraOf(request, caller) },
    response,
  );
  if (!exchange) response.writeHead(202, { 'content-length': 0 }).end();
}

/** A POST without a session: initialize, or an error. */
async function open(parts: McpRouteParts, incoming: Incoming): Promise<void> {
  const { caller, messages, request, response } = incoming;
  const [message] = messages.list;
  if (!message || methodOf(message) !== 'initialize' || !isCall(message)) {
    if (messages.isBatch && messages.list.some((entry) => methodOf(entry) === 'initialize')) {
      throw new HubError('BATCH_NOT_ALLOWED');
    }
    throw new HubError('SESSION_ID_REQUIRED');
  }
  if (messages.isBatch) throw new HubError('BATCH_NOT_ALLOWED');
  if (parts.isDraining()) {
    parts.sessions.countRefused();
    throw new HubError('DRAINING');
  }
  const transport = parts.createTransport(randomUUID());
  const releaseSlot = parts.sessions.reserveSlot(() => transport.end('handshake'), caller.client);
  let server: McpServerLike | undefined;
  try {
    server = parts.createMcpServer(transport.sessionId);
    await server.connect(transport);
    // Both can have happened only if connecting took its time.
    if (transport.isClosed) throw new HubError('INTERNAL', { detail: 'The session took too long to open.' });
    if (response.destroyed) throw new Error('The client left before its session was open.');
    initialize(parts, { transport, server, message, caller, request, response, releaseSlot });
  } catch (error) {
    releaseSlot();
    if (server) await server.close();
    throw error;
  }
}

interface Opening {
  readonly transport: SessionTransport;
  readonly server: McpServerLike;
  readonly message: JSONRPCMessage;
  readonly caller: Caller;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly releaseSlot: () => void;
}

/**
 * Lets the MCP server answer initialize. Only an answer with a result makes a session (F03); it is registered
 * in the same turn in which the answer is written, and takes the place of its slot in that turn: counted
 * twice, it would keep others out below the cap (F46). The slot is given back however this ends.
 */
function initialize(parts: McpRouteParts, opening: Opening): void {
  const { transport, server, message, caller, request, response, releaseSlot } = opening;
  const { client, identity } = caller;
  const sessionId = transport.sessionId;
  let isRegistered = false;
  transport.onclose = chain(transport.onclose, () => {
    releaseSlot();
    parts.sessions.removeSession(sessionId, 'error');
  });
  response.once('close', () => {
    if (isRegistered) return;
    // Refused by the MCP server, or the client left before the answer: nobody knows this id.
    transport.end('error');
    server.close().catch((error: unknown) => parts.logger.problem('server-close-failed', error));
  });
  transport.receive(
    {
      messages: [message],
      isBatch: false,
      extra: extraOf(request, caller),
      headers: { 'mcp-session-id': sessionId },
      beforeAnswer: (answer, exchange) => {
        if (!('result' in answer) || !exchange.isOpen) {
          delete exchange.headers['mcp-session-id'];
          return;
        }
        releaseSlot();
        isRegistered = true;
        const protocolVersion = String(answer.result.protocolVersion);
        const clientInfo = clientInfoOf(message);
        transport.protocolVersion = protocolVersion;
        parts.sessions.registerSession(sessionId, {
          transport,
          server,
          clientInfo,
          protocolVersion,
          client,
          identity,
          initializeParams: 'params' in message ? message.params : undefined,
        });
      },
    },
    response,
  );
}

async function get(
  parts: McpRouteParts,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!accepts(request, 'text/event-stream')) throw new HubError('NOT_ACCEPTABLE_GET');
  checkVersion(request);
  const session = await parts.admission.use(request, caller);
  if (parts.isDraining()) throw new HubError('DRAINING');
  const transport = parts.sessions.getTransport(session.id);
  if (!transport) throw new HubError('SESSION_NOT_FOUND');
  const lastEventId = request.headers['last-event-id'];
  if (typeof lastEventId === 'string' && lastEventId !== '') transport.resume(lastEventId, response);
  else transport.openStream(response);
}

/** Not limited: it gives back what the limits are there to protect. */
async function remove(
  parts: McpRouteParts,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  checkVersion(request);
  const session = await parts.admission.session(request, caller);
  parts.sessions.removeSession(session.id, 'client');
  response.writeHead(200, { 'content-length': 0 }).end();
}

function checkVersion(request: IncomingMessage): void {
  const version = request.headers['mcp-protocol-version'];
  if (version === undefined) return;
  if (SUPPORTED_PROTOCOL_VERSIONS.includes(String(version))) return;
  throw new HubError('UNSUPPORTED_VERSION', {
    detail: `It speaks ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}.`,
  });
}

/** Whether Accept allows a media type; no Accept at all allows everything (RFC 9110, 12.5.1). */
function accepts(request: IncomingMessage, mediaType: string): boolean {
  const accept = request.headers.accept;
  if (accept === undefined) return true;
  const [type] = mediaType.split('/');
  const ranges = accept.split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  return ranges.includes(mediaType) || ranges.includes(`${type}/*`) || ranges.includes('*/*');
}

function methodOf(message: JSONRPCMessage): string | undefined {
  return 'method' in message ? message.method : undefined;
}

function isCall(message: JSONRPCMessage): boolean {
  return 'method' in message && 'id' in message;
}

/**
 * notifications/initialized completes the handshake. So does any call but ping: some clients skip the
 * notification, and a session that is being used is not half open.
 */
function completesHandshake(message: JSONRPCMessage): boolean {
  if (methodOf(message) === 'notifications/initialized') return true;
  return isCall(message) && methodOf(message) !== 'ping';
}

function clientInfoOf(message: JSONRPCMessage): ClientInfo {
  const params: unknown = 'params' in message ? message.params?.clientInfo : undefined;
  const field = (name: string) => {
    const value: unknown =
      typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
    return typeof value === 'string' ? value.slice(0, MAX_CLIENT_TEXT) : 'unknown';
  };
  return { name: field('name'), version: field('version') };
}

function extraOf(request: IncomingMessage, { authInfo }: Caller): MessageExtraInfo {
  return { requestInfo: { headers: request.headers }, ...(authInfo && { authInfo }) };
}

function chain(first: (() => void) | undefined, second: () => void): () => void {
  return () => {
    first?.();
    second();
  };
}

/** Answers with the error as JSON-RPC. Whatever is no HubError is a defect, and logged as one. */
function refuse(
  parts: McpRouteParts,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  const refusal = error instanceof HubError ? error : new HubError('INTERNAL', { cause: error });
  if (refusal.code === 'INTERNAL' && !request.destroyed) parts.logger.problem('request-failed', error);
  else parts.logger.refused(refusal, request.method ?? '');
  parts.refusals.refused(refusal);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = refusal.body();
  response.writeHead(refusal.status, {
    ...refusal.headers,
    // What is left of a body too large to read is not read: the connection cannot be used again.
    ...(refusal.code === 'BODY_TOO_LARGE' && { connection: 'close' }),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
