import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express, { type Request } from 'express';
import * as z from 'zod';
import { type Planted, plant } from './planted-leak.ts';

/*
 * A server in the pattern of the SDK's example (Express, a McpServer and a transport per session, a Map of them), with a
 * leak planted in it:  node leak-server.ts [none | obj:32 | map | lru:200 | timer | socket | transport | call | events | weight:64] [port]
 * Says where it listens. GET /health tells how many sessions there are.
 */

const INPUT = { message: z.string() };
const EMIT = { count: z.number().int().min(0).max(10_000) };

const planted = plant(process.argv[2] ?? 'none');
const transports = new Map<string, StreamableHTTPServerTransport>();
const app = express();
app.use(express.json());

app.post('/mcp', async (request, response) => {
  const known = transportOf(request);
  if (known) {
    await known.handleRequest(request, response, request.body);
    return;
  }
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void transports.set(id, transport),
  });
  transport.onclose = () => {
    const id = transport.sessionId;
    if (id !== undefined && transports.delete(id)) planted.onSessionEnded(id, transport);
  };
  planted.onSessionOpened(transport);
  await toolServer(planted).connect(transport);
  await transport.handleRequest(request, response, request.body);
});
for (const method of ['get', 'delete'] as const) {
  app[method]('/mcp', async (request, response) => {
    const transport = transportOf(request);
    if (transport) await transport.handleRequest(request, response);
    else response.sendStatus(404);
  });
}
app.get('/health', (_request, response) => void response.json({ sessions: transports.size }));

const server = createServer({ keepAliveTimeout: 65_000 }, app);
server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  process.stdout.write(
    `${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${address.port}/mcp` })}\n`,
  );
});

function transportOf(request: Request): StreamableHTTPServerTransport | undefined {
  const id = request.headers['mcp-session-id'];
  return typeof id === 'string' ? transports.get(id) : undefined;
}

function toolServer({ onCall, onEvent }: Planted): McpServer {
  const mcp = new McpServer({ name: 'leak-server', version: '0.1.0' });
  mcp.registerTool('echo', { inputSchema: INPUT }, ({ message }) => {
    onCall();
    return { content: [{ type: 'text', text: message }] };
  });
  mcp.registerTool('emit', { inputSchema: EMIT }, async ({ count }, extra) => {
    const progressToken = extra._meta?.progressToken;
    for (let progress = 1; progress <= count && progressToken !== undefined; progress += 1) {
      const params = { progressToken, progress, total: count };
      onEvent(params);
      await extra.sendNotification({ method: 'notifications/progress', params });
    }
    return { content: [{ type: 'text', text: `emitted ${count}` }] };
  });
  return mcp;
}
