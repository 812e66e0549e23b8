import type { ServerResponse } from 'node:http';
import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { DefectName } from './defects.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { SdkPolicy } from './policy.ts';
import { type EndReason, SdkSession, type SessionParts } from './sdk-session.ts';

const SELDOM = 10;

/** The Map of the documented pattern, with what it lacks: an end for every session. */
export class Sessions {
  readonly #policy: SdkPolicy;
  readonly #defect: DefectName | undefined;
  readonly #sessions = new Map<string, SdkSession>();
  readonly #ended: Record<EndReason, number> = { client: 0, idle: 0, handshake: 0, shutdown: 0, error: 0 };
  readonly #sweepTimer: NodeJS.Timeout;
  readonly #sweepMs: number;
  #sweptAt = performance.now();
  #sweepDelayMs = 0;
  #opened = 0;
  #refused = 0;
  #openings = 0;
  #callsInFlight = 0;
  #onIdle: (() => void) | undefined;
  #isHushed = false;

  constructor(policy: SdkPolicy, defect: DefectName | undefined) {
    this.#policy = policy;
    this.#defect = defect;
    this.#sweepMs = policy.cleanupIntervalMs * (defect === 'sweeps-too-seldom' ? SELDOM : 1);
    this.#sweepTimer = setInterval(() => this.#sweep(), this.#sweepMs);
    this.#sweepTimer.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  get callsInFlight(): number {
    return this.#callsInFlight;
  }

  /** How late the last sweep ran, and how overdue the next one is, ms. */
  get sweepDelays(): { lastMs: number; nextMs: number } {
    return { lastMs: this.#sweepDelayMs, nextMs: this.#overdueMs() };
  }

  counters() {
    return { opened: this.#opened, refused: this.#refused, ended: { ...this.#ended } };
  }

  /** Takes a slot synchronously, so that no two requests can take the last one (F46). Undefined at the cap. */
  reserve(): (() => void) | undefined {
    if (this.size + this.#openings >= (this.#policy.maxSessions ?? Number.POSITIVE_INFINITY))
      return undefined;
    this.#openings += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#openings -= 1;
      isHeld = false;
    };
  }

  countRefused(): void {
    this.#refused += 1;
  }

  register(id: string, parts: SessionParts): void {
    const { sessionTimeoutMs, clientTimeoutsMs, heartbeatMs } = this.#policy;
    const timeoutMs = clientTimeoutsMs?.[parts.clientInfo.name] ?? sessionTimeoutMs;
    this.#opened += 1;
    const session = new SdkSession(id, this.#opened, timeoutMs, parts);
    this.#sessions.set(id, session);
    if (this.#defect === 'heartbeat-kills-post-only') {
      startHeartbeat({
        everyMs: heartbeatMs,
        ping: () => session.server.server.ping(),
        isOver: () => session.isEnded,
        onDead: () => this.#endLater(session, 'error'),
      });
    }
  }

  find(id: string): SdkSession | undefined {
    const session = this.#sessions.get(id);
    return session?.isEnded ? undefined : session;
  }

  /** In order of registration, after the given running number. */
  *list(afterNumber = 0): Generator<SdkSession> {
    for (const session of this.#sessions.values()) if (session.number > afterNumber) yield session;
  }

  /** A POST with calls protects its session until its response is over, however that comes about (F12). */
  trackCalls(session: SdkSession, response: ServerResponse, ids: readonly RequestId[]): void {
    session.calls.set(response, ids);
    this.#callsInFlight += 1;
    response.once('close', () => {
      session.calls.delete(response);
      session.touch();
      this.#callsInFlight -= 1;
      if (this.#callsInFlight === 0) this.#onIdle?.();
    });
  }

  /** A GET stream protects its session while its peer answers pings; three misses cost it the stream only. */
  openStream(session: SdkSession, response: ServerResponse): void {
    // The SDK answers a second GET with 409; its client has come back because the first is of no use (F26).
    session.transport.closeStandaloneSSEStream();
    session.stream = response;
    session.touch();
    // Identity, not presence: the late close of an old stream must not end its successor (F18).
    const isOver = () => session.stream !== response;
    const end = () => {
      if (isOver()) return;
      session.stream = undefined;
      session.touch();
      session.transport.closeStandaloneSSEStream();
    };
    response.once('close', end);
    if (this.#defect === 'open-stream-pins-session') return;
    startHeartbeat({
      everyMs: this.#policy.heartbeatMs,
      ping: () => session.server.server.ping(),
      isOver: () => isOver() || this.#isHushed,
      onDead: end,
    });
  }

  /** Pings no more. */
  hush(): void {
    this.#isHushed = true;
  }

  /** The one way out. Off the map first, so that nothing that closing sets off finds it again. Idempotent. */
  async end(session: SdkSession, reason: EndReason): Promise<void> {
    if (session.isEnded) return;
    session.isEnded = true;
    session.stream = undefined;
    this.#ended[reason] += 1;
    if (reason !== 'client' || this.#defect !== 'delete-keeps-session') this.#sessions.delete(session.id);
    const isReaperBlind = this.#defect === 'reaper-kills-calls' && reason === 'idle';
    if (this.#defect !== 'calls-end-unanswered' && !isReaperBlind) await session.answerCalls(reason);
    // Closes the transport too, and aborts the tools that still run.
    await session.server.close();
  }

  /** Resolves once no call is in flight, at the latest after `deadlineMs`. */
  idle(deadlineMs: number): Promise<void> {
    if (this.#callsInFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, deadlineMs);
      this.#onIdle = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  /** Ends all sessions, and the sweep. */
  async close(): Promise<void> {
    clearInterval(this.#sweepTimer);
    await Promise.all([...this.#sessions.values()].map((session) => this.end(session, 'shutdown')));
  }

  #sweep(): void {
    this.#sweepDelayMs = this.#overdueMs();
    this.#sweptAt = performance.now();
    if (this.#defect === 'no-reaper') return;
    for (const session of this.#sessions.values()) {
      const reason = session.isEnded ? undefined : this.#staleReason(session);
      if (reason) this.#endLater(session, reason);
    }
  }

  #staleReason(session: SdkSession): EndReason | undefined {
    const { handshakeTimeoutMs } = this.#policy;
    const now = performance.now();
    if (session.calls.size > 0 && this.#defect !== 'reaper-kills-calls') return undefined;
    if (!session.isHandshakeDone && this.#defect !== 'no-handshake-deadline') {
      return now - session.createdAt > handshakeTimeoutMs ? 'handshake' : undefined;
    }
    if (session.stream && this.#defect !== 'stream-is-no-activity') return undefined;
    const since = this.#defect === 'timeout-from-creation' ? session.createdAt : session.lastActivity;
    return now - since > session.timeoutMs ? 'idle' : undefined;
  }

  #endLater(session: SdkSession, reason: EndReason): void {
    this.end(session, reason).catch((error: unknown) => console.error('A session did not close.', error));
  }

  #overdueMs(): number {
    return Math.max(0, Math.round(performance.now() - this.#sweptAt - this.#sweepMs));
  }
}
