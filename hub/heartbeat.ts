import type { Exchange } from './exchange.ts';
import { PeriodicQueue } from './periodic-queue.ts';
import { PINGS_BEFORE_DEAD } from './session-streams.ts';
import type { SessionTransport } from './transport.ts';

/**
 * Keeps what is open alive, and finds out what is dead.
 *
 * - Every open stream and every call that takes long gets a comment each `keepAliveMs`: proxies cut silence (F43).
 * - The client of every open GET stream gets an MCP ping each `heartbeatMs`; three unanswered end the stream.
 *   Clients without a stream are never pinged: they could not answer (F16).
 */
export class Heartbeat {
  readonly #streams: PeriodicQueue<SessionTransport>;
  readonly #pings: PeriodicQueue<SessionTransport>;
  readonly #calls: PeriodicQueue<Exchange>;

  constructor(options: { heartbeatMs: number; keepAliveMs: number }) {
    this.#streams = new PeriodicQueue(options.keepAliveMs, (transport) => transport.keepAlive());
    this.#pings = new PeriodicQueue(options.heartbeatMs, (transport) => transport.ping());
    this.#calls = new PeriodicQueue(options.keepAliveMs, (exchange) => exchange.keepAlive());
  }

  streamOpened(transport: SessionTransport): void {
    this.#streams.add(transport);
    this.#pings.add(transport);
  }

  streamEnded(transport: SessionTransport): void {
    this.#streams.delete(transport);
    this.#pings.delete(transport);
  }

  callStarted(exchange: Exchange): void {
    this.#calls.add(exchange);
  }

  callEnded(exchange: Exchange): void {
    this.#calls.delete(exchange);
  }

  close(): void {
    this.#streams.close();
    this.#pings.close();
    this.#calls.close();
  }
}

/**
 * How long a dead peer may keep its stream at most: the pings it leaves unanswered, and the time the last of
 * them is given, one heartbeat more.
 */
export function deadPeerMs(heartbeatMs: number): number {
  return (PINGS_BEFORE_DEAD + 1) * heartbeatMs;
}
