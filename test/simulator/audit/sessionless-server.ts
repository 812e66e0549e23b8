import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Launch } from '../../../simulator/targets/in-process.ts';
import { toolServers } from '../../broken-hubs/tools.ts';
import { withOptionals } from '../mcp/sdk-server.ts';
import { refuseWith } from './twisted.ts';

export interface SessionlessFaults {
  /** GET and DELETE go to the SDK's transport, which opens a stream and says that it deleted something. */
  readonly offersEverything?: boolean;
  /** Clients that left take the server with them. */
  readonly breaksOnAborts?: boolean;
  /** A number of sessions that grows with each request is shown. */
  readonly countsRequests?: boolean;
}

/** The SDK's pattern without sessions: a server and a transport for each request, closed with its response. */
export function sessionlessServer(faults: SessionlessFaults = {}): Launch {
  return () => {
    const createMcpServer = toolServers(undefined);
    let requests = 0;
    let isBroken = false;
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      requests += 1;
      response.once('close', () => {
        if (!response.writableFinished && faults.breaksOnAborts) isBroken = true;
      });
      if (isBroken) return refuseWith(response, 500);
      if (request.method !== 'POST' && !faults.offersEverything) return refuseWith(response, 405);
      const body = request.method === 'POST' ? await json(request) : undefined;
      const transport = new StreamableHTTPServerTransport({});
      const server = createMcpServer();
      response.once('close', () => void server.close());
      await server.connect(withOptionals(transport));
      await transport.handleRequest(request, response, body);
    };
    const server = createServer((request, response) => {
      if (request.url === '/health') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ sessions: faults.countsRequests ? requests : 0 }));
      } else if (request.url === '/mcp') {
        answer(request, response).catch(() => response.destroy());
      } else refuseWith(response, 404);
    });
    const shutdown = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return { server, shutdown };
  };
}
