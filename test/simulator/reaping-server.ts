import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isObject } from '../../simulator/mcp/json-rpc.ts';
import type { Launch } from '../../simulator/targets/in-process.ts';

export interface ReapingOptions {
  readonly timeoutMs: number;
  /** Sweeps this often; without it a session is looked at when it is asked for. */
  readonly sweepMs?: number;
  /** Counts its sessions at `/health`. */
  readonly isCounting?: boolean;
  /** Clients may not end sessions. */
  readonly isDeleteRefused?: boolean;
}

/** The smallest server that ends idle sessions; `pings`: how often each session was asked. */
export function reapingServer(options: ReapingOptions): { launch: Launch; pings: Map<string, number> } {
  const usedAt = new Map<string, number>();
  const pings = new Map<string, number>();
  const isDue = (id: string) => performance.now() - (usedAt.get(id) ?? 0) >= options.timeoutMs;
  let opened = 0;

  function answer(request: IncomingMessage, response: ServerResponse, text: string): void {
    if (request.url === '/health' && options.isCounting) {
      response.end(JSON.stringify({ sessions: usedAt.size }));
      return;
    }
    if (request.url !== '/mcp') {
      response.writeHead(404).end();
      return;
    }
    const parsed: unknown = text === '' ? {} : JSON.parse(text);
    const message = isObject(parsed) ? parsed : {};
    const send = (result: object) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    };
    if (message.method === 'initialize') {
      opened += 1;
      usedAt.set(`s${opened}`, performance.now());
      response.setHeader('mcp-session-id', `s${opened}`);
      const serverInfo = { name: 'reaping', version: '1' };
      send({ protocolVersion: '2025-11-25', capabilities: {}, serverInfo });
      return;
    }
    const id = String(request.headers['mcp-session-id']);
    if (message.method === 'ping') pings.set(id, (pings.get(id) ?? 0) + 1);
    if (options.sweepMs === undefined && isDue(id)) usedAt.delete(id);
    if (!usedAt.has(id)) response.writeHead(404).end();
    else if (request.method === 'DELETE') {
      if (!options.isDeleteRefused) usedAt.delete(id);
      response.writeHead(options.isDeleteRefused ? 405 : 204).end();
    } else {
      usedAt.set(id, performance.now());
      if (message.id === undefined) response.writeHead(202).end();
      else send({});
    }
  }

  const launch: Launch = () => {
    const server = createServer(async (request, response) => {
      let text = '';
      for await (const piece of request) text += piece;
      answer(request, response, text);
    });
    const { sweepMs } = options;
    const sweep = () => {
      for (const id of [...usedAt.keys()]) if (isDue(id)) usedAt.delete(id);
    };
    if (sweepMs !== undefined) setInterval(sweep, sweepMs).unref();
    return { server, shutdown: async () => void server.close() };
  };
  return { launch, pings };
}
