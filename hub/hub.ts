import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { BearerAuthMiddlewareOptions } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { Admission } from './admission.ts';
import { AgentRegistry } from './agents.ts';
import type { HubConfig } from './config.ts';
import { Conversations } from './conversations.ts';
import { HubError } from './errors.ts';
import { refuseExposure } from './exposure.ts';
import { guard } from './guard.ts';
import { Heartbeat } from './heartbeat.ts';
import { closeConnections, createHttpServer, listen } from './http-server.ts';
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
import { SocketEndpoint } from './socket-endpoint.ts';
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
  /** Starts to listen; resolves with the URL of the MCP endpoint. Rejects once the hub is shut down. */
  listen(): Promise<string>;
  /** Drains and ends everything; resolves when nothing of the hub is left. Idempotent. */
  shutdown(): Promise<void>;
}

const ENDPOINT = '/mcp';

/** Builds a hub. Nothing is shared between two of them. */
export function createHub(config: HubConfig, parts: HubParts = {}): Hub {
  const logger = parts.logger ?? new HubLogger(config.logLevel);
  const core = createCore(config, logger, parts);
  const { sessions, calls, answers, metrics } = core;
  const identity = new Identity({ tokens: config.authTokens, oauth: parts.auth });
  const limits = new RateLimits(config);
  const refusals = new RefusalLog(logger);
  let draining: Promise<void> | undefined;
  const isDraining = () => draining !== undefined;

  const admission = new Admission({ identity, sessions, limits, refusals });
  const mcp = onceRestored(
    core.restored,
    counted(
      createMcpListener({ config, sessions, admission, refusals, logger, isDraining, ...core.makers }),
      metrics,
    ),
  );
  const admin = adminRoutes({ config, ...core, isDraining, startedAt: performance.now() });
  const app = createApp({ config, identity, refusals, mcp, admin });
  const sockets = config.isWebSocketOn
    ? new SocketEndpoint({
        ...{ config, sessions, admission, refusals, logger, isDraining, isEndpoint, metrics },
        ...core.makers,
      })
    : undefined;
  const listener: RequestListener = (request, response) => {
    if (isEndpoint(request.url)) mcp(request, response);
    else app(request, response);
  };
  const server = createHttpServer(config, listener, sockets);

  return {
    app,
    server,
    sessions,
    listen: async () => {
      refuseExposure(config, identity.isRequired);
      await core.restored;
      const address = isDraining() ? undefined : await listen(server, config);
      if (isDraining()) await closeConnections(server);
      if (isDraining() || !address) throw new Error('This hub has been shut down: make another one.');
      const url = `http://${address.host}:${address.port}${ENDPOINT}`;
      logger.listening({ ...address, url });
      return url;
    },
    shutdown: () => {
      const closed = [...core.closed, ...(sockets ? [sockets] : []), limits, refusals];
      draining ??= drainAndClose({ config, logger, sessions, calls, answers, server, closed });
      return draining;
    },
  };
}

/** Sessions and all that lives with them, apart from how requests come in. */
function createCore(config: HubConfig, logger: HubLogger, parts: HubParts) {
  const keeper = new SessionKeeper(
    parts.store ?? (config.store === '' ? undefined : new SqliteStore(config.store)),
    logger,
  );
  const agents = new AgentRegistry({ onRegistered: (agent) => keeper.agentRegistered(agent) });
  const conversations = new Conversations();
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
  const heartbeat = new Heartbeat(config);
  const calls = new InFlight();
  const answers = new InFlight();
  const streams = new InFlight();
  const loop = new LoopMonitor();
  const metrics = new HubMetrics({ sessions, calls, streams, agents, conversations, loop });
  const hooks = transportHooks({ sessions, heartbeat, calls, answers, streams, metrics, logger });
  const makeServer = parts.createMcpServer ?? createMcpServer;
  const makers: Makers = {
    createTransport: (sessionId) => {
      const streamKeeper = keeper.streamKeeper(sessionId);
      return new SessionTransport({ ...transportOptions(config), sessionId, hooks, keeper: streamKeeper });
    },
    createMcpServer: (sessionId) =>
      makeServer({
        session: () => sessions.peek(sessionId),
        agents,
        conversations,
        logger,
        messageSent: (delivered) => metrics.messageSent(delivered),
      }),
  };
  const restored = keeper.restore({ sessions, agents, makers, deadlineMs: config.handshakeTimeoutMs });
  // listen() is told, too; whoever mounts the app has the log only.
  restored.catch((error: unknown) => logger.problem('restore-failed', error));
  const closed = [heartbeat, loop, keeper];
  return { agents, conversations, sessions, calls, answers, loop, metrics, makers, restored, closed };
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

function transportOptions(config: HubConfig) {
  const { maxEvents, maxEventBytes, eventAgeMs, maxBufferedBytes, streamRetryMs, maxCalls } = config;
  const events = { maxEvents, maxBytes: maxEventBytes, maxAgeMs: eventAgeMs };
  return { retryMs: streamRetryMs, events, maxBufferedBytes, maxCalls };
}

function isEndpoint(url: string | undefined): boolean {
  return url === ENDPOINT || url?.startsWith(`${ENDPOINT}?`) === true;
}

/** Lets requests wait until kept sessions are taken up: a session must not be called unknown before that. */
function onceRestored(restored: Promise<void>, listener: RequestListener): RequestListener {
  let isRestored = false;
  const ready = restored.finally(() => {
    isRestored = true;
  });
  ready.catch(() => undefined);
  return (request, response) => {
    if (isRestored) listener(request, response);
    else void ready.catch(() => undefined).then(() => listener(request, response));
  };
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
      if (reason === 'client' || reason === 'dead-peer') sessions.streamLost(transport.sessionId);
      else sessions.updateActivity(transport.sessionId);
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
