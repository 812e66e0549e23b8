import type { Clock } from '../clock/clock.ts';
import type { Dial, Wire } from '../targets/target.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { WireError } from './wire-error.ts';

/** What a browser allows per host is 6; a client with a stream, a call, a ping and an answer needs 4. */
export const MAX_CONNECTIONS = 8;
/** Requests that wait for one of the connections. More than this is a mistake in the flow. */
export const MAX_WAITING = 1000;
/**
 * An idle connection is not used in the last second that the server says it keeps it: the request would
 * race the server's close. The same margin as undici's.
 */
export const KEEP_ALIVE_MARGIN_MS = 1000;

/** Whoever needs a connection. Hears of exactly one of the two, unless cancelled. */
export interface Waiter {
  onConnection(connection: Connection): void;
  onNoConnection(code: string, message: string): void;
}

interface Seat {
  readonly connection: Connection;
  /** Until when the server keeps it idle, clock ms. */
  usableUntil: number;
}

/** The connections of one client: few, so plain arrays. */
export class ConnectionPool implements ConnectionOwner {
  readonly #dial: Dial;
  readonly #clock: Clock;
  readonly #onFault: (fault: WireError) => void;
  readonly #maxConnections: number;
  /** Every connection whose socket is not closed yet, also frozen ones and those still saying goodbye. */
  #seats: Seat[] = [];
  #waiting: Waiter[] = [];
  #dials: AbortController[] = [];
  #isShut = false;

  constructor(
    dial: Dial,
    clock: Clock,
    onFault: (fault: WireError) => void,
    { maxConnections = MAX_CONNECTIONS } = {},
  ) {
    this.#dial = dial;
    this.#clock = clock;
    this.#onFault = onFault;
    this.#maxConnections = maxConnections;
  }

  /** Sockets not closed yet. */
  get size(): number {
    return this.#seats.length;
  }

  /** Hands over an idle connection at once, else dials, else waits until one is free. */
  acquire(waiter: Waiter): void {
    const idle = this.#takeIdle();
    if (idle) {
      waiter.onConnection(idle);
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      const message = `too many requests wait for a connection: got ${MAX_WAITING + 1}, allowed: ${MAX_WAITING}`;
      waiter.onNoConnection('too-many-waiting', message);
      return;
    }
    this.#waiting.push(waiter);
    this.#dialIfNeeded();
  }

  /** The waiter needs none any more. A dial that nobody waits for is given up. */
  cancel(waiter: Waiter): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    while (this.#dials.length > this.#waiting.length) this.#dials.pop()?.abort();
  }

  /** Closes the idle connections: one of them was found dead, so the others have likely met the same end. */
  closeIdle(): void {
    for (const { connection } of [...this.#seats]) if (connection.isIdle) connection.close();
  }

  /** Breaks every connection; new ones are opened as they are needed. */
  reset(): void {
    for (const dial of this.#dials.splice(0)) dial.abort();
    for (const { connection } of [...this.#seats]) connection.reset();
  }

  /** Ends every connection in the given way and opens none any more. */
  shut(how: 'close' | 'reset' | 'freeze' | 'destroy'): void {
    this.#isShut = true;
    this.#waiting = [];
    for (const dial of this.#dials.splice(0)) dial.abort();
    for (const { connection } of [...this.#seats]) connection[how]();
  }

  onIdle(connection: Connection, keepAliveMs = Number.POSITIVE_INFINITY): void {
    const seat = this.#seats.find((other) => other.connection === connection);
    if (seat) seat.usableUntil = this.#clock.now() + keepAliveMs - KEEP_ALIVE_MARGIN_MS;
    // A dial under way for that waiter goes on: it becomes one more idle connection.
    this.#waiting.shift()?.onConnection(connection);
  }

  onUnusable(_connection: Connection, fault?: WireError): void {
    if (fault) this.#onFault(fault);
    this.#dialIfNeeded();
  }

  onGone(connection: Connection): void {
    this.#seats = this.#seats.filter((seat) => seat.connection !== connection);
  }

  /** The one used last, since servers close those that idle longest. */
  #takeIdle(): Connection | undefined {
    const now = this.#clock.now();
    for (let index = this.#seats.length - 1; index >= 0; index -= 1) {
      const seat = this.#seats[index];
      if (!seat?.connection.isIdle) continue;
      if (now < seat.usableUntil && seat.connection.isWritable) return seat.connection;
      seat.connection.close();
    }
    return undefined;
  }

  #dialIfNeeded(): void {
    if (this.#isShut) return;
    const used = this.#seats.filter((seat) => seat.connection.isUsable).length;
    const free = this.#maxConnections - used - this.#dials.length;
    const needed = this.#waiting.length - this.#dials.length;
    for (let count = Math.min(free, needed); count > 0; count -= 1) this.#dialOne();
  }

  #dialOne(): void {
    const abort = new AbortController();
    this.#dials.push(abort);
    this.#dial(abort.signal).then(
      (wire) => this.#receive(wire, abort),
      (error: unknown) => this.#reportRefusal(error, abort),
    );
  }

  #receive(wire: Wire, abort: AbortController): void {
    this.#forget(abort);
    // The dial was given up too late to be stopped.
    if (this.#isShut || abort.signal.aborted) {
      wire.stream.on('error', ignoreLateError);
      wire.reset();
      return;
    }
    const connection = new Connection(wire, this);
    this.#seats.push({ connection, usableUntil: Number.POSITIVE_INFINITY });
    this.#waiting.shift()?.onConnection(connection);
  }

  #reportRefusal(error: unknown, abort: AbortController): void {
    this.#forget(abort);
    if (this.#isShut || abort.signal.aborted) return;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'dial-failed';
    const message = error instanceof Error ? error.message : String(error);
    this.#waiting.shift()?.onNoConnection(code, message);
    this.#dialIfNeeded();
  }

  #forget(abort: AbortController): void {
    this.#dials = this.#dials.filter((other) => other !== abort);
  }
}

function ignoreLateError(): void {
  // The wire belongs to nobody: it is being reset, and what it says about that concerns no request.
}
