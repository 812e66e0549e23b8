import type { Clock } from '../clock/clock.ts';
import type { Dial } from '../targets/target.ts';
import type { AnswerReader } from './answer.ts';
import { ByteBuffer } from './byte-buffer.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Exchange } from './exchange.ts';
import { type Headers, mergedHeaders } from './headers.ts';
import type { Ending } from './outcome.ts';

/** A listing of 100,000 sessions, a thousand a page, stays far below this. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly sentAt: number;
  readonly receivedAt: number;
}

export interface TextAnswer extends JsonAnswer {
  readonly body: string;
}

/** Reads JSON documents from the target beside its MCP endpoint, over one keep-alive connection. */
export class JsonReader {
  readonly #pool: ConnectionPool;
  readonly #clock: Clock;
  readonly #head: string;
  readonly #timeoutMs: number;

  /** `headers`: sent with every request, a token say. */
  constructor(options: { dial: Dial; clock: Clock; host: string; timeoutMs: number; headers?: Headers }) {
    this.#pool = new ConnectionPool(options.dial, options.clock, () => undefined);
    this.#clock = options.clock;
    this.#head = headOf(options.host, options.headers);
    this.#timeoutMs = options.timeoutMs;
  }

  /** The document at a path; undefined when there is none to be had, or it is not JSON. */
  async get(path: string): Promise<JsonAnswer | undefined> {
    const answer = await this.getText(path);
    const body = answer && parseJson(answer.body);
    return answer && body !== undefined ? { ...answer, body } : undefined;
  }

  /** The same for text of any kind; undefined when there is no answer. */
  getText(path: string): Promise<TextAnswer | undefined> {
    const reader = new BodyReader();
    return new Promise((resolve) => {
      const exchange = new Exchange(this.#pool, this.#clock, {
        method: 'GET',
        text: `GET ${path} HTTP/1.1\r\n${this.#head}\r\n`,
        reader,
        timeoutMs: this.#timeoutMs,
        abortAfterMs: undefined,
        isRepeatable: true,
        staysOpen: false,
        onSent: () => undefined,
        onSettled: (outcome) => {
          const { sentAt, doneAt: receivedAt } = outcome;
          const isAnswered = outcome.kind === 'accepted';
          resolve(
            isAnswered ? { status: reader.status, body: reader.text(), sentAt, receivedAt } : undefined,
          );
        },
        onOver: () => undefined,
      });
      exchange.start();
    });
  }

  close(): void {
    this.#pool.shut('destroy');
  }
}

/** Takes any answer whole, whatever its status: a hub that drains says so with a 503 and a body. */
class BodyReader implements AnswerReader {
  readonly #body = new ByteBuffer();
  status = 0;

  onHead(status: number): undefined {
    this.status = status;
  }

  onBody(chunk: Buffer): Ending | undefined {
    if (this.#body.length + chunk.length > MAX_BODY_BYTES) {
      return { kind: 'wrong-answer', status: this.status, reason: `more than ${MAX_BODY_BYTES} bytes` };
    }
    this.#body.append(chunk);
    return undefined;
  }

  onEnd(): Ending {
    return { kind: 'accepted', status: this.status };
  }

  text(): string {
    return this.#body.takeText();
  }
}

function headOf(host: string, headers: Headers | undefined): string {
  const ordinary = { Host: host, 'User-Agent': 'mcp-soak', Accept: 'application/json, text/plain, */*' };
  return Object.entries(mergedHeaders(ordinary, headers))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: this target has no such document.
    return undefined;
  }
}
