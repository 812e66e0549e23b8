import type { Clock } from '../clock/clock.ts';
import type { AnswerReader } from '../mcp/answer.ts';
import { ByteBuffer } from '../mcp/byte-buffer.ts';
import type { HttpHeaders } from '../mcp/http-parser.ts';
import { type Message, parseMessages } from '../mcp/json-rpc.ts';
import type { Ending } from '../mcp/outcome.ts';
import { SseParser } from '../mcp/sse-parser.ts';
import { WireError } from '../mcp/wire-error.ts';
import type { WireRequest } from './wire-request.ts';

/** Of a body, and of a stream, the first so many bytes and events are kept. */
export const MAX_KEPT_BYTES = 256 * 1024;
export const MAX_KEPT_MESSAGES = 10_000;

/**
 * complete: the body ended as HTTP says · cut: the connection broke before · timeout: we stopped waiting ·
 * left: we ended it ourselves · refused: no connection could be had · open: nothing of that yet
 */
export type AnswerEnd = 'open' | 'complete' | 'cut' | 'timeout' | 'left' | 'refused';

/** A JSON-RPC message of the answer, and when it was there. */
export interface Received {
  readonly at: number;
  readonly text: string;
  readonly message: Message;
  /** The event id of the stream so far; empty without one. */
  readonly eventId: string;
}

export interface HttpAnswer {
  /** Undefined when no head came. */
  readonly status: number | undefined;
  readonly headers: HttpHeaders;
  /** Empty for an event stream: see `messages`. */
  readonly body: string;
  readonly messages: readonly Received[];
  readonly end: AnswerEnd;
  readonly sentAt: number;
  /** When the head was there, and when it was over; on the clock, ms. */
  readonly headAt: number | undefined;
  readonly doneAt: number | undefined;
  /** Comments of the stream, and the longest time without a byte after the head, ms. */
  readonly comments: number;
  readonly longestSilenceMs: number;
  /** The last event id, and the last `retry:` of the stream. */
  readonly lastEventId: string;
  readonly retryMs: number | undefined;
}

/** One request and everything that came back. What a server does never makes it throw. */
export class HttpExchange implements AnswerReader {
  readonly request: WireRequest;
  readonly #clock: Clock;
  readonly #changes = new Set<() => void>();
  readonly #body = new ByteBuffer();
  readonly #messages: Received[] = [];
  #sse: SseParser | undefined;
  #text = '';
  #status: number | undefined;
  #headers: HttpHeaders = new Map();
  #sentAt = 0;
  #headAt: number | undefined;
  #doneAt: number | undefined;
  #lastByteAt = 0;
  #longestSilenceMs = 0;
  #comments = 0;
  #retryMs: number | undefined;
  #end: AnswerEnd = 'open';
  /** Set by whoever sends it: ends the exchange from our side. */
  leave: () => void = () => undefined;

  constructor(request: WireRequest, clock: Clock) {
    this.request = request;
    this.#clock = clock;
    this.#sentAt = clock.now();
  }

  /** What is known by now. */
  get answer(): HttpAnswer {
    const silentMs =
      this.#end === 'open' && this.#headAt !== undefined ? this.#clock.now() - this.#lastByteAt : 0;
    return {
      status: this.#status,
      headers: this.#headers,
      body: this.#text,
      messages: this.#messages,
      end: this.#end,
      sentAt: this.#sentAt,
      headAt: this.#headAt,
      doneAt: this.#doneAt,
      comments: this.#comments,
      longestSilenceMs: Math.max(this.#longestSilenceMs, silentMs),
      lastEventId: this.#sse?.lastEventId ?? '',
      retryMs: this.#retryMs,
    };
  }

  get status(): number | undefined {
    return this.#status;
  }

  /** Resolves with the first thing that is there: a truthy value of `look`, undefined when the exchange or the time is over. */
  until<Found>(
    look: (answer: HttpAnswer) => Found | undefined,
    withinMs: number,
  ): Promise<Found | undefined> {
    const { promise, resolve } = Promise.withResolvers<Found | undefined>();
    const check = () => {
      const found = look(this.answer);
      if (found === undefined && this.#end === 'open') return;
      finish(found);
    };
    const finish = (found: Found | undefined) => {
      this.#changes.delete(check);
      cancel();
      resolve(found);
    };
    const cancel = this.#clock.at(this.#clock.now() + withinMs, () => finish(undefined));
    this.#changes.add(check);
    check();
    return promise;
  }

  /** The answer when its body is over, however that came; what there is of it when the time is up. */
  async done(withinMs = Number.MAX_SAFE_INTEGER): Promise<HttpAnswer> {
    await this.until(({ end }) => (end === 'open' ? undefined : end), withinMs);
    return this.answer;
  }

  /** The answer as soon as its head is there. */
  async head(withinMs = Number.MAX_SAFE_INTEGER): Promise<HttpAnswer> {
    await this.until(({ status }) => status, withinMs);
    return this.answer;
  }

  /** The first message that fits, whenever it comes in this time. */
  message(fits: (message: Message) => boolean, withinMs: number): Promise<Received | undefined> {
    return this.until(({ messages }) => messages.find(({ message }) => fits(message)), withinMs);
  }

  noteSent(at: number): void {
    this.#sentAt = at;
  }

  onHead(status: number, headers: HttpHeaders): undefined {
    this.#status = status;
    this.#headers = headers;
    this.#headAt = this.#clock.now();
    this.#lastByteAt = this.#headAt;
    const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
    if (type === 'text/event-stream') {
      this.#sse = new SseParser({
        onEvent: ({ data, id }) => this.#receive(data, id),
        onComment: () => {
          this.#comments += 1;
        },
        onRetry: (ms) => {
          this.#retryMs = ms;
        },
      });
    }
    this.#changed();
  }

  onBody(chunk: Buffer): Ending | undefined {
    const now = this.#clock.now();
    this.#longestSilenceMs = Math.max(this.#longestSilenceMs, now - this.#lastByteAt);
    this.#lastByteAt = now;
    if (this.#sse) {
      const fault = feed(this.#sse, chunk);
      if (fault) return { kind: 'wrong-answer', status: this.#status ?? 0, reason: fault.message };
    } else {
      const room = MAX_KEPT_BYTES - this.#body.length;
      if (room > 0) this.#body.append(chunk.length > room ? chunk.subarray(0, room) : chunk);
    }
    this.#changed();
    return undefined;
  }

  onEnd(): Ending {
    return { kind: 'accepted', status: this.#status ?? 0 };
  }

  /** Called once by whoever sends it, when nothing more will come. */
  finish(end: AnswerEnd): void {
    if (this.#end !== 'open') return;
    this.#end = end;
    this.#doneAt = this.#clock.now();
    if (!this.#sse) {
      this.#text = this.#body.takeText();
      if (this.#headers.get('content-type')?.includes('json')) this.#receive(this.#text, '');
    }
    this.#changed();
  }

  #receive(text: string, eventId: string): void {
    if (text === '') return;
    for (const message of parseMessages(text)) {
      if (this.#messages.length >= MAX_KEPT_MESSAGES) return;
      this.#messages.push({ at: this.#clock.now(), text, message, eventId });
    }
  }

  #changed(): void {
    for (const check of [...this.#changes]) check();
  }
}

/** What is wrong with the stream, if anything. */
function feed(sse: SseParser, chunk: Buffer): WireError | undefined {
  try {
    sse.feed(chunk);
    return undefined;
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}
