import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admission } from '../admission.ts';
import { type Messages, parseMessages, readJson } from '../body.ts';
import type { HubConfig } from '../config.ts';
import { HubError } from '../errors.ts';
import { guard } from '../guard.ts';
import type { Caller } from '../identity.ts';
import type { HubLogger } from '../logger.ts';
import {
  admitMessages,
  checkVersion,
  initializeOf,
  MAX_INITIALIZE_BYTES,
  noSession,
} from '../message-rules.ts';
import type { RefusalLog } from '../refusal-log.ts';
import type { McpServerLike } from '../session.ts';
import type { SessionManager } from '../session-manager.ts';
import { type Carrier, extraOf, openSession } from '../session-opening.ts';
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
  const { maxBodyBytes } = parts.config;
  const maxBytes = isNew ? Math.min(maxBodyBytes, MAX_INITIALIZE_BYTES) : maxBodyBytes;
  const messages = parseMessages(await readJson(request, maxBytes));
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
  if (!session || !transport) throw noSession(parts.sessions);
  admitMessages(parts, session, messages);
  const exchange = transport.receive(
    { messages: messages.list, isBatch: messages.isBatch, extra: extraOf(request, caller) },
    response,
  );
  if (!exchange) response.writeHead(202, { 'content-length': 0 }).end();
}

/** A POST without a session: initialize, or an error. */
async function open(parts: McpRouteParts, incoming: Incoming): Promise<void> {
  const { caller, messages, request, response } = incoming;
  const message = initializeOf(parts, messages);
  const transport = parts.createTransport(randomUUID());
  const releaseSlot = parts.sessions.reserveSlot(() => transport.end('handshake'), caller.client);
  const carrier: Carrier = {
    get isGone() {
      return response.destroyed;
    },
    onGone: (callback) => response.once('close', callback),
    deliver: (post) => transport.receive(post, response),
  };
  const extra = extraOf(request, caller);
  await openSession(parts, { transport, message, caller, extra, carrier, releaseSlot });
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
  const isDraining = parts.isDraining();
  const transport = parts.sessions.getTransport(session.id);
  if (!transport) throw noSession(parts.sessions);
  const lastEventId = request.headers['last-event-id'];
  if (typeof lastEventId === 'string' && lastEventId !== '') {
    transport.resume(lastEventId, response, { isDraining });
  } else if (isDraining) throw new HubError('DRAINING');
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

/**
 * Whether Accept allows a media type: the most specific range decides, and a weight of 0 forbids. No Accept at all
 * allows everything (RFC 9110, 12.5.1).
 */
function accepts(request: IncomingMessage, mediaType: string): boolean {
  const accept = request.headers.accept;
  if (accept === undefined) return true;
  const [type] = mediaType.split('/');
  const ranges = new Map(
    accept.split(',').map((range) => {
      const [name = '', ...parameters] = range.toLowerCase().split(';');
      return [name.trim(), !parameters.some((parameter) => /^\s*q=0(\.0*)?\s*$/.test(parameter))];
    }),
  );
  return ranges.get(mediaType) ?? ranges.get(`${type}/*`) ?? ranges.get('*/*') ?? false;
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
