import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isObject, type JsonObject } from '../../../simulator/mcp/json-rpc.ts';
import type { Launch } from '../../../simulator/targets/in-process.ts';

/** How a method of the small server is answered: with a status alone, with a result, not at all, or by hand. */
export type Answer = number | JsonObject | 'never' | ((response: ServerResponse) => void);

/** The smallest server that a fleet can run against; each method does as it is told. */
export function smallServer(
  answers: Record<string, (params: JsonObject, request: IncomingMessage, id: unknown) => Answer>,
): Launch {
  return () => {
    let sessions = 0;
    const server = createServer(async (request, response) => {
      let text = '';
      for await (const piece of request) text += piece;
      const parsed: unknown = text === '' ? {} : JSON.parse(text);
      const message = isObject(parsed) ? parsed : {};
      const method = request.method === 'POST' ? String(message.method) : String(request.method);
      if (method === 'initialize') {
        sessions += 1;
        response.setHeader('Mcp-Session-Id', `session-${sessions}`);
      }
      const params = isObject(message.params) ? message.params : {};
      const answer = answers[method]?.(params, request, message.id) ?? ordinary(method);
      if (typeof answer === 'function') answer(response);
      else if (answer !== 'never') send(response, message.id, answer);
    });
    return { server, shutdown: async () => void server.close() };
  };
}

function ordinary(method: string): Answer {
  if (method === 'initialize') {
    return { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'small', version: '1' } };
  }
  return method.startsWith('notifications/') ? 202 : {};
}

function send(response: ServerResponse, id: unknown, answer: number | JsonObject): void {
  if (typeof answer === 'number') return void response.writeHead(answer).end();
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result: answer }));
}
