import type { Clock } from '../clock/clock.ts';
import { RequestAnswer } from '../mcp/answer.ts';
import { buildRequest, type JsonObject } from '../mcp/json-rpc.ts';
import type { Ending, Outcome } from '../mcp/outcome.ts';

/** The request that is repeated. */
export interface BulkRequest {
  readonly method: string;
  readonly params: JsonObject | undefined;
  readonly timeoutMs: number;
  /** The longest it can go on in the target. */
  readonly longestMs: number;
}

/**
 * The requests of one connection of an engine, one after the other: numbers them, since ids must not come twice in
 * a session (2025-11-25, basic), times them, and checks each answer as strictly as those of our own clients.
 */
export class Shooter {
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #request: BulkRequest;
  readonly #clock: Clock;
  readonly #onOutcome: (outcome: Outcome) => void;
  #lastId: number;
  #sentAt: number | undefined;
  /** A request that was followed by another before its answer: why that was shows in a moment. */
  #orphanSentAt: number | undefined;

  constructor(options: {
    request: BulkRequest;
    headers: Readonly<Record<string, string>>;
    /** Ids follow this one. */
    lastId: number;
    clock: Clock;
    onOutcome: (outcome: Outcome) => void;
  }) {
    this.#request = options.request;
    this.headers = options.headers;
    this.#lastId = options.lastId;
    this.#clock = options.clock;
    this.#onOutcome = options.onOutcome;
  }

  /** When the request was sent whose answer is owed; undefined when none is. */
  get waitingSince(): number | undefined {
    return this.#sentAt;
  }

  /** The body of the next request. */
  nextBody(): string {
    this.#lastId += 1;
    return buildRequest(this.#lastId, this.#request.method, this.#request.params);
  }

  sent(): void {
    this.#settleOrphan();
    this.#orphanSentAt = this.#sentAt;
    this.#sentAt = this.#clock.now();
  }

  answered(status: number, headers: ReadonlyMap<string, string>, body: string): void {
    this.#settleOrphan();
    const reader = new RequestAnswer(this.#lastId, () => undefined);
    reader.onHead(status, headers);
    const early = body === '' ? undefined : reader.onBody(Buffer.from(body));
    this.#settle(early ?? reader.onEnd());
  }

  /** The engine has given up on a request, and sent the next on a new connection. */
  timedOut(): void {
    this.#settleOrphan({ kind: 'timeout' });
  }

  /** The connection broke; the engine opens another and sends the next request on it. */
  broke(code: string, message: string): void {
    this.#settleOrphan();
    this.#settle({ kind: 'connection', code, message });
  }

  /** No request follows. What is owed still is given up. */
  end(): void {
    this.#settleOrphan();
    this.#settle({ kind: 'aborted' });
  }

  #settle(ending: Ending): void {
    if (this.#sentAt === undefined) return;
    const sentAt = this.#sentAt;
    this.#sentAt = undefined;
    this.#onOutcome({ ...ending, sentAt, doneAt: this.#clock.now() });
  }

  /** The engine passes over a connection that the target ended before it answered. */
  #settleOrphan(
    ending: Ending = { kind: 'connection', code: 'closed', message: 'ended before its answer' },
  ): void {
    if (this.#orphanSentAt === undefined) return;
    const sentAt = this.#orphanSentAt;
    this.#orphanSentAt = undefined;
    this.#onOutcome({ ...ending, sentAt, doneAt: this.#clock.now() });
  }
}
