import { ByteBuffer } from './byte-buffer.ts';
import type { HttpHeaders } from './http-parser.ts';
import { type Id, type Message, parseMessages } from './json-rpc.ts';
import type { Ending } from './outcome.ts';
import { SseParser } from './sse-parser.ts';
import { quote, WireError } from './wire-error.ts';

/** Understands one answer. Each method returns the ending as soon as it is known; `onEnd` always knows. */
export interface AnswerReader {
  onHead(status: number, headers: HttpHeaders): Ending | undefined;
  onBody(chunk: Buffer): Ending | undefined;
  onEnd(): Ending;
}

/** Larger answers become `wrong-answer`: the simulator holds thousands of clients in one process. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Of an error page only the beginning is kept, for the report. */
export const MAX_ERROR_BODY_BYTES = 4096;

/** What an ordinary notification or server request in an answer is handed to. */
export type OnMessage = (message: Message) => void;

/** The answer to what is owed no JSON-RPC answer: a notification, an answer of ours, DELETE. */
export class PlainAnswer implements AnswerReader {
  #status = 0;
  #retryAfterMs: number | undefined;
  readonly #body = new ByteBuffer();

  onHead(status: number, headers: HttpHeaders): undefined {
    this.#status = status;
    this.#retryAfterMs = retryAfter(headers);
  }

  onBody(chunk: Buffer): undefined {
    const room = MAX_ERROR_BODY_BYTES - this.#body.length;
    if (room > 0) this.#body.append(chunk.length > room ? chunk.subarray(0, room) : chunk);
  }

  onEnd(): Ending {
    const status = this.#status;
    if (isSuccess(status)) return { kind: 'accepted', status };
    const body = this.#body.takeText();
    const rpcCode = findRpcCode(body);
    return {
      kind: 'http-error',
      status,
      body,
      ...(rpcCode !== undefined && { rpcCode }),
      ...(this.#retryAfterMs !== undefined && { retryAfterMs: this.#retryAfterMs }),
    };
  }
}

/** The answer to a JSON-RPC request: one JSON body, or an event stream with our answer somewhere in it. */
export class RequestAnswer implements AnswerReader {
  readonly #id: Id;
  readonly #onMessage: OnMessage;
  readonly #maxBytes: number;
  #status = 0;
  #sessionId: string | undefined;
  #type = '';
  #error: PlainAnswer | undefined;
  #events: SseParser | undefined;
  readonly #body = new ByteBuffer();
  #ending: Ending | undefined;

  constructor(id: Id, onMessage: OnMessage, maxBytes = MAX_ANSWER_BYTES) {
    this.#id = id;
    this.#onMessage = onMessage;
    this.#maxBytes = maxBytes;
  }

  /** The `Mcp-Session-Id` header of the answer. */
  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  onHead(status: number, headers: HttpHeaders): undefined {
    this.#status = status;
    this.#sessionId = headers.get('mcp-session-id');
    this.#type = mediaType(headers);
    if (!isSuccess(status)) {
      this.#error = new PlainAnswer();
      this.#error.onHead(status, headers);
    } else if (this.#type === 'text/event-stream') {
      this.#events = new SseParser(
        { onEvent: ({ event, data }) => this.#readEvent(event, data) },
        { maxEventBytes: this.#maxBytes },
      );
    }
  }

  onBody(chunk: Buffer): Ending | undefined {
    if (this.#error) return this.#error.onBody(chunk);
    if (this.#events) return this.#feedEvents(this.#events, chunk);
    if (this.#body.length + chunk.length > this.#maxBytes) {
      return this.#wrong(`the body is larger than the ${this.#maxBytes} bytes allowed`);
    }
    this.#body.append(chunk);
    return undefined;
  }

  onEnd(): Ending {
    if (this.#error) return this.#error.onEnd();
    if (this.#ending) return this.#ending;
    const status = this.#status;
    if (this.#events || this.#body.length === 0) return { kind: 'empty', status };
    const text = this.#body.takeText();
    if (this.#type !== 'application/json') {
      return this.#wrong(`Content-Type must be JSON or an event stream, got ${quote(this.#type)}`);
    }
    this.#readMessages(text);
    return this.#ending ?? this.#wrong(`the body holds no answer to request ${this.#id}: ${quote(text)}`);
  }

  #feedEvents(events: SseParser, chunk: Buffer): Ending | undefined {
    try {
      events.feed(chunk);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#wrong(error.message);
    }
    return this.#ending;
  }

  #readEvent(event: string, data: string): void {
    // An event without data only carries an id to resume from. Other types are not MCP's.
    if (event === 'message' && data !== '' && !this.#ending) this.#readMessages(data);
  }

  /** Ours decides, wherever in a batch it stands; without it the first foreign or malformed one does. */
  #readMessages(text: string): void {
    let wrong: Ending | undefined;
    for (const message of parseMessages(text)) {
      switch (message.kind) {
        case 'request':
        case 'notification':
          this.#onMessage(message);
          break;
        case 'malformed':
          wrong ??= this.#wrong(message.reason);
          break;
        case 'result':
        case 'error':
          if (this.#isOurs(message.id)) this.#ending ??= this.#conclude(message);
          else
            wrong ??= this.#wrong(
              `an answer to request ${this.#id} must have its id, got ${showId(message.id)}`,
            );
          break;
      }
    }
    this.#ending ??= wrong;
  }

  /** A POST carries one request, so an error that names none can only be about this one. */
  #isOurs(id: Id | undefined): boolean {
    return id === this.#id || id === undefined;
  }

  #conclude(message: Extract<Message, { kind: 'result' | 'error' }>): Ending {
    const status = this.#status;
    if (message.kind === 'result') return { kind: 'result', status, result: message.result };
    return { kind: 'rpc-error', status, code: message.code, message: message.message };
  }

  #wrong(reason: string): Ending {
    return { kind: 'wrong-answer', status: this.#status, reason };
  }
}

/** The answer to GET: accepted as soon as its headers say event stream; messages follow until it ends. */
export class StreamAnswer implements AnswerReader {
  readonly #onMessage: OnMessage;
  readonly #onRetry: (ms: number) => void;
  readonly #error = new PlainAnswer();
  #status = 0;
  #events: SseParser | undefined;

  constructor(onMessage: OnMessage, onRetry: (ms: number) => void = () => undefined) {
    this.#onMessage = onMessage;
    this.#onRetry = onRetry;
  }

  get lastEventId(): string {
    return this.#events?.lastEventId ?? '';
  }

  onHead(status: number, headers: HttpHeaders): Ending | undefined {
    this.#status = status;
    this.#error.onHead(status, headers);
    if (!isSuccess(status)) return undefined;
    const type = mediaType(headers);
    if (status !== 200 || type !== 'text/event-stream') {
      const reason = `GET must be answered 200 with an event stream, got ${status} ${quote(type)}`;
      return { kind: 'wrong-answer', status, reason };
    }
    this.#events = new SseParser({
      onEvent: ({ event, data }) => this.#readEvent(event, data),
      onRetry: this.#onRetry,
    });
    return { kind: 'accepted', status };
  }

  onBody(chunk: Buffer): Ending | undefined {
    if (!this.#events) return this.#error.onBody(chunk);
    try {
      this.#events.feed(chunk);
      return undefined;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return { kind: 'wrong-answer', status: this.#status, reason: error.message };
    }
  }

  onEnd(): Ending {
    return this.#error.onEnd();
  }

  #readEvent(event: string, data: string): void {
    if (event !== 'message' || data === '') return;
    for (const message of parseMessages(data)) this.#onMessage(message);
  }
}

/** Seconds only: the other form, a date, is one of the world's calendar, of which a run knows nothing. */
function retryAfter(headers: HttpHeaders): number | undefined {
  const seconds = /^\d{1,6}$/.exec(headers.get('retry-after') ?? '')?.[0];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

export function mediaType(headers: HttpHeaders): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function findRpcCode(body: string): number | undefined {
  if (!body.startsWith('{')) return undefined;
  const [message] = parseMessages(body);
  return message?.kind === 'error' ? message.code : undefined;
}

function showId(id: Id | undefined): string {
  return id === undefined ? 'none' : JSON.stringify(id);
}
