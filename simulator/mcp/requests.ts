import type { AnswerReader } from './answer.ts';
import { type ClientEvent, requestEnd } from './client-event.ts';
import type { McpClientOptions, RequestOptions } from './client-options.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { Exchange, type Sent } from './exchange.ts';
import type { Outcome } from './outcome.ts';

/** One HTTP exchange, before the client's defaults are filled in. */
export interface Spec {
  readonly method: string;
  readonly text: string;
  readonly reader: AnswerReader;
  readonly options: RequestOptions;
  readonly isRepeatable?: boolean;
  readonly staysOpen?: boolean;
  readonly onSent: (at: number) => void;
  readonly onSettled: (outcome: Outcome, sent: Sent | undefined, exchange: Exchange) => void;
  readonly onOver?: (by: 'client' | 'server', exchange: Exchange) => void;
}

/** A POST or GET that the ledger hears of as a request on the session. */
export interface SessionSpec extends Omit<Spec, 'onSent' | 'onSettled'> {
  /** It completes the handshake, for the ledger. */
  readonly isHandshake: boolean;
  /** What the ledger is told of its end; default: what `requestEnd` says. */
  readonly endOf?: typeof requestEnd;
  readonly onAnswered?: (outcome: Outcome, exchange: Exchange) => void;
}

/** The requests of one client: what is not over yet, and how many the ledger has heard of. */
export class Requests {
  readonly #options: Pick<McpClientOptions, 'clock' | 'requestTimeoutMs'>;
  readonly #pool: ConnectionPool;
  readonly #emitOnSession: (event: ClientEvent) => void;
  /** Everything not over yet, streams included. */
  readonly #exchanges = new Set<Exchange>();
  #isStopped = false;
  /** Requests on the session so far: they are numbered for the ledger. */
  count = 0;

  constructor(
    options: Pick<McpClientOptions, 'clock' | 'requestTimeoutMs'>,
    pool: ConnectionPool,
    emitOnSession: (event: ClientEvent) => void,
  ) {
    this.#options = options;
    this.#pool = pool;
    this.#emitOnSession = emitOnSession;
  }

  /** What is in flight settles as aborted; its connections are left to whoever shuts them. */
  forsake(): void {
    for (const exchange of [...this.#exchanges]) exchange.forsake();
  }

  /** Whatever is asked for from now on is aborted at once. */
  stop(): void {
    this.#isStopped = true;
  }

  /** A POST or GET that the ledger hears of. */
  onSession({ isHandshake, endOf = requestEnd, onAnswered, ...spec }: SessionSpec): Promise<Outcome> {
    const longestMs = spec.options.longestMs ?? this.#options.requestTimeoutMs;
    let request = 0;
    return this.exchange({
      ...spec,
      onSent: (at) => {
        this.count += 1;
        request = this.count;
        this.#emitOnSession({ kind: 'request-sent', at, request, handshake: isHandshake });
      },
      onSettled: (outcome, sent, exchange) => {
        if (!sent) return;
        // The ledger counts from the first send, the target from the last.
        this.#emitOnSession(endOf(outcome, request, longestMs + sent.repeatedAfterMs));
        onAnswered?.(outcome, exchange);
      },
    });
  }

  exchange(spec: Spec): Promise<Outcome> {
    const { clock, requestTimeoutMs } = this.#options;
    if (this.#isStopped) {
      const at = clock.now();
      return Promise.resolve({ kind: 'aborted', sentAt: at, doneAt: at });
    }
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const exchange = new Exchange(this.#pool, clock, {
      method: spec.method,
      text: spec.text,
      reader: spec.reader,
      timeoutMs: spec.options.timeoutMs ?? requestTimeoutMs,
      abortAfterMs: spec.options.abortAfterMs,
      isRepeatable: spec.isRepeatable ?? false,
      staysOpen: spec.staysOpen ?? false,
      onSent: spec.onSent,
      onSettled: (outcome, sent) => {
        spec.onSettled(outcome, sent, exchange);
        resolve(outcome);
      },
      onOver: (by) => {
        this.#exchanges.delete(exchange);
        spec.onOver?.(by, exchange);
      },
    });
    this.#exchanges.add(exchange);
    exchange.start();
    return promise;
  }
}
