import { randomInt } from 'node:crypto';
import type { HubConfig } from './config.ts';
import type { HubLogger } from './logger.ts';
import { Session, type SessionParts } from './session.ts';
import { SessionCaps } from './session-caps.ts';
import type { SessionTransport } from './transport.ts';

/**
 * Why a session ended: its client said so, nobody used it, nobody came back after its stream was lost, its handshake
 * stayed open, another took its slot, …
 */
export const END_REASONS = [
  'client',
  'idle',
  'stream-lost',
  'handshake',
  'evicted',
  'shutdown',
  'error',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Who else wants to know of sessions. */
export interface SessionHooks {
  /** A session is about to be on the map, and its client to be told. If this throws, neither happens. */
  sessionOpened?(session: Session, parts: SessionParts): void;
  handshakeCompleted?(session: Session): void;
  /** A session is off the map; what it owns is closed next. Must not throw. */
  sessionEnded?(session: Session, reason: EndReason): void;
}

/** A slot below the cap, held while a session is being opened. */
interface Opening {
  readonly startedAt: number;
  readonly expire: () => void;
}

export interface SessionStats {
  readonly total: number;
  /** ISO 8601; null when there is no session. */
  readonly oldest: string | null;
  readonly newest: string | null;
  readonly avgAgeMs: number;
}

export interface SessionCounters {
  readonly opened: number;
  readonly refused: number;
  readonly ended: Readonly<Record<EndReason, number>>;
}

/** When clients of a stopped hub may come back: spread, so that they do not come all at once (F24). */
const RETRY_SPREAD_MS = { from: 1_000, to: 10_000 };

/** A sweep later than this many intervals means that the process was frozen, not that all clients were idle. */
const FROZEN_AFTER_INTERVALS = 2;

/**
 * The one owner of live sessions: pending → live → ended(reason). Everything on the request path is O(1).
 *
 * There is one way out, removeSession. It takes the session off the map first and closes what it owns then,
 * so whatever closing sets off finds nothing left to remove and cannot recurse (F39).
 */
export class SessionManager {
  readonly #config: HubConfig;
  readonly #logger: HubLogger;
  readonly #hooks: SessionHooks;
  readonly #caps: SessionCaps;
  readonly #sessions = new Map<string, Session>();
  readonly #openings = new Set<Opening>();
  readonly #ended: Record<EndReason, number> = {
    client: 0,
    idle: 0,
    'stream-lost': 0,
    handshake: 0,
    evicted: 0,
    shutdown: 0,
    error: 0,
  };
  readonly #cleanupTimer: NodeJS.Timeout;
  #opened = 0;
  #refused = 0;
  #sweptAt = performance.now();
  #isShutDown = false;

  constructor(config: HubConfig, logger: HubLogger, hooks: SessionHooks = {}) {
    this.#config = config;
    this.#logger = logger;
    this.#hooks = hooks;
    this.#caps = new SessionCaps(config);
    this.#cleanupTimer = setInterval(() => this.#sweep(), config.cleanupIntervalMs);
    this.#cleanupTimer.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Whether there is no session because of a shutdown: what was kept of them is the next process's. */
  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  /**
   * Takes a slot for a session about to be opened, synchronously, so that no two requests can take the last
   * one (F46), and evicts for it where that is the rule. Returns the way to give it back; `expire` is called
   * when it is held past the handshake deadline.
   * @throws HubError TOO_MANY_SESSIONS, TOO_MANY_OF_CLIENT
   */
  reserveSlot(expire: () => void, client = 'unknown'): () => void {
    try {
      this.#caps.take(client, (session) => this.removeSession(session.id, 'evicted'));
    } catch (refusal) {
      this.#refused += 1;
      throw refusal;
    }
    const opening: Opening = { startedAt: performance.now(), expire };
    this.#openings.add(opening);
    return () => {
      if (this.#openings.delete(opening)) this.#caps.giveBack(client);
    };
  }

  /** @throws what the hook for opened sessions throws: then there is no session */
  registerSession(sessionId: string, parts: SessionParts): Session {
    const timeoutMs = this.#timeoutOf(parts.clientInfo.name);
    const session = new Session(sessionId, this.#opened + 1, timeoutMs, parts);
    this.#hooks.sessionOpened?.(session, parts);
    this.#opened += 1;
    this.#sessions.set(sessionId, session);
    this.#caps.enter(session);
    this.#logger.sessionOpened(session);
    return session;
  }

  hasSession(sessionId: string): boolean {
    return this.#sessions.has(sessionId);
  }

  /** The session, without touching it: looking is not using. */
  peek(sessionId: string): Session | undefined {
    return this.#sessions.get(sessionId);
  }

  /** The session's transport, for a request of its client. Counts as activity. */
  getTransport(sessionId: string): SessionTransport | undefined {
    this.updateActivity(sessionId);
    return this.#sessions.get(sessionId)?.transport;
  }

  updateActivity(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (!session) return;
    session.lastActivity = performance.now();
    session.isStreamLost = false;
    this.#caps.touch(session);
  }

  /** The session's stream went, and its client did not say why: unless it is heard of again, it has gone, too (F14). */
  streamLost(sessionId: string): void {
    this.updateActivity(sessionId);
    const session = this.#sessions.get(sessionId);
    if (session) session.isStreamLost = true;
  }

  completeHandshake(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (!session || session.isHandshakeDone) return;
    session.isHandshakeDone = true;
    this.#hooks.handshakeCompleted?.(session);
  }

  /** Ends a session and all that it owns. False when there is none (any more). Idempotent, synchronous. */
  removeSession(sessionId: string, reason: EndReason, options: { retryMs?: number } = {}): boolean {
    const session = this.#sessions.get(sessionId);
    if (!session) return false;
    this.#sessions.delete(sessionId);
    this.#caps.leave(session);
    this.#ended[reason] += 1;
    this.#logger.sessionEnded(session, reason);
    this.#hooks.sessionEnded?.(session, reason);
    void this.#close(session, reason, options);
    return true;
  }

  /** Ends every session that nobody uses any more. Returns how many. */
  cleanupStaleSessions(): number {
    const now = performance.now();
    let removed = 0;
    for (const session of this.#sessions.values()) {
      const reason = this.#staleReason(session, now);
      if (reason && this.removeSession(session.id, reason)) removed += 1;
    }
    for (const opening of this.#openings) {
      if (now - opening.startedAt > this.#config.handshakeTimeoutMs) opening.expire();
    }
    return removed;
  }

  /** Ends all sessions and the cleanup. Clients of streams are asked to come back at different times. */
  shutdown(): void {
    clearInterval(this.#cleanupTimer);
    this.#isShutDown = true;
    for (const opening of this.#openings) opening.expire();
    for (const id of [...this.#sessions.keys()]) {
      this.removeSession(id, 'shutdown', { retryMs: randomInt(RETRY_SPREAD_MS.from, RETRY_SPREAD_MS.to) });
    }
  }

  /** Sessions in order of registration, after the given running number. */
  *list(afterNumber = 0): Generator<Session> {
    for (const session of this.#sessions.values()) if (session.number > afterNumber) yield session;
  }

  stats(): SessionStats {
    const now = performance.now();
    let oldest = now;
    let newest = 0;
    let ageSumMs = 0;
    for (const { createdAt } of this.#sessions.values()) {
      oldest = Math.min(oldest, createdAt);
      newest = Math.max(newest, createdAt);
      ageSumMs += now - createdAt;
    }
    const total = this.#sessions.size;
    if (total === 0) return { total, oldest: null, newest: null, avgAgeMs: 0 };
    return {
      total,
      oldest: isoTime(oldest),
      newest: isoTime(newest),
      avgAgeMs: Math.round(ageSumMs / total),
    };
  }

  counters(): SessionCounters {
    return { opened: this.#opened, refused: this.#refused, ended: { ...this.#ended } };
  }

  /** A refusal that never got as far as a slot: a server that drains, say. */
  countRefused(): void {
    this.#refused += 1;
  }

  /** How much later than planned the next sweep is already, ms. */
  sweepLagMs(): number {
    return Math.max(0, performance.now() - this.#sweptAt - this.#config.cleanupIntervalMs);
  }

  /** Closes what the session owns, synchronously as far as that goes. One that fails takes no other along. */
  async #close(session: Session, reason: EndReason, options: { retryMs?: number }): Promise<void> {
    try {
      session.transport.end(reason, options);
      await session.server.close();
    } catch (error) {
      this.#logger.problem('session-close-failed', error);
    }
  }

  /** Clients choose their names: one called `constructor` must not find what every object has. */
  #timeoutOf(clientName: string): number {
    const { clientTimeoutsMs, sessionTimeoutMs } = this.#config;
    const own = Object.hasOwn(clientTimeoutsMs, clientName) ? clientTimeoutsMs[clientName] : undefined;
    return own ?? sessionTimeoutMs;
  }

  #sweep(): void {
    const lateMs = this.sweepLagMs();
    this.#sweptAt = performance.now();
    // After a freeze every session looks idle, while its client's request may wait in the socket unread (F19).
    if (lateMs > FROZEN_AFTER_INTERVALS * this.#config.cleanupIntervalMs) {
      this.#logger.sweepSkipped(lateMs);
      return;
    }
    this.cleanupStaleSessions();
  }

  #staleReason(session: Session, now: number): EndReason | undefined {
    if (session.callsInFlight > 0) return undefined;
    if (!session.isHandshakeDone) {
      return now - session.createdAt > this.#config.handshakeTimeoutMs ? 'handshake' : undefined;
    }
    if (session.openStreams > 0) return undefined;
    const idleMs = now - session.lastActivity;
    const { streamLostMs } = this.#config;
    const isWindowed = session.isStreamLost && streamLostMs !== null && streamLostMs < session.timeoutMs;
    if (isWindowed) return idleMs > streamLostMs ? 'stream-lost' : undefined;
    return idleMs > session.timeoutMs ? 'idle' : undefined;
  }
}

/** Wall-clock time of a monotonic one, for people to read. */
export function isoTime(monotonicMs: number): string {
  return new Date(Date.now() - (performance.now() - monotonicMs)).toISOString();
}
