import type { ServerResponse } from 'node:http';
import type { Exchange } from './exchange.ts';
import type { ResumableStream } from './resumable-stream.ts';

export interface PostExchangeOptions {
  /** Answers owed: requests in the POST. */
  readonly owed: number;
  readonly isBatch: boolean;
  /** Makes the stream that the answer turns into, if it does: its head has these headers. */
  readonly openStream: (headers: Readonly<Record<string, string>>) => ResumableStream;
  /** Ends it, once the answers are complete. */
  readonly endStream: (stream: ResumableStream) => void;
}

/**
 * The open answer to one POST that holds requests. Answers as JSON; becomes an event stream as soon as
 * something has to be said before the answers are complete (a progress notification, a keep-alive). Messages are
 * JSON text.
 *
 * | state      | event()   | last answer | the client leaves | suspend() | resumed   |
 * |------------|-----------|-------------|-------------------|-----------|-----------|
 * | collecting | streaming | closed      | closed            | detached  | –         |
 * | streaming  | streaming | closed      | detached          | detached  | streaming |
 * | detached   | detached  | closed      | –                 | detached  | streaming |
 */
export class PostExchange implements Exchange {
  readonly #response: ServerResponse;
  readonly #options: PostExchangeOptions;
  #owed: number;
  #answers: string[] = [];
  #stream: ResumableStream | undefined;
  /** The client was sent away, to come back: the answer leaves with whatever stream it comes back for. */
  #isSuspended = false;
  /** Headers of the answer, settable until the first byte of it is written. */
  readonly headers: Record<string, string> = {};
  /** Called once, when the answer is complete or can no longer be given. */
  onclose: (() => void) | undefined;
  /** Called once: all that will be answered has been handed to the network, or the client is gone for good. */
  onleft: (() => void) | undefined;

  constructor(response: ServerResponse, options: PostExchangeOptions) {
    this.#response = response;
    this.#options = options;
    this.#owed = options.owed;
    // A client that left before this was opened leaves no 'close' to wait for.
    if (response.destroyed) queueMicrotask(() => this.#left());
    else response.once('close', () => this.#left());
  }

  /** Whether an answer is owed, and can still be given. */
  get isOpen(): boolean {
    return this.#owed > 0 && (this.#stream !== undefined || !this.#response.destroyed);
  }

  /** One of the answers owed. The last one completes the response. */
  answer(json: string): void {
    if (!this.isOpen) return;
    if (this.#stream) void this.#stream.send(json);
    else this.#answers.push(json);
    this.#settleOne();
  }

  /** Gives up one of the answers owed: its request was cancelled, and a cancelled request gets none. */
  withdraw(): void {
    if (this.isOpen) this.#settleOne();
  }

  /** A notification or request that belongs to this POST. Resolves when there is room for more. */
  async event(json: string): Promise<void> {
    if (this.isOpen) await this.#streaming().send(json);
  }

  /** Writes something so that nothing between here and the client takes a long call for dead. */
  keepAlive(): void {
    if (this.isOpen) this.#streaming().comment();
  }

  /** Ends the response for now: the client comes back for the rest. */
  suspend(): void {
    if (!this.isOpen) return;
    this.#isSuspended = true;
    this.#streaming().suspend();
  }

  #streaming(): ResumableStream {
    if (this.#stream) return this.#stream;
    const stream = this.#options.openStream(this.headers);
    this.#stream = stream;
    for (const answer of this.#answers) void stream.send(answer);
    this.#answers = [];
    return stream;
  }

  #settleOne(): void {
    this.#owed -= 1;
    if (this.#owed > 0) return;
    if (!this.#stream && this.#answers.length > 0) {
      this.#writeJson(this.#options.isBatch ? `[${this.#answers.join(',')}]` : this.#answers.join());
    } else this.#endStream();
    this.#closed();
  }

  #endStream(): void {
    const stream = this.#streaming();
    if (this.#isSuspended) stream.onDelivered(() => this.#allLeft());
    this.#options.endStream(stream);
  }

  #writeJson(json: string): void {
    this.#response.writeHead(200, {
      ...this.headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
    });
    this.#response.end(json);
  }

  /** A client that left a stream may come back for the rest of it; one that left before there was any cannot. */
  #left(): void {
    if (!this.#stream) this.#closed();
    if (!this.#isSuspended) this.#allLeft();
  }

  #allLeft(): void {
    const onleft = this.onleft;
    this.onleft = undefined;
    onleft?.();
  }

  #closed(): void {
    this.#owed = 0;
    this.#answers = [];
    const onclose = this.onclose;
    this.onclose = undefined;
    onclose?.();
  }
}
