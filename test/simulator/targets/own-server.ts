import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const from = (name: string) => JSON.stringify(import.meta.resolve(name));

/**
 * A server as the SDK's documentation shows it: Express, a map of transports, and a sweep for idle sessions.
 * `tail`: how it is offered or started.
 */
export function serverSource(tail: string, { timeoutMs = 60_000 }: { timeoutMs?: number } = {}): string {
  return `
import { randomUUID } from 'node:crypto';
import express from ${from('express')};
import { McpServer } from ${from('@modelcontextprotocol/sdk/server/mcp.js')};
import { StreamableHTTPServerTransport } from ${from('@modelcontextprotocol/sdk/server/streamableHttp.js')};
import { z } from ${from('zod')};

const app = express();
app.use(express.json());
const sessions: Map<string, { transport: StreamableHTTPServerTransport; usedAt: number }> = new Map();

function makeServer() {
  const server = new McpServer({ name: 'own', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: { message: z.string() } }, async ({ message }) => ({
    content: [{ type: 'text', text: message }],
  }));
  return server;
}

app.all('/mcp', async (request, response) => {
  const id = request.headers['mcp-session-id'];
  const known = typeof id === 'string' ? sessions.get(id) : undefined;
  if (known) {
    known.usedAt = performance.now();
    return known.transport.handleRequest(request, response, request.body);
  }
  if (id !== undefined) {
    return response.status(404).json({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null });
  }
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (sessionId) => void sessions.set(sessionId, { transport, usedAt: performance.now() }),
    onsessionclosed: (sessionId) => void sessions.delete(sessionId),
  });
  await makeServer().connect(transport);
  return transport.handleRequest(request, response, request.body);
});
app.get('/health', (_, response) => void response.json({ sessions: sessions.size, pid: process.pid }));
app.get('/metrics', (_, response) => void response.type('text/plain').send('# TYPE own_sessions gauge\\nown_sessions{kind="live"} ' + sessions.size + '\\n'));
setInterval(() => {
  for (const [id, { transport, usedAt }] of sessions) {
    if (performance.now() - usedAt < ${timeoutMs}) continue;
    sessions.delete(id);
    void transport.close();
  }
}, ${timeoutMs / 4}).unref();
${tail}
`;
}

/** A folder for one test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-own-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes a module into a folder of its own; returns its path. */
export function moduleFile(source: string): string {
  const file = join(tempDir(), 'server.ts');
  writeFileSync(file, source);
  return file;
}

/** A port that was free a moment ago: a command has to be told its own beforehand. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
