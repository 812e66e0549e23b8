import { randomUUID } from 'node:crypto';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  type InitializeRequest,
  isInitializeRequest,
  isJSONRPCNotification,
  isJSONRPCRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { type Request, type Response, Router } from 'express';
import type { DefectName } from './defects.ts';
import { refuse } from './refusal.ts';
import type { SdkSession } from './sdk-session.ts';
import type { Sessions } from './sessions.ts';

export interface McpRouteParts {
  readonly sessions: Sessions;
  readonly defect: DefectName | undefined;
  readonly createServer: () => McpServer;
  readonly isDraining: () => boolean;
}

/** POST, GET and DELETE on /mcp as in the SDK's example, around its own transport. */
export function mcpRoutes(parts: McpRouteParts): Router {
  const router = Router();
  router.post('/mcp', async (request, response) => {
    const session = findSession(parts, request);
    if (session) await receive(parts, session, request, response);
    else if (hasSessionId(request)) refuseUnknown(parts, response);
    else if (isJSONRPCRequest(request.body) && isInitializeRequest(request.body)) {
      await open(parts, request.body, request, response);
    } else refuse(response, 'session-id-required');
  });
  router.get('/mcp', async (request, response) => {
    const session = findSession(parts, request);
    if (!session) return refuseUnknown(parts, response, request);
    if (parts.isDraining()) return refuse(response, 'draining');
    // What is no stream the transport refuses: the one that is open must not suffer for it.
    if (request.headers.accept?.includes('text/event-stream')) parts.sessions.openStream(session, response);
    await session.transport.handleRequest(request, response);
  });
  router.delete('/mcp', async (request, response) => {
    const session = findSession(parts, request);
    if (!session) return refuseUnknown(parts, response, request);
    await parts.sessions.end(session, 'client');
    response.status(200).end();
  });
  router.all('/mcp', (_request, response) => refuse(response, 'method-not-allowed'));
  return router;
}

/** A POST on a session. From finding it to handing it over nothing is awaited, so no sweep comes between (F17). */
async function receive(
  parts: McpRouteParts,
  session: SdkSession,
  request: Request,
  response: Response,
): Promise<void> {
  const messages: unknown[] = Array.isArray(request.body) ? request.body : [request.body];
  const calls = messages.filter((message) => isJSONRPCRequest(message));
  if (parts.isDraining() && calls.length > 0) return refuse(response, 'draining');
  // The SDK's transport routes answers by id: the second would get the first one's, the first nothing (F28).
  const inFlight = new Set([...session.calls.values()].flat());
  if (calls.some(({ id }) => inFlight.has(id))) return refuse(response, 'id-in-flight');
  if (messages.some(completesHandshake)) session.isHandshakeDone = true;
  // Answers to pings come with a stream: where that is no activity, they are none either.
  const isAnswer = calls.length === 0 && !messages.some((message) => isJSONRPCNotification(message));
  if (!isAnswer || parts.defect !== 'stream-is-no-activity') session.touch();
  if (calls.length > 0) {
    parts.sessions.trackCalls(
      session,
      response,
      calls.map((call) => call.id),
    );
  }
  await session.transport.handleRequest(request, response, request.body);
}

/** A POST that opens a session. Its slot is held until it is registered or refused. */
async function open(
  parts: McpRouteParts,
  message: InitializeRequest,
  request: Request,
  response: Response,
): Promise<void> {
  const { sessions } = parts;
  if (parts.isDraining() && parts.defect !== 'accepts-while-draining') {
    sessions.countRefused();
    return refuse(response, 'draining');
  }
  const release = sessions.reserve();
  if (!release) {
    sessions.countRefused();
    return refuse(response, 'too-many-sessions');
  }
  const server = parts.createServer();
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => {
      release();
      sessions.register(id, { transport, server, clientInfo: message.params.clientInfo });
    },
  });
  try {
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  } finally {
    release();
    const session = sessions.find(transport.sessionId ?? '');
    // Refused by the transport, or answered with an error: nobody knows this id (F02, F03).
    if (!session) await server.close();
    else if (!server.server.getClientVersion()) await sessions.end(session, 'error');
  }
}

function hasSessionId(request: Request): boolean {
  return request.headers['mcp-session-id'] !== undefined;
}

function findSession(parts: McpRouteParts, request: Request): SdkSession | undefined {
  const id = request.headers['mcp-session-id'];
  return typeof id === 'string' ? parts.sessions.find(id) : undefined;
}

function refuseUnknown(parts: McpRouteParts, response: Response, request?: Request): void {
  if (request && !hasSessionId(request)) refuse(response, 'session-id-required');
  else refuse(response, 'session-not-found', parts.defect === '400-for-unknown-session' ? 400 : undefined);
}

/** notifications/initialized does, and so does any call but ping: some clients skip the notification. */
function completesHandshake(message: unknown): boolean {
  if (isJSONRPCNotification(message)) return message.method === 'notifications/initialized';
  return isJSONRPCRequest(message) && message.method !== 'ping';
}
