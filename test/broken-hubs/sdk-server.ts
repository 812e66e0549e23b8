import { createServer } from 'node:http';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { LocalServer } from '../../simulator/targets/in-process.ts';
import { adminRoutes } from './admin-routes.ts';
import { closeConnections, listenOnLoopback, stopAccepting } from './closing.ts';
import type { DefectName } from './defects.ts';
import { mcpRoutes } from './mcp-routes.ts';
import type { SdkPolicy } from './policy.ts';
import { refuse } from './refusal.ts';
import { Sessions } from './sessions.ts';
import { toolServers } from './tools.ts';

export interface SdkServer extends LocalServer {
  readonly app: Express;
  /** Listens on loopback; resolves with the URL of the MCP endpoint. */
  listen(port?: number): Promise<string>;
}

const MAX_BODY = '4mb';
/** Longer than clients keep idle connections, so that it is not the server that cuts first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const FORGOTTEN_TIMER_MS = 60_000;

/**
 * An MCP server in the pattern that the SDK documents (Express, McpServer, StreamableHTTPServerTransport and a
 * Map of them), with what a healthy one needs beside it. `defect` breaks it in one place; what it promises stays.
 */
export function createSdkServer(policy: SdkPolicy, defect?: DefectName): SdkServer {
  const sessions = new Sessions(policy, defect);
  let draining: Promise<void> | undefined;
  const isDraining = () => draining !== undefined;
  const app = express();
  app.disable('x-powered-by');
  app.use(refuseForeigners);
  app.use(express.json({ limit: MAX_BODY }));
  app.use(mcpRoutes({ sessions, defect, createServer: toolServers(defect), isDraining }));
  app.use(adminRoutes(policy, sessions, isDraining));
  app.use(answerError);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS }, app);
  if (defect === 'exit-held-by-timer') setInterval(() => undefined, FORGOTTEN_TIMER_MS);

  async function drainAndClose(): Promise<void> {
    // Still listening while calls finish: who comes now is told 503 and when to come back.
    if (defect === 'shutdown-hangs-on-streams') {
      // Pings would end the wait: nobody can connect to answer them, so every peer would count as dead.
      sessions.hush();
      await stopAccepting(server);
    }
    if (defect === 'shutdown-drops-calls') server.closeAllConnections();
    else await sessions.idle(policy.drainMs);
    await sessions.close();
    await closeConnections(server);
  }

  return {
    app,
    server,
    listen: (port) => listenOnLoopback(server, port),
    shutdown: () => {
      draining ??= drainAndClose();
      return draining;
    },
  };
}

const OWN_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Lets in only what calls this machine by its own name, from a page of its own (DNS rebinding, F35). */
function refuseForeigners(request: Request, response: Response, next: NextFunction): void {
  const { host = '', origin } = request.headers;
  const isOwnPage =
    origin === undefined || (URL.canParse(origin) && OWN_NAMES.includes(new URL(origin).hostname));
  if (isOwnPage && OWN_NAMES.includes(host.replace(/:\d+$/, ''))) next();
  else refuse(response, 'forbidden-origin');
}

/** Without it Express answers a body that it cannot read with a page of HTML (F49). */
function answerError(error: unknown, _request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const status: unknown = error instanceof Error ? Reflect.get(error, 'status') : undefined;
  if (status === 400) refuse(response, 'bad-json');
  else if (status === 413) refuse(response, 'body-too-large');
  else refuse(response, 'internal');
}
