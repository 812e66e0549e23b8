import type { Clock } from '../clock/clock.ts';
import type { LetIn } from '../first-answer.ts';
import type { KnownSession, McpClientOptions } from '../mcp/client-options.ts';
import { ConnectionPool } from '../mcp/connection-pool.ts';
import type { Headers } from '../mcp/headers.ts';
import { McpClient } from '../mcp/mcp-client.ts';
import { credentialsIn, Secrets } from '../secrets.ts';
import type { Target } from '../targets/target.ts';
import { TOOL } from '../tool.ts';

/** Units under way at once. */
export const LANES = 8;
/** A call, and an event stream beside it. */
const CONNECTIONS_PER_LANE = 2;
const REQUEST_TIMEOUT_MS = 30_000;

/** What clients call themselves, and those that leave without a word: a server may have a shorter time-out for them. */
const CLIENT = `${TOOL.name}-leak`;
export const IDLE_CLIENT = `${CLIENT}-idle`;

interface ClientParts {
  readonly session?: KnownSession;
  readonly onNotification?: () => void;
  readonly clientName?: string;
}

/** Units one after another, over connections that outlive them. */
export interface Lane {
  readonly number: number;
  client(options?: ClientParts): McpClient;
}

/**
 * Clients that take turns on a fixed set of connections: at each reading the target holds the same sockets and parsers,
 * so that what it holds besides is what clients have left behind.
 */
export class Lanes {
  readonly #target: Target;
  readonly #clock: Clock;
  readonly #pools: ConnectionPool[];
  /** Sent with every request. */
  readonly #headers: Headers;

  constructor(
    target: Target,
    clock: Clock,
    { lanes = LANES, headers = {} }: { lanes?: number; headers?: Headers | undefined } = {},
  ) {
    this.#target = target;
    this.#clock = clock;
    this.#headers = headers;
    this.#pools = Array.from(
      { length: lanes },
      () => new ConnectionPool(target.dial, clock, () => undefined, { maxConnections: CONNECTIONS_PER_LANE }),
    );
  }

  /** What is told somebody whom the target does not let in. */
  get letIn(): LetIn {
    const headers = this.#headers;
    return { endpoint: this.#target.endpoint, headers, secrets: Secrets.of(credentialsIn(headers)) };
  }

  get count(): number {
    return this.#pools.length;
  }

  /** Does `units` things, as many at once as there are lanes. `signal`: no new one is begun. */
  async each(
    units: number,
    doOne: (lane: Lane, index: number) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    let next = 0;
    await Promise.all(
      this.#pools.map(async (pool, number) => {
        const lane: Lane = { number, client: (options = {}) => this.#client({ ...options, pool }) };
        while (next < units && !signal.aborted) {
          next += 1;
          await doOne(lane, next - 1);
        }
      }),
    );
  }

  /** A client with connections of its own. */
  loner(options: ClientParts = {}): McpClient {
    return this.#client(options);
  }

  close(): void {
    for (const pool of this.#pools) pool.shut('destroy');
  }

  #client({ clientName = CLIENT, ...options }: ClientParts & Pick<McpClientOptions, 'pool'>): McpClient {
    return new McpClient({
      dial: this.#target.dial,
      endpoint: this.#target.endpoint,
      clock: this.#clock,
      emit: () => undefined,
      protocolVersion: '2025-11-25',
      clientInfo: { name: clientName, version: TOOL.version },
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      headers: this.#headers,
      ...options,
    });
  }
}
