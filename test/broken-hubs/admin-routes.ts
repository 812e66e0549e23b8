import { Router } from 'express';
import { publishedPolicy, type SdkPolicy } from './policy.ts';
import type { SdkSession } from './sdk-session.ts';
import type { Sessions } from './sessions.ts';

const PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

/** `GET /health` and `GET /sessions` in the reference hub's JSON. */
export function adminRoutes(policy: SdkPolicy, sessions: Sessions, isDraining: () => boolean): Router {
  const startedAt = performance.now();
  const router = Router();
  router.get('/health', (_request, response) => {
    const { lastMs, nextMs } = sessions.sweepDelays;
    response.status(isDraining() ? 503 : 200).json({
      status: isDraining() ? 'draining' : 'healthy',
      agents: 0,
      conversations: 0,
      sessions: sessions.size,
      uptime: (performance.now() - startedAt) / 1_000,
      callsInFlight: sessions.callsInFlight,
      counters: sessions.counters(),
      // As the last sweep found it; this server has no monitor of its own.
      eventLoopDelayMs: lastMs,
      sweepLagMs: nextMs,
      policy: publishedPolicy(policy),
    });
  });
  router.get('/sessions', (request, response) => {
    const limit = Math.min(wholeNumber(request.query.limit, PAGE_SIZE), MAX_PAGE_SIZE);
    response.json(page(sessions, limit, wholeNumber(request.query.after, 0)));
  });
  return router;
}

/** Oldest first. `next`, where there is one, is the `after` of the next page. */
function page(sessions: Sessions, limit: number, after: number) {
  const rest = [...sessions.list(after)];
  const shown = rest.slice(0, limit);
  const next = rest.length > limit ? shown.at(-1)?.number : undefined;
  return {
    total: sessions.size,
    sessions: shown.map(describe),
    stats: stats([...sessions.list()]),
    counters: sessions.counters(),
    ...(next !== undefined && { next }),
  };
}

function describe(session: SdkSession) {
  const now = performance.now();
  return {
    sessionId: session.fingerprint,
    clientName: session.clientInfo.name,
    clientVersion: session.clientInfo.version,
    createdAt: isoTime(session.createdAt),
    lastActivity: isoTime(session.lastActivity),
    ageMs: Math.round(now - session.createdAt),
    inactiveMs: Math.round(now - session.lastActivity),
    state: session.isHandshakeDone ? 'live' : 'pending',
    callsInFlight: session.calls.size,
    openStreams: session.stream ? 1 : 0,
  };
}

/** A Map keeps the order of registration: its first entry is the oldest. */
function stats(sessions: readonly SdkSession[]) {
  const [oldest, newest] = [sessions.at(0), sessions.at(-1)];
  const ageSumMs = sessions.reduce((sum, { createdAt }) => sum + performance.now() - createdAt, 0);
  return {
    total: sessions.length,
    oldest: oldest ? isoTime(oldest.createdAt) : null,
    newest: newest ? isoTime(newest.createdAt) : null,
    avgAgeMs: sessions.length === 0 ? 0 : Math.round(ageSumMs / sessions.length),
  };
}

function isoTime(monotonicMs: number): string {
  return new Date(Date.now() - (performance.now() - monotonicMs)).toISOString();
}

function wholeNumber(value: unknown, fallback: number): number {
  const number = Number(value);
  return typeof value === 'string' && Number.isSafeInteger(number) && number >= 1 ? number : fallback;
}
