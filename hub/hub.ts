import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { HubConfig } from './config.ts';
import { type ErrorCode, HubError } from './errors.ts';
import { guard } from './guard.ts';
import { Heartbeat } from './heartbeat.ts';
import { InFlight } from './in-flight.ts';
import { HubLogger } from './logger.ts';
import { LoopMonitor } from './loop-monitor.ts';
import { createMcpServer } from './mcp-server.ts';
import { adminRoutes } from './routes/admin.ts';
import { createMcpListener } from './routes/mcp.ts';
import type { McpServerLike } from './session.ts';
import { SessionManager } from './session-manager.ts';
import type { TransportHooks } from './transport.ts';

/** What may be put in place of the hub's own. */
export interface HubParts {
  /** Makes the MCP server of one session: a fresh one each time, the SDK connects a server only once. */
  readonly createMcpServer?: () => McpServerLike;
  readonly logger?: HubLogger;
}

export interface Hub {
  /** The whole hub as an Express app, to be mounted in another server. */
  readonly app: Express;
  /** The hub's own server. It calls the MCP endpoint before Express, which costs four times a bare request. */
  readonly server: Server;
  readonly sessions: SessionManager;
  /** Starts to listen; resolves with the URL of the MCP endpoint. */
  listen(): Promise<string>;
  /** Drains and ends everything; resolves when nothing of the hub is left. Idempotent. */
  shutdown(): Promise<void>;
}

const ENDPOINT = '/mcp';

/** Longer than the 60 s after which proxies give up idle connections, so that it is not the hub that cuts first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often Node looks for requests past their time-outs. */
const TIMEOUT_CHECK_MS = 1_000;
/** How long a peer may take to read the end of its stream before its connection is cut. */
const CLOSE_GRACE_MS = 500;
const CLOSE_CHECK_MS = 50;

/** Builds a hub. Nothing is shared between two of them. */
export function createHub(config: HubConfig, parts: HubParts = {}): Hub {
  const logger = parts.logger ?? new HubLogger(config.logLevel);
  const sessions = new SessionManager(config, logger);
  const heartbeat = new Heartbeat(config);
  const calls = new InFlight();
  const answers = new InFlight();
  const loop = new LoopMonitor();
  let draining: Promise<void> | undefined;
  const isDraining = () => draining !== undefined;

  const mcp = createMcpListener({
    config,
    sessions,
    logger,
    isDraining,
    hooks: transportHooks({ sessions, heartbeat, calls, answers, logger }),
    createMcpServer: parts.createMcpServer ?? createMcpServer,
  });
  const admin = adminRoutes({ config, sessions, calls, loop, isDraining, startedAt: performance.now() });
  const app = createApp(config, mcp, admin);
  const server = createHttpServer(config, (request, response) => {
    if (isEndpoint(request.url)) mcp(request, response);
    else app(request, response);
  });

  async function drainAndClose(): Promise<void> {
    const counts = () => ({ sessions: sessions.size, calls: calls.count });
    logger.shutdown('draining', counts());
    // Still listening: who comes now is told 503 and when to come back, not left with a refused connection.
    // Answers, not calls: a large one given to a slow reader is still on its way, and closing would cut it off.
    const isDrained = await answers.idle(config.drainMs);
    logger.shutdown(isDrained ? 'drained' : 'drain-deadline', counts());
    sessions.shutdown();
    heartbeat.close();
    loop.close();
    await closeConnections(server);
    logger.shutdown('closed', counts());
  }

  return {
    app,
    server,
    sessions,
    listen: async () => {
      const url = await listen(server, config);
      logger.listening({ ...addressOf(server), url });
      return url;
    },
    shutdown: () => {
      draining ??= drainAndClose();
      return draining;
    },
  };
}

function isEndpoint(url: string | undefined): boolean {
  return url === ENDPOINT || url?.startsWith(`${ENDPOINT}?`) === true;
}

interface HookParts {
  readonly sessions: SessionManager;
  readonly heartbeat: Heartbeat;
  /** Calls whose answer is owed. */
  readonly calls: InFlight;
  /** Those, and answers that have not left yet. */
  readonly answers: InFlight;
  readonly logger: HubLogger;
}

/** Keeps heartbeat, activity and the count of calls in step with what transports do. */
function transportHooks({ sessions, heartbeat, calls, answers, logger }: HookParts): TransportHooks {
  return {
    callStarted: (_transport, exchange) => {
      calls.enter();
      answers.enter();
      heartbeat.callStarted(exchange);
    },
    // A call's end is activity: a session is idle from the end of its last request on (F12).
    callEnded: (transport, exchange) => {
      calls.leave();
      heartbeat.callEnded(exchange);
      sessions.updateActivity(transport.sessionId);
    },
    answerLeft: () => answers.leave(),
    streamOpened: (transport) => {
      heartbeat.streamOpened(transport);
      const session = sessions.peek(transport.sessionId);
      if (session) logger.streamOpened(session.fingerprint);
    },
    streamEnded: (transport, reason) => {
      heartbeat.streamEnded(transport);
      sessions.updateActivity(transport.sessionId);
      const session = sessions.peek(transport.sessionId);
      if (session) logger.streamEnded(session.fingerprint, reason);
    },
  };
}

function createApp(
  config: HubConfig,
  mcp: (request: IncomingMessage, response: ServerResponse) => void,
  admin: express.Router,
): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.all(ENDPOINT, mcp);
  app.use((request, _response, next) => {
    guard(request, config.allowedHosts);
    next();
  });
  app.use(admin);
  app.use((_request, response) => {
    response
      .status(404)
      .json({ error: 'There is nothing here. The hub answers /mcp, /health and /sessions.' });
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const refusal = error instanceof HubError ? error : new HubError('INTERNAL', { cause: error });
    response.status(refusal.status).json({ error: refusal.message });
  });
  return app;
}

function createHttpServer(config: HubConfig, listener: RequestListener): Server {
  // What each connection is being answered at the moment.
  const answers = new WeakMap<Duplex, ServerResponse>();
  const server = createServer(
    {
      headersTimeout: config.headersTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (request, response) => {
      // A request sent ahead waits: it is the first one that is being answered.
      if (answers.get(request.socket)?.writableFinished !== false) answers.set(request.socket, response);
      listener(request, response);
    },
  );
  server.on('clientError', (error, socket) => answerBrokenRequest(error, socket, answers.get(socket)));
  return server;
}

const CLIENT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
};

/**
 * What Node refuses before there is a request gets a JSON-RPC body too. Not in the midst of another answer,
 * though: written into an event stream, it would be read as part of that.
 */
function answerBrokenRequest(
  error: Error & { code?: string },
  socket: Duplex,
  answer: ServerResponse | undefined,
): void {
  const isMidAnswer = answer?.headersSent === true && !answer.writableFinished;
  if (error.code === 'ECONNRESET' || !socket.writable || isMidAnswer) {
    socket.destroy();
    return;
  }
  const refusal = new HubError(CLIENT_ERRORS[error.code ?? ''] ?? 'BAD_HTTP');
  const body = refusal.body();
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function listen(server: Server, config: HubConfig): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, () => {
      server.off('error', reject);
      const { host, port } = addressOf(server);
      resolve(`http://${host}:${port}${ENDPOINT}`);
    });
  });
}

function addressOf(server: Server): { host: string; port: number } {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('The hub does not listen on a port.');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { host, port: address.port };
}

/** Takes no new connection. The promise resolves once the last one there is has ended. */
function stopAccepting(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => server.close(() => resolve()));
}

/**
 * Ends the connections that are left. A connection whose stream has just ended turns idle only once that is
 * written, so one closeIdleConnections() is not enough (F38); peers that do not read are cut after a grace.
 */
async function closeConnections(server: Server): Promise<void> {
  const closed = stopAccepting(server);
  server.closeIdleConnections();
  const check = setInterval(() => server.closeIdleConnections(), CLOSE_CHECK_MS);
  const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  try {
    await closed;
  } finally {
    clearInterval(check);
    clearTimeout(grace);
  }
}
