import type { Cancel, Clock } from '../clock/clock.ts';
import type { AnswerReader } from './answer.ts';
import type { AnswerListener, Connection, ConnectionFailure } from './connection.ts';
import type { ConnectionPool, Waiter } from './connection-pool.ts';
import type { HttpHeaders } from './http-parser.ts';
import type { Ending, Outcome } from './outcome.ts';

/**
 * How long the rest of an event stream may still take once our answer was in it. Servers end it at once;
 * those that do not cost a connection, not a waiting client.
 */
export const DRAIN_MS = 1000;

export interface ExchangePlan {
  readonly method: string;
  /** Head and body. */
  readonly text: string;
  readonly reader: AnswerReader;
  readonly timeoutMs: number;
  /** Give up on purpose after this long. */
  readonly abortAfterMs: number | undefined;
  /** Doing it twice has the same effect as once: see `#mayRepeat`. */
  readonly isRepeatable: boolean;
  /** The body goes on after the ending is known (a GET stream): no deadline holds any more. */
  readonly staysOpen: boolean;
  /** Just before the first byte is written; not called again for a repetition. */
  onSent(at: number): void;
  /** Once. `sent` is undefined when nothing was written. */
  onSettled(outcome: Outcome, sent: Sent | undefined): void;
  /**
   * Once, after everything else: the exchange needs its connection no more. `by` says who ended it;
   * `isBroken`: the connection failed before the answer was over.
   */
  onOver(by: 'client' | 'server', isBroken: boolean): void;
}

export interface Sent {
  /** How much later than `sentAt` the request was written last, ms: 0 unless it was repeated. */
  readonly repeatedAfterMs: number;
}

const REUSE_RACE_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'closed']);

/**
 * One HTTP request and its answer: finds a connection, keeps the deadline, settles exactly once.
 *
 * | phase    | means                               | next                                                |
 * |----------|-------------------------------------|-----------------------------------------------------|
 * | waiting  | no connection yet                   | sent; over (refused, deadline)                      |
 * | sent     | the ending is not known             | trailing; over (ended, failed, deadline, given up)  |
 * | trailing | settled, the rest of the body comes | over (ended, failed, drain deadline, given up)      |
 * | over     |                                     |                                                     |
 */
export class Exchange implements AnswerListener, Waiter {
  readonly #pool: ConnectionPool;
  readonly #clock: Clock;
  readonly #plan: ExchangePlan;
  #phase: 'waiting' | 'sent' | 'trailing' | 'over' = 'waiting';
  #connection: Connection | undefined;
  #cancelTimer: Cancel | undefined;
  #startedAt = 0;
  #firstSentAt: number | undefined;
  #lastSentAt = 0;
  #isRepetition = false;

  constructor(pool: ConnectionPool, clock: Clock, plan: ExchangePlan) {
    this.#pool = pool;
    this.#clock = clock;
    this.#plan = plan;
  }

  start(): void {
    const { timeoutMs, abortAfterMs = Number.POSITIVE_INFINITY } = this.#plan;
    this.#startedAt = this.#clock.now();
    const isAbort = abortAfterMs < timeoutMs;
    this.#cancelTimer = this.#clock.at(this.#startedAt + (isAbort ? abortAfterMs : timeoutMs), () =>
      this.#giveUp({ kind: isAbort ? 'aborted' : 'timeout' }),
    );
    this.#pool.acquire(this);
  }

  /** Settles as aborted, if not settled yet, and closes the connection. */
  abort(): void {
    this.#giveUp({ kind: 'aborted' });
  }

  /** Settles as aborted, if not settled yet, and leaves the connection to whoever shuts the pool. */
  forsake(): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'waiting') this.#pool.cancel(this);
    this.#finish({ kind: 'aborted' }, 'client');
  }

  onConnection(connection: Connection): void {
    this.#connection = connection;
    this.#phase = 'sent';
    this.#lastSentAt = this.#clock.now();
    if (this.#firstSentAt === undefined) {
      this.#firstSentAt = this.#lastSentAt;
      this.#plan.onSent(this.#firstSentAt);
    }
    connection.send(this.#plan.method, this.#plan.text, this);
  }

  onNoConnection(code: string, message: string): void {
    this.#finish({ kind: 'connection', code, message }, 'server');
  }

  onHead(status: number, headers: HttpHeaders): void {
    this.#proceed(this.#plan.reader.onHead(status, headers));
  }

  onBody(chunk: Buffer): void {
    // After the answer to a POST nothing on its stream is owed to anyone: it is read only to be rid of it.
    if (this.#phase === 'trailing' && !this.#plan.staysOpen) return;
    this.#proceed(this.#plan.reader.onBody(chunk));
  }

  onEnd(): void {
    this.#finish(this.#phase === 'trailing' ? undefined : this.#plan.reader.onEnd(), 'server');
  }

  onFailure(failure: ConnectionFailure): void {
    if (this.#mayRepeat(failure)) {
      this.#isRepetition = true;
      this.#phase = 'waiting';
      this.#connection = undefined;
      this.#pool.closeIdle();
      this.#pool.acquire(this);
      return;
    }
    const { code, message } = failure;
    const ending: Ending = { kind: 'connection', code, message };
    this.#finish(this.#phase === 'trailing' ? undefined : ending, 'server', true);
  }

  /**
   * A server may close an idle connection at the very moment it is used again. From here that looks the
   * same as a server that took the request and died, and a soak tester must not paper over the latter: a
   * repeated tools/call would hide a lost call, might run twice, and a repeated initialize might open a
   * second session. So, once, and only on a connection that had worked before and then said nothing:
   * - EPIPE: the kernel refused the bytes, no server has seen the whole request: anything is repeated;
   * - reset or end: only what has the same effect twice (ping, lists, GET).
   * The race is rare in any case: the pool lets go of connections before their advertised keep-alive ends.
   */
  #mayRepeat({ code, sawBytes, wasReused }: ConnectionFailure): boolean {
    if (this.#phase !== 'sent' || this.#isRepetition || !wasReused || sawBytes) return false;
    return code === 'EPIPE' || (this.#plan.isRepeatable && REUSE_RACE_CODES.has(code));
  }

  #proceed(ending: Ending | undefined): void {
    if (!ending || this.#phase === 'over') return;
    if (ending.kind === 'wrong-answer') {
      // What else the server says here cannot be trusted to belong to us.
      const connection = this.#connection;
      this.#finish(ending, 'client');
      connection?.close();
      return;
    }
    if (this.#phase === 'trailing') return;
    this.#phase = 'trailing';
    this.#settle(ending);
    if (this.#plan.staysOpen || this.#isOver()) return;
    this.#cancelTimer = this.#clock.at(this.#clock.now() + DRAIN_MS, () => this.abort());
  }

  #giveUp(ending: Ending): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'waiting') this.#pool.cancel(this);
    const connection = this.#connection;
    this.#finish(ending, 'client');
    connection?.close();
  }

  #finish(ending: Ending | undefined, by: 'client' | 'server', isBroken = false): void {
    if (this.#phase === 'over') return;
    const isSettled = this.#phase === 'trailing';
    this.#phase = 'over';
    this.#connection = undefined;
    this.#cancelTimer?.();
    if (ending && !isSettled) this.#settle(ending);
    this.#plan.onOver(by, isBroken);
  }

  /** Asked anew after callbacks: those may abandon everything. */
  #isOver(): boolean {
    return this.#phase === 'over';
  }

  #settle(ending: Ending): void {
    this.#cancelTimer?.();
    const sentAt = this.#firstSentAt ?? this.#startedAt;
    const sent = this.#firstSentAt === undefined ? undefined : { repeatedAfterMs: this.#lastSentAt - sentAt };
    this.#plan.onSettled({ ...ending, sentAt, doneAt: this.#clock.now() }, sent);
  }
}
