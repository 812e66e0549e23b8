import type { ServerResponse } from 'node:http';
import type { MessageStream, StreamEnding } from './message-stream.ts';

/**
 * One server-sent-event stream on a response. Says `retry:` first, so that a client whose stream ends
 * waits before it comes back instead of hammering (2025-11-25, basic/transports: SHOULD send `retry`).
 */
export class EventStream implements MessageStream {
  readonly #response: ServerResponse;
  readonly #maxBufferedBytes: number;
  readonly #primes: boolean;
  #ended = false;
  /** What was left unread when the last comment was due. */
  #stalledBytes = 0;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#maxBufferedBytes = options.maxBufferedBytes;
    this.#primes = options.primes;
    response.writeHead(200, {
      ...options.headers,
      'content-type': 'text/event-stream',
      // no-transform and X-Accel-Buffering: proxies that compress or buffer hold events back (F44).
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${options.retryMs}\n\n`);
  }

  get isOpen(): boolean {
    return !this.#ended && !this.#response.destroyed;
  }

  get isResumable(): boolean {
    return this.#primes;
  }

  /** Whether the reader keeps up: the connection takes more, or little enough waits to be taken. */
  get hasRoom(): boolean {
    const { writableNeedDrain, writableLength } = this.#response;
    return this.isOpen && (!writableNeedDrain || writableLength < this.#maxBufferedBytes);
  }

  /** Gives the client an id to resume from before there is an event (2025-11-25, basic/transports: SHOULD). */
  prime(id: string): void {
    if (this.isOpen && this.#primes) this.#response.write(`id: ${id}\ndata: \n\n`);
  }

  /** Sends one JSON-RPC message, given as JSON text. With an id it can be resumed after. */
  send(json: string, id?: string): void {
    const idLine = id === undefined ? '' : `id: ${id}\n`;
    if (this.isOpen) this.#response.write(`event: message\n${idLine}data: ${json}\n\n`);
  }

  /**
   * Keeps proxies from cutting a silent stream; says nothing to the client. A reader that took nothing at all
   * since the last time, while more waits than it may leave, has stalled: its connection is cut (F48).
   */
  comment(): void {
    if (this.hasRoom) {
      this.#stalledBytes = 0;
      this.#response.write(': keep-alive\n\n');
    } else if (this.isOpen) {
      const waiting = this.#response.writableLength;
      if (waiting === this.#stalledBytes) this.destroy();
      this.#stalledBytes = waiting;
    }
  }

  /** Calls back whenever the reader has caught up. */
  onDrain(callback: () => void): void {
    this.#response.on('drain', callback);
  }

  onClose(callback: () => void): void {
    this.#response.once('close', callback);
  }

  /** Ends the stream. `retryMs` asks the client to wait that long before it comes back. */
  end({ retryMs }: StreamEnding = {}): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#response.destroyed) return;
    this.#response.end(retryMs === undefined ? undefined : `retry: ${retryMs}\n\n`);
  }

  /** Cuts the connection, whatever waits on it. */
  destroy(): void {
    this.#ended = true;
    this.#response.destroy();
  }
}

export interface EventStreamOptions {
  /** What the client is asked to wait before it comes back, ms. */
  readonly retryMs: number;
  /** Bytes that may wait to be read before nothing more is written. */
  readonly maxBufferedBytes: number;
  /** Whether the client knows events that hold only an id. */
  readonly primes: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}
