/* Sessions with v2 of the SDK, as its serving guide shows them: one server and transport a session, kept in a map. */
import { randomUUID } from 'node:crypto';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { isInitializeRequest, McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import * as z from 'zod';

const transports = new Map();

function createServer() {
  const server = new McpServer({ name: 'sdk-v2-example', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: z.object({ message: z.string() }) }, async ({ message }) => ({
    content: [{ type: 'text', text: message }],
  }));
  server.registerTool('sleep', { inputSchema: z.object({ ms: z.number() }) }, async ({ ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { content: [{ type: 'text', text: `slept ${ms} ms` }] };
  });
  return server;
}

const app = express();
app.use(express.json());

app.post('/mcp', async (request, response) => {
  const id = request.headers['mcp-session-id'];
  if (id !== undefined) {
    await handle(id, request, response);
  } else if (isInitializeRequest(request.body)) {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (sessionId) => {
        transports.set(sessionId, transport);
      },
    });
    transport.onclose = () => {
      transports.delete(transport.sessionId);
    };
    await createServer().connect(transport);
    await transport.handleRequest(request, response, request.body);
  } else {
    response
      .status(400)
      .json({ jsonrpc: '2.0', error: { code: -32000, message: 'No session id' }, id: null });
  }
});
app.get('/mcp', (request, response) => handle(request.headers['mcp-session-id'], request, response));
app.delete('/mcp', (request, response) => handle(request.headers['mcp-session-id'], request, response));

async function handle(id, request, response) {
  const transport = transports.get(id);
  if (transport) await transport.handleRequest(request, response, request.body);
  else
    response
      .status(404)
      .json({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null });
}

app.listen(Number(process.env.PORT), '127.0.0.1');
