import type { ServerResponse } from 'node:http';
import { EventStream } from './event-stream.ts';

/**
 * The open answer to one POST that holds requests. Answers as JSON; becomes an event stream as soon as
 * something has to be said before the answers are complete (a progress notification, a keep-alive).
 *
 * Messages are JSON text.
 *
 * State: collecting ─event()→ streaming; either ─last answer, fail() or the client left→ closed.
 */
export class PostExchange {
  readonly #response: ServerResponse;
  readonly #isBatch: boolean;
  readonly #retryMs: number;
  #owed: number;
  #answers: string[] = [];
  #stream: EventStream | undefined;
  /** Headers of the answer, settable until the first byte of it is written. */
  readonly headers: Record<string, string> = {};
  /** Called once, when the answer is complete or can no longer be given. */
  onclose: (() => void) | undefined;
  /** Called once, after onclose: all of the answer has been handed to the network, or the client is gone. */
  onleft: (() => void) | undefined;

  constructor(response: ServerResponse, options: { owed: number; isBatch: boolean; retryMs: number }) {
    this.#response = response;
    this.#owed = options.owed;
    this.#isBatch = options.isBatch;
    this.#retryMs = options.retryMs;
    // A client that left before this was opened leaves no 'close' to wait for.
    if (response.destroyed) queueMicrotask(() => this.#left());
    else response.once('close', () => this.#left());
  }

  /** Whether the client still waits. */
  get isOpen(): boolean {
    return this.#owed > 0 && !this.#response.destroyed;
  }

  /** One of the answers owed. The last one completes the response. */
  answer(json: string): void {
    if (!this.isOpen) return;
    if (this.#stream) this.#stream.send(json);
    else this.#answers.push(json);
    this.#settleOne();
  }

  /** Gives up one of the answers owed: its request was cancelled, and a cancelled request gets none. */
  withdraw(): void {
    if (this.isOpen) this.#settleOne();
  }

  /** A notification or request that belongs to this POST. */
  event(json: string): void {
    if (this.isOpen) this.#streaming().send(json);
  }

  /** Writes something so that nothing between here and the client takes a long call for dead. */
  keepAlive(): void {
    if (this.isOpen) this.#streaming().comment();
  }

  #streaming(): EventStream {
    if (!this.#stream) {
      this.#stream = new EventStream(this.#response, { retryMs: this.#retryMs, headers: this.headers });
      for (const answer of this.#answers) this.#stream.send(answer);
      this.#answers = [];
    }
    return this.#stream;
  }

  #settleOne(): void {
    this.#owed -= 1;
    if (this.#owed > 0) return;
    if (this.#stream) this.#stream.end();
    else if (this.#answers.length === 0) this.#streaming().end();
    else this.#writeJson(this.#isBatch ? `[${this.#answers.join(',')}]` : this.#answers.join());
    this.#closed();
  }

  #writeJson(json: string): void {
    this.#response.writeHead(200, {
      ...this.headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
    });
    this.#response.end(json);
  }

  #left(): void {
    this.#closed();
    this.onleft?.();
  }

  #closed(): void {
    this.#owed = 0;
    this.#answers = [];
    const onclose = this.onclose;
    this.onclose = undefined;
    onclose?.();
  }
}
