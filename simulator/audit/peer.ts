import type { Clock } from '../clock/clock.ts';
import { ConnectionPool } from '../mcp/connection-pool.ts';
import { Exchange } from '../mcp/exchange.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Dial } from '../targets/target.ts';
import { type AnswerEnd, HttpExchange } from './http-exchange.ts';
import { type Headers, type WireRequest, writeRequest } from './wire-request.ts';

export interface PeerOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly endpoint: URL;
  /** Sent with every request, a token say. */
  readonly headers: Headers;
  /** Told of every request that is sent. */
  readonly onExchange: (exchange: HttpExchange) => void;
}

export interface SendOptions {
  /** A body that is not over by then is given up. Of a stream only the head is waited for. */
  readonly timeoutMs?: number;
  /** A stream: once its head is there it may take as long as it likes. */
  readonly staysOpen?: boolean;
}

/** Patient enough for a busy server, short enough for an audit. */
export const ANSWER_WITHIN_MS = 10_000;
/** A flood comes from one peer; a browser's six would hold it back. */
const MAX_CONNECTIONS = 512;

/** One client host: its connections break, freeze and close together. */
export class Peer {
  readonly #options: PeerOptions;
  readonly #pool: ConnectionPool;
  readonly #open = new Set<Exchange>();

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool(options.dial, options.clock, () => undefined, {
      maxConnections: MAX_CONNECTIONS,
    });
  }

  /** Sends a request. Whatever becomes of it is in the exchange; it never throws for what a server does. */
  send(
    request: WireRequest,
    { timeoutMs = ANSWER_WITHIN_MS, staysOpen = false }: SendOptions = {},
  ): HttpExchange {
    const { clock, endpoint, headers, onExchange } = this.#options;
    const exchanged = new HttpExchange(request, clock);
    let settled: Outcome | undefined;
    const exchange = new Exchange(this.#pool, clock, {
      method: request.method,
      text: writeRequest(request, endpoint, headers),
      reader: staysOpen ? asStream(exchanged) : exchanged,
      timeoutMs,
      abortAfterMs: undefined,
      isRepeatable: request.method === 'GET',
      staysOpen,
      onSent: (at) => exchanged.noteSent(at),
      onSettled: (outcome) => {
        settled = outcome;
      },
      onOver: (by, isBroken) => {
        this.#open.delete(exchange);
        exchanged.finish(endOf(settled, { by, isBroken }));
      },
    });
    exchanged.leave = () => exchange.abort();
    this.#open.add(exchange);
    onExchange(exchanged);
    exchange.start();
    return exchanged;
  }

  /** Breaks every connection as a network does; the next request opens new ones. */
  reset(): void {
    for (const exchange of [...this.#open]) exchange.forsake();
    this.#pool.reset();
  }

  /** Stops reading and writing for good, with every connection left open. */
  freeze(): void {
    for (const exchange of [...this.#open]) exchange.forsake();
    this.#pool.shut('freeze');
  }

  /** Frees everything, also what is frozen. Idempotent. */
  close(): void {
    for (const exchange of [...this.#open]) exchange.forsake();
    this.#pool.shut('destroy');
  }
}

/** A stream is answered with its head; its body may go on for ever. */
function asStream(exchanged: HttpExchange) {
  return {
    onHead(status: number, headers: ReadonlyMap<string, string>) {
      exchanged.onHead(status, headers);
      return { kind: 'accepted' as const, status };
    },
    onBody: (chunk: Buffer) => exchanged.onBody(chunk),
    onEnd: () => exchanged.onEnd(),
  };
}

function endOf(
  settled: Outcome | undefined,
  { by, isBroken }: { by: 'client' | 'server'; isBroken: boolean },
): AnswerEnd {
  switch (settled?.kind) {
    case 'timeout':
      return 'timeout';
    case 'wrong-answer':
      return 'cut';
    case 'connection':
      return NOT_CONNECTED.has(settled.code) ? 'refused' : 'cut';
    default:
      if (by === 'client') return 'left';
      return isBroken ? 'cut' : 'complete';
  }
}

/** Nothing was ever sent. */
const NOT_CONNECTED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'dial-failed', 'too-many-waiting']);
