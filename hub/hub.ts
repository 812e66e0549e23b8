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
import type { BearerAuthMiddlewareOptions } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { Admission } from './admission.ts';
import { AgentRegistry } from './agents.ts';
import type { HubConfig } from './config.ts';
import { Conversations } from './conversations.ts';
import { type ErrorCode, HubError } from './errors.ts';
import { refuseExposure } from './exposure.ts';
import { guard } from './guard.ts';
import { Heartbeat } from './heartbeat.ts';
import { Identity } from './identity.ts';
import { InFlight } from './in-flight.ts';
import { HubLogger } from './logger.ts';
import { LoopMonitor } from './loop-monitor.ts';
import { createMcpServer } from './mcp-server.ts';
import { HubMetrics } from './metrics.ts';
import { RateLimits } from './rate-limit.ts';
import { RefusalLog } from './refusal-log.ts';
import { adminRoutes } from './routes/admin.ts';
import { createMcpListener } from './routes/mcp.ts';
import type { McpServerContext } from './server-context.ts';
import type { McpServerLike } from './session.ts';
import { type Makers, SessionKeeper } from './session-keeper.ts';
import { SessionManager } from './session-manager.ts';
import type { SessionStore } from './session-store.ts';
import { SqliteStore } from './sqlite-store.ts';
import { SessionTransport, type TransportHooks } from './transport.ts';

/** What may be put in place of the hub's own. */
export interface HubParts {
  /** Where sessions are kept beyond the life of the process, instead of the `store` setting. */
  readonly store?: SessionStore;
  /** Makes the MCP server of one session: a fresh one each time, the SDK connects a server only once. */
  readonly createMcpServer?: (context: McpServerContext) => McpServerLike;
  readonly logger?: HubLogger;
  /**
   * Demands access tokens that this verifier knows, and verifies every request anew: what is worth keeping, it
   * keeps itself. The options are those of the SDK's `requireBearerAuth`.
   */
  readonly auth?: BearerAuthMiddlewareOptions;
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

/** What a client waits before it opens its stream again, unless told otherwise. */
const STREAM_RETRY_MS = 3_000;

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
  const agents = new AgentRegistry();
  const conversations = new Conversations();
  const keeper = new SessionKeeper(
    parts.store ?? (config.store === '' ? undefined : new SqliteStore(config.store)),
  );
  const sessions = new SessionManager(config, logger, {
    sessionOpened: (session, opened) => keeper.sessionOpened(session, opened),
    handshakeCompleted: (session) => keeper.handshakeCompleted(session),
    sessionEnded: (session, reason) => {
      keeper.sessionEnded(session, reason);
      const agent = agents.sessionEnded(session.id);
      if (agent) conversations.agentEnded(agent);
      metrics.sessionEnded(reason, performance.now() - session.createdAt);
    },
  });
  const identity = new Identity({ tokens: config.authTokens, oauth: parts.auth });
  const limits = new RateLimits(config);
  const refusals = new RefusalLog(logger);
  const heartbeat = new Heartbeat(config);
  const calls = new InFlight();
  const answers = new InFlight();
  const streams = new InFlight();
  const loop = new LoopMonitor();
  const metrics = new HubMetrics({ sessions, calls, streams, agents, conversations, loop });
  const makeServer = parts.createMcpServer ?? createMcpServer;
  let draining: Promise<void> | undefined;
  const isDraining = () => draining !== undefined;

  const hooks = transportHooks({ sessions, heartbeat, calls, answers, streams, metrics, logger });
  const makers: Makers = {
    createTransport: (sessionId) =>
      new SessionTransport({
        ...streamOptions(config),
        sessionId,
        hooks,
        keeper: keeper.streamKeeper(sessionId),
      }),
    createMcpServer: (sessionId) =>
      makeServer({
        session: () => sessions.peek(sessionId),
        agents,
        conversations,
        logger,
        messageSent: (delivered) => metrics.messageSent(delivered),
      }),
  };
  const restored = keeper.restore(sessions, makers);
  // Whoever waits for it is told; until then it is nobody's unhandled rejection.
  restored.catch(() => undefined);
  const mcpListener = createMcpListener({
    config,
    sessions,
    admission: new Admission({ identity, sessions, limits, refusals }),
    refusals,
    logger,
    isDraining,
    ...makers,
  });
  const mcp = counted(mcpListener, metrics);
  const startedAt = performance.now();
  const observed = { sessions, agents, conversations, calls, loop, metrics };
  const admin = adminRoutes({ config, ...observed, isDraining, startedAt });
  const app = createApp({ config, identity, refusals, mcp, admin });
  const server = createHttpServer(config, (request, response) => {
    if (isEndpoint(request.url)) mcp(request, response);
    else app(request, response);
  });

  return {
    app,
    server,
    sessions,
    listen: async () => {
      refuseExposure(config, identity.isRequired);
      await restored;
      const url = await listen(server, config);
      logger.listening({ ...addressOf(server), url });
      return url;
    },
    shutdown: () => {
      const closed = [heartbeat, loop, limits, refusals, keeper];
      draining ??= drainAndClose({ config, logger, sessions, calls, answers, server, closed });
      return draining;
    },
  };
}

interface Closing {
  readonly config: HubConfig;
  readonly logger: HubLogger;
  readonly sessions: SessionManager;
  readonly calls: InFlight;
  readonly answers: InFlight;
  readonly server: Server;
  /** What holds timers, and is of no use without sessions. */
  readonly closed: readonly { close(): void }[];
}

async function drainAndClose(hub: Closing): Promise<void> {
  const { config, logger, sessions, calls, answers, server, closed } = hub;
  const counts = () => ({ sessions: sessions.size, calls: calls.count });
  logger.shutdown('draining', counts());
  // Still listening: who comes now is told 503 and when to come back, not left with a refused connection.
  // Answers, not calls: a large one given to a slow reader is still on its way, and closing would cut it off.
  const isDrained = await answers.idle(config.drainMs);
  logger.shutdown(isDrained ? 'drained' : 'drain-deadline', counts());
  sessions.shutdown();
  for (const part of closed) part.close();
  await closeConnections(server);
  logger.shutdown('closed', counts());
}

function streamOptions({ maxEvents, maxEventBytes, eventAgeMs, maxBufferedBytes }: HubConfig) {
  const events = { maxEvents, maxBytes: maxEventBytes, maxAgeMs: eventAgeMs };
  return { retryMs: STREAM_RETRY_MS, events, maxBufferedBytes };
}

function isEndpoint(url: string | undefined): boolean {
  return url === ENDPOINT || url?.startsWith(`${ENDPOINT}?`) === true;
}

/** Counts requests by what they were answered, when that has ended, wherever it was decided. */
function counted(listener: RequestListener, metrics: HubMetrics): RequestListener {
  return (request, response) => {
    response.once('close', () => {
      metrics.requestEnded(request.method, response.headersSent ? response.statusCode : undefined);
    });
    listener(request, response);
  };
}

interface HookParts {
  readonly sessions: SessionManager;
  readonly heartbeat: Heartbeat;
  /** Calls whose answer is owed. */
  readonly calls: InFlight;
  /** Those, and answers that have not left yet. */
  readonly answers: InFlight;
  readonly streams: InFlight;
  readonly metrics: HubMetrics;
  readonly logger: HubLogger;
}

/** Keeps heartbeat, activity and the count of calls in step with what transports do. */
function transportHooks(parts: HookParts): TransportHooks {
  const { sessions, heartbeat, calls, answers, streams, metrics, logger } = parts;
  return {
    operationEnded: (method, durationMs) => metrics.operationEnded(method, durationMs),
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
      streams.enter();
      heartbeat.streamOpened(transport);
      const session = sessions.peek(transport.sessionId);
      if (session) logger.streamOpened(session.fingerprint);
    },
    streamEnded: (transport, reason) => {
      streams.leave();
      heartbeat.streamEnded(transport);
      sessions.updateActivity(transport.sessionId);
      const session = sessions.peek(transport.sessionId);
      if (session) logger.streamEnded(session.fingerprint, reason);
    },
  };
}

interface AppParts {
  readonly config: HubConfig;
  readonly identity: Identity;
  readonly refusals: RefusalLog;
  readonly mcp: (request: IncomingMessage, response: ServerResponse) => void;
  readonly admin: express.Router;
}

function createApp({ config, identity, refusals, mcp, admin }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.all(ENDPOINT, mcp);
  app.use(async (request, _response, next) => {
    guard(request, config.allowedHosts);
    // Orchestrators have no token. Whatever else there is shows more than counts.
    if (request.path !== '/health') await identity.caller(request);
    next();
  });
  app.use(admin);
  app.use((_request, response) => {
    response
      .status(404)
      .json({ error: 'There is nothing here. The hub answers /mcp, /health, /sessions and /metrics.' });
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const refusal = error instanceof HubError ? error : new HubError('INTERNAL', { cause: error });
    refusals.refused(refusal);
    response.status(refusal.status).set(refusal.headers).json({ error: refusal.message });
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
 * What Node refuses before there is a request gets a JSON-RPC body too. Not while another answer is owed or
 * being written, though: in an event stream, it would be read as part of that.
 */
function answerBrokenRequest(
  error: Error & { code?: string },
  socket: Duplex,
  answer: ServerResponse | undefined,
): void {
  // A request that came whole is not the broken one: what is written now would be taken for its answer.
  const isOwedElse = answer !== undefined && (answer.headersSent || answer.req.complete);
  if (error.code === 'ECONNRESET' || !socket.writable || (isOwedElse && !answer.writableFinished)) {
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
