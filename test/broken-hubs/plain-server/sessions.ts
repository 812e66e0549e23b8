import { randomInt, randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import type { DefectName } from '../defects.ts';
import type { PlainPolicy } from './policy.ts';
import { RateWindow } from './rate-window.ts';
import { Refusal } from './refusal.ts';
import { type EndReason, type Latest, PlainSession } from './session.ts';
import { CATALOGUE } from './tools.ts';

export interface Newcomer {
  readonly owner: string;
  readonly clientName: string;
  readonly clientVersion: string;
  readonly protocolVersion: string;
  /** The id it is given; a random one unless some defect has another. */
  readonly id?: string;
}

const KEEP_ALIVE_MS = 15_000;
/** When listeners are asked to come back after a shutdown: not all at once (F24). */
const RETRY_MS = { min: 1_000, max: 10_000 };
/** What a defect keeps of a session, in numbers of 8 bytes. */
const SIDE_TABLE_ENTRY = 8_000;
const TOOLS_PER_SESSION = 150;
/** Evidence for F39: from 15 transports at once the close cascade overflows the stack. */
const CASCADE_FROM = 15;

/** The one owner of live sessions, and the one way out of them. */
export class PlainSessions {
  readonly #policy: PlainPolicy;
  readonly #defect: DefectName | undefined;
  readonly #sessions = new Map<string, PlainSession>();
  readonly #ended: Record<EndReason, number> = {
    client: 0,
    idle: 0,
    handshake: 0,
    'stream-lost': 0,
    shutdown: 0,
  };
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #newcomers: RateWindow;
  readonly #latest: Latest = { callsById: new Map(), notified: [] };
  /** What only defects have. */
  readonly #sideTable = new Map<string, unknown>();
  readonly #index = new Set<string>();
  readonly #files = new Set<number>();
  readonly #listeners = new Set<() => void>();
  readonly #issued = new Set<string>();
  readonly #closing = new Set<PlainSession>();
  #slots = 0;
  #opened = 0;
  #refused = 0;
  #sweptAt = performance.now();
  #sweepDelayMs = 0;
  #onSettled: (() => void) | undefined;

  constructor(policy: PlainPolicy, defect: DefectName | undefined) {
    this.#policy = policy;
    this.#defect = defect;
    this.#newcomers = new RateWindow(policy.requestsPerSecond);
    const each = (act: (session: PlainSession) => void) => () => {
      for (const session of this.#sessions.values()) act(session);
    };
    this.#timers = [
      setInterval(() => this.#sweep(), policy.cleanupIntervalMs),
      setInterval(
        each((session) => session.beat()),
        policy.heartbeatMs,
      ),
      setInterval(
        each((session) => session.keepAlive()),
        KEEP_ALIVE_MS,
      ),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** The number that `/health` tells. */
  get counted(): number {
    return this.#defect === 'reaped-session-stays-in-index' ? this.#index.size : this.size;
  }

  get callsInFlight(): number {
    let calls = 0;
    for (const session of this.#sessions.values()) calls += session.calls.size;
    return calls;
  }

  /** How late the sweep is, or last was, ms. */
  get sweepLagMs(): number {
    return Math.max(this.#sweepDelayMs, this.#overdueMs());
  }

  get isFull(): boolean {
    const { maxSessions = Number.POSITIVE_INFINITY } = this.#policy;
    return this.#slots >= maxSessions && this.#defect !== 'no-cap';
  }

  counters() {
    return { opened: this.#opened, refused: this.#refused, ended: { ...this.#ended } };
  }

  countRefused(): void {
    this.#refused += 1;
  }

  /** @throws Refusal full */
  takeSlot(): void {
    // The race: whoever was let past the look a moment ago is not looked at again.
    if (this.isFull && this.#defect !== 'cap-race') throw new Refusal('full');
    this.#slots += 1;
  }

  releaseSlot(): void {
    this.#slots -= 1;
  }

  /** @throws Refusal too-many-requests */
  admitNewcomer(): void {
    if (!this.#newcomers.take()) throw new Refusal('too-many-requests');
  }

  /** Registers a session, for which a slot was taken. */
  open({ id, owner, clientName, clientVersion, protocolVersion }: Newcomer): PlainSession {
    const { sessionTimeoutMs, clientTimeoutsMs = {}, requestsPerSecond } = this.#policy;
    this.#opened += 1;
    const session = new PlainSession({
      id: id ?? (this.#defect === 'predictable-ids' ? `session-${this.#opened}` : randomUUID()),
      number: this.#opened,
      owner,
      clientName,
      clientVersion,
      protocolVersion,
      timeoutMs:
        (Object.hasOwn(clientTimeoutsMs, clientName) && clientTimeoutsMs[clientName]) || sessionTimeoutMs,
      requestsPerSecond,
      streams: new Map(),
      latest: this.#latest,
      onSettled: () => {
        if (this.callsInFlight === 0) this.#onSettled?.();
      },
      defect: this.#defect,
    });
    this.#sessions.set(session.parts.id, session);
    this.#sicken(session);
    return session;
  }

  find(id: string): PlainSession | undefined {
    return this.#sessions.get(id);
  }

  /** Whether an id looks as if it had been given by this server before it was restarted. */
  isOfEarlierLife(id: string): boolean {
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) && !this.#issued.has(id);
  }

  /** In order of opening, after the given running number. */
  list(afterNumber = 0): PlainSession[] {
    return [...this.#sessions.values()].filter(({ parts }) => parts.number > afterNumber);
  }

  /** The one way out: off the map first, so that nothing that closing sets off finds it again. Idempotent. */
  end(session: PlainSession, reason: EndReason): void {
    if (session.isEnded) return;
    session.isEnded = true;
    this.#sessions.delete(session.parts.id);
    this.#ended[reason] += 1;
    const isSlotKept =
      (this.#defect === 'delete-frees-no-slot' && reason === 'client') ||
      (this.#defect === 'cap-never-frees' && reason !== 'client');
    if (!isSlotKept) this.releaseSlot();
    if (reason !== 'idle') this.#index.delete(session.parts.id);
    if (reason !== 'client') this.#sideTable.delete(session.parts.id);
    session.close(reason, reason === 'shutdown' ? this.#retryMs() : undefined);
  }

  /** DELETE. Where closing one closes the next, enough of them at once overflow the stack (F39). */
  async endByClient(session: PlainSession): Promise<void> {
    if (this.#defect === 'close-cascade') {
      this.#closing.add(session);
      await new Promise((resolve) => setTimeout(resolve, 1));
      const isTooDeep = this.#closing.size >= CASCADE_FROM;
      if (isTooDeep) throw new RangeError('Maximum call stack size exceeded');
      this.#closing.delete(session);
    }
    this.end(session, 'client');
  }

  /** Resolves once no call is in flight, at the latest after `deadlineMs`. */
  settled(deadlineMs: number): Promise<void> {
    if (this.callsInFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, deadlineMs);
      this.#onSettled = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  /** Ends all sessions, and all timers. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const session of this.#sessions.values()) this.end(session, 'shutdown');
    // A process that ends gives these back.
    for (const file of this.#files) closeSync(file);
    for (const listener of this.#listeners) process.off('SIGWINCH', listener);
    this.#files.clear();
    this.#listeners.clear();
  }

  #sweep(): void {
    this.#sweepDelayMs = this.#overdueMs();
    this.#sweptAt = performance.now();
    for (const session of this.#sessions.values()) {
      const reason = this.#staleReason(session);
      if (reason) this.end(session, reason);
    }
  }

  #staleReason(session: PlainSession): EndReason | undefined {
    const { handshakeTimeoutMs, streamLostMs } = this.#policy;
    if (session.calls.size > 0 && !session.isCallForgotten) return undefined;
    if (!session.isHandshakeDone) {
      return performance.now() - session.createdAt > handshakeTimeoutMs ? 'handshake' : undefined;
    }
    if (session.isListening) return undefined;
    const now = session.now();
    if (streamLostMs !== undefined && this.#defect !== 'stream-lost-window-ignored') {
      if (now - (session.streamLostAt ?? now) > streamLostMs) return 'stream-lost';
    }
    return now - session.lastActivity > session.parts.timeoutMs ? 'idle' : undefined;
  }

  #overdueMs(): number {
    return Math.max(0, Math.round(performance.now() - this.#sweptAt - this.#policy.cleanupIntervalMs));
  }

  #retryMs(): number | undefined {
    if (this.#defect === 'no-retry-at-shutdown') return undefined;
    return this.#defect === 'same-retry-for-all' ? RETRY_MS.min : randomInt(RETRY_MS.min, RETRY_MS.max + 1);
  }

  /** What a broken server lets a session own. */
  #sicken(session: PlainSession): void {
    const { id } = session.parts;
    switch (this.#defect) {
      case 'ended-session-stays-in-side-table':
        this.#sideTable.set(id, new Array(SIDE_TABLE_ENTRY).fill(0));
        break;
      case 'reaped-session-stays-in-index':
        this.#index.add(id);
        break;
      case 'session-file-stays-open':
        this.#files.add(openSync('/dev/null', 'r'));
        break;
      case 'catalogue-per-session':
        for (let copy = 0; copy < TOOLS_PER_SESSION; copy += 1) session.kept.push(structuredClone(CATALOGUE));
        break;
      case 'listeners-pile-up': {
        const listener = () => session.touch();
        this.#listeners.add(listener);
        process.on('SIGWINCH', listener);
        break;
      }
      case 'old-ids-hang':
      case 'old-ids-500':
        this.#issued.add(id);
        break;
    }
  }
}
