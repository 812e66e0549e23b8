import { Router } from 'express';
import type { AgentRegistry } from '../agents.ts';
import type { HubConfig } from '../config.ts';
import type { Conversations } from '../conversations.ts';
import { deadPeerMs } from '../heartbeat.ts';
import type { InFlight } from '../in-flight.ts';
import type { LoopMonitor } from '../loop-monitor.ts';
import type { HubMetrics } from '../metrics.ts';
import type { Session } from '../session.ts';
import { isoTime, type SessionManager } from '../session-manager.ts';

export interface AdminParts {
  readonly config: HubConfig;
  readonly sessions: SessionManager;
  readonly agents: AgentRegistry;
  readonly conversations: Conversations;
  readonly metrics: HubMetrics;
  readonly calls: InFlight;
  readonly loop: LoopMonitor;
  readonly isDraining: () => boolean;
  readonly startedAt: number;
}

/** Beyond these the hub is not healthy: clients time out, or stale sessions pile up. */
const MAX_LOOP_DELAY_MS = 2_000;
const MAX_SWEEP_LAG_INTERVALS = 2;

const PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

/** `GET /health`, `GET /sessions` and `GET /metrics`, for operators and for whoever tests the hub from outside. */
export function adminRoutes(parts: AdminParts): Router {
  const router = Router();
  router.get('/health', (_request, response) => {
    const status = healthStatus(parts);
    response.status(status === 'healthy' ? 200 : 503).json(health(parts, status));
  });
  router.get('/sessions', (request, response) => {
    const limit = Math.min(wholeNumber(request.query.limit, PAGE_SIZE), MAX_PAGE_SIZE);
    response.json(sessionPage(parts, limit, wholeNumber(request.query.after, 0)));
  });
  router.get('/metrics', async (request, response) => {
    const { contentType, text } = await parts.metrics.expose(request.headers.accept);
    response.setHeader('content-type', contentType);
    response.end(text);
  });
  return router;
}

type HealthStatus = 'healthy' | 'draining' | 'overloaded' | 'sweeper-late';

function healthStatus({ config, sessions, loop, isDraining }: AdminParts): HealthStatus {
  if (isDraining()) return 'draining';
  if (loop.delayMs() > MAX_LOOP_DELAY_MS) return 'overloaded';
  if (sessions.sweepLagMs() > MAX_SWEEP_LAG_INTERVALS * config.cleanupIntervalMs) return 'sweeper-late';
  return 'healthy';
}

function health(parts: AdminParts, status: HealthStatus) {
  const { config, sessions, agents, conversations, calls, loop } = parts;
  return {
    status,
    agents: agents.size,
    conversations: conversations.size,
    sessions: sessions.size,
    uptime: (performance.now() - parts.startedAt) / 1_000,
    callsInFlight: calls.count,
    counters: sessions.counters(),
    eventLoopDelayMs: loop.delayMs(),
    sweepLagMs: Math.round(sessions.sweepLagMs()),
    policy: policyOf(config),
  };
}

/** What the hub promises about sessions, so that it can be held to it. Times in ms; null: not promised. */
export function policyOf(config: HubConfig) {
  return {
    sessionTimeoutMs: config.sessionTimeoutMs,
    clientTimeoutsMs: config.clientTimeoutsMs,
    cleanupIntervalMs: config.cleanupIntervalMs,
    handshakeTimeoutMs: config.handshakeTimeoutMs,
    deadPeerMs: deadPeerMs(config.heartbeatMs),
    streamLostMs: config.streamLostMs,
    maxSessions: config.maxSessions,
    maxSessionsPerClient: config.maxSessionsPerClient || null,
    capRule: config.capRule,
    openStreamProtects: true,
    callProtects: true,
    drainMs: config.drainMs,
  };
}

/** One page of live sessions, oldest first. `next`, where there is one, is the `after` of the next page. */
function sessionPage({ sessions, agents }: AdminParts, limit: number, after: number) {
  const page: Session[] = [];
  let next: number | undefined;
  for (const session of sessions.list(after)) {
    if (page.length === limit) {
      next = page.at(-1)?.number;
      break;
    }
    page.push(session);
  }
  return {
    total: sessions.size,
    sessions: page.map((session) => describe(session, agents)),
    stats: sessions.stats(),
    counters: sessions.counters(),
    ...(next !== undefined && { next }),
  };
}

function describe(session: Session, agents: AgentRegistry) {
  const now = performance.now();
  return {
    sessionId: session.fingerprint,
    clientName: session.clientInfo.name,
    clientVersion: session.clientInfo.version,
    /** The name it registered under; names are not credentials. */
    agent: agents.ofSession(session.id)?.name ?? null,
    createdAt: isoTime(session.createdAt),
    lastActivity: isoTime(session.lastActivity),
    ageMs: Math.round(now - session.createdAt),
    inactiveMs: Math.round(now - session.lastActivity),
    state: session.isHandshakeDone ? 'live' : 'pending',
    callsInFlight: session.callsInFlight,
    openStreams: session.openStreams,
  };
}

function wholeNumber(value: unknown, fallback: number): number {
  const number = Number(value);
  return typeof value === 'string' && Number.isSafeInteger(number) && number >= 1 ? number : fallback;
}
