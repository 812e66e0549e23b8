import type { ServerResponse } from 'node:http';
import type { DefectName } from '../defects.ts';
import { type PlainPolicy, publishedPlainPolicy } from './policy.ts';
import type { PlainSession } from './session.ts';
import type { PlainSessions } from './sessions.ts';

export interface AdminParts {
  readonly policy: PlainPolicy;
  readonly sessions: PlainSessions;
  readonly defect: DefectName | undefined;
  readonly startedAt: number;
  readonly isDraining: () => boolean;
  /** How late the event loop last was, ms. */
  readonly loopDelayMs: () => number;
}

const PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;
const MAX_LOOP_DELAY_MS = 2_000;
const MAX_SWEEP_LAG_INTERVALS = 2;

/** `GET /health` in the reference hub's JSON. */
export function answerHealth(parts: AdminParts, response: ServerResponse): void {
  const { policy, sessions, defect } = parts;
  const status = statusOf(parts);
  answer(response, status === 'healthy' ? 200 : 503, {
    status,
    agents: 0,
    conversations: 0,
    sessions: sessions.counted,
    uptime: (performance.now() - parts.startedAt) / 1_000,
    callsInFlight: sessions.callsInFlight,
    counters: sessions.counters(),
    eventLoopDelayMs: parts.loopDelayMs(),
    sweepLagMs: sessions.sweepLagMs,
    policy: publishedPlainPolicy(policy),
    ...(defect === 'health-lists-ids' && { ids: sessions.list().map((session) => session.parts.id) }),
  });
}

/** `GET /sessions`: one page, oldest first. `next`, where there is one, is the `after` of the next page. */
export function answerSessions(parts: AdminParts, query: URLSearchParams, response: ServerResponse): void {
  const { sessions, defect } = parts;
  const limit = Math.min(wholeNumber(query.get('limit'), PAGE_SIZE), MAX_PAGE_SIZE);
  const rest = sessions.list(wholeNumber(query.get('after'), 0));
  const shown = rest.slice(0, limit);
  const next = rest.length > limit ? shown.at(-1)?.parts.number : undefined;
  answer(response, 200, {
    total: sessions.size,
    sessions: shown.map((session) => ({
      ...describe(session),
      ...(defect === 'sessions-lists-ids' && { transportId: session.parts.id }),
    })),
    stats: stats(sessions.list()),
    counters: sessions.counters(),
    ...(next !== undefined && { next }),
  });
}

function statusOf({ policy, sessions, defect, isDraining, loopDelayMs }: AdminParts): string {
  if (defect === 'health-always-green') return 'healthy';
  if (isDraining()) return 'draining';
  if (loopDelayMs() > MAX_LOOP_DELAY_MS) return 'overloaded';
  if (sessions.sweepLagMs > MAX_SWEEP_LAG_INTERVALS * policy.cleanupIntervalMs) return 'sweeper-late';
  return 'healthy';
}

function describe(session: PlainSession) {
  const { fingerprint, createdAt, lastActivity, isHandshakeDone, calls, isListening, parts } = session;
  const inactiveMs = session.now() - lastActivity;
  return {
    sessionId: fingerprint,
    clientName: parts.clientName,
    clientVersion: parts.clientVersion,
    createdAt: isoTime(performance.now() - createdAt),
    lastActivity: isoTime(inactiveMs),
    ageMs: Math.round(performance.now() - createdAt),
    inactiveMs: Math.round(inactiveMs),
    state: isHandshakeDone ? 'live' : 'pending',
    callsInFlight: calls.size,
    openStreams: isListening ? 1 : 0,
  };
}

function stats(sessions: readonly PlainSession[]) {
  const ages = sessions.map(({ createdAt }) => performance.now() - createdAt);
  const [oldest, newest] = [ages.at(0), ages.at(-1)];
  return {
    total: ages.length,
    oldest: oldest === undefined ? null : isoTime(oldest),
    newest: newest === undefined ? null : isoTime(newest),
    avgAgeMs: ages.length === 0 ? 0 : Math.round(ages.reduce((sum, age) => sum + age, 0) / ages.length),
  };
}

function isoTime(agoMs: number): string {
  return new Date(Date.now() - agoMs).toISOString();
}

function wholeNumber(value: string | null, fallback: number): number {
  const number = Number(value);
  return value !== null && Number.isSafeInteger(number) && number >= 1 ? number : fallback;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
