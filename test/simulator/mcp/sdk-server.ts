import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import * as z from 'zod';
import { sendJson } from './fake-mcp.ts';
import { serveHttp, type TestServer } from './servers.ts';

export interface SdkServer extends TestServer {
  /** The server objects of the sessions, by session id. */
  readonly sessions: Map<
    string,
    { readonly mcp: McpServer; readonly transport: StreamableHTTPServerTransport }
  >;
  readonly headers: http.IncomingHttpHeaders[];
}

/** The pattern of the SDK's documentation: one transport and one server per session, in a map. */
export async function serveSdk({ json }: { json: boolean }): Promise<SdkServer> {
  const sessions: SdkServer['sessions'] = new Map();
  const headers: http.IncomingHttpHeaders[] = [];
  const server = await serveHttp(async (request, response) => {
    headers.push(request.headers);
    const id = request.headers['mcp-session-id'];
    if (typeof id === 'string') {
      const session = sessions.get(id);
      if (session) return session.transport.handleRequest(request, response);
      return sendJson(response, 404, {
        jsonrpc: '2.0',
        id: null,
        error: { code: -32001, message: 'Session not found' },
      });
    }
    const mcp = buildServer();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      enableJsonResponse: json,
      onsessioninitialized: (sessionId) => void sessions.set(sessionId, { mcp, transport }),
      onsessionclosed: (sessionId) => void sessions.delete(sessionId),
    });
    await mcp.connect(withOptionals(transport));
    return transport.handleRequest(request, response);
  });
  return { ...server, sessions, headers };
}

/** The SDK's classes declare `onclose` with `| undefined`, which exactOptionalPropertyTypes minds. */
export function withOptionals(transport: object): Transport {
  if (!('start' in transport && 'send' in transport && 'close' in transport))
    throw new TypeError('no transport');
  return transport as Transport;
}

function buildServer(): McpServer {
  const mcp = new McpServer({ name: 'sdk', version: '1.0.0' }, { capabilities: { logging: {} } });
  mcp.registerTool(
    'echo',
    { description: 'says it again', inputSchema: { text: z.string() } },
    ({ text }) => ({
      content: [{ type: 'text', text }],
    }),
  );
  mcp.registerTool('fail', { description: 'throws' }, () => {
    throw new Error('as told');
  });
  mcp.registerTool(
    'count',
    { inputSchema: { to: z.number() } },
    async ({ to }, { _meta, sendNotification }) => {
      const progressToken = _meta?.progressToken;
      for (let progress = 1; progress <= to && progressToken !== undefined; progress += 1) {
        await sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress, total: to },
        });
      }
      return { content: [{ type: 'text', text: `counted to ${to}` }] };
    },
  );
  return mcp;
}
