import { hash } from 'node:crypto';
import { type AnswerReader, MAX_ANSWER_BYTES, PlainAnswer, RequestAnswer, StreamAnswer } from './answer.ts';
import { type AbandonKind, type ClientEvent, deleteEnd, initializeEnd, requestEnd } from './client-event.ts';
import type { KnownSession, McpClientOptions, RequestOptions } from './client-options.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Exchange, type ExchangePlan, type Sent } from './exchange.ts';
import { RequestWriter } from './http-request.ts';
import { InitializeAnswer } from './initialize-answer.ts';
import {
  buildError,
  buildNotification,
  buildRequest,
  buildResult,
  type Id,
  type JsonObject,
  METHOD_NOT_FOUND,
  type Message,
} from './json-rpc.ts';
import type { Outcome } from './outcome.ts';

/** A server that pings without end must not make the client send without end. */
export const MAX_ANSWERS_IN_FLIGHT = 16;

/** One HTTP exchange, before the client's defaults are filled in. */
interface Spec {
  readonly method: ExchangePlan['method'];
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
interface SessionSpec extends Omit<Spec, 'onSent' | 'onSettled'> {
  /** It completes the handshake, for the ledger. */
  readonly isHandshake: boolean;
  readonly onAnswered?: (outcome: Outcome, exchange: Exchange) => void;
}

/**
 * One MCP client on the wire, with one session at most. Methods never throw and never reject for what a
 * server does: they resolve to an `Outcome`. Everything the ledger must know goes through `emit`.
 */
export class McpClient {
  readonly #options: McpClientOptions;
  readonly #writer: RequestWriter;
  readonly #pool: ConnectionPool;
  /** Everything not over yet, streams included. */
  readonly #exchanges = new Set<Exchange>();
  readonly #streams = new Set<Exchange>();
  #stage: 'new' | 'begun' | 'leaving' | 'over' = 'new';
  /** How open streams end for the ledger while leaving. */
  #streamsVanish = false;
  #sessionId: string | undefined;
  #fingerprint: string | undefined;
  #protocolVersion: string | undefined;
  #lastEventId = '';
  #lastId = 0;
  #requestCount = 0;
  #streamCount = 0;
  #answersInFlight = 0;

  /** Throws when `headers` cannot be sent. */
  constructor(options: McpClientOptions) {
    this.#options = options;
    this.#writer = new RequestWriter(options.endpoint, options.headers);
    this.#pool = new ConnectionPool(options.dial, options.clock, (fault) =>
      options.onAnomaly?.(fault.message),
    );
    if (options.session) this.#takeUp(options.session);
  }

  /** What another client must be told to speak on this session; undefined when there is none. */
  get known(): KnownSession | undefined {
    if (this.#sessionId === undefined) return undefined;
    return {
      id: this.#sessionId,
      protocolVersion: this.#protocolVersion,
      firstRequest: this.#requestCount + 1,
    };
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  /** First 12 hex digits of SHA-256 of the session id: the id itself is a credential. */
  get fingerprint(): string | undefined {
    return this.#fingerprint;
  }

  /** The negotiated version. */
  get protocolVersion(): string | undefined {
    return this.#protocolVersion;
  }

  /** GET streams open now. */
  get openStreams(): number {
    return this.#streams.size;
  }

  /** Sockets not closed yet, also frozen ones. */
  get openConnections(): number {
    return this.#pool.size;
  }

  /** The last event id seen on a GET stream; empty when there was none. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /**
   * Opens the session. `half`: never says that it is initialized. Once per client.
   * The outcome is that of initialize, unless the server did not accept notifications/initialized.
   */
  async initialize(
    { handshake }: { handshake: 'full' | 'half' },
    options: RequestOptions = {},
  ): Promise<Outcome> {
    if (this.#stage === 'begun') {
      throw new Error('initialize: got a second call, allowed: one per McpClient (make a new one)');
    }
    if (this.#stage === 'new') this.#stage = 'begun';
    const { protocolVersion, clientInfo } = this.#options;
    const id = this.#nextId();
    const text = buildRequest(id, 'initialize', { protocolVersion, capabilities: {}, clientInfo });
    const reader = new InitializeAnswer(this.#requestAnswer(id));
    const outcome = await this.#exchange({
      method: 'POST',
      text: this.#writer.post(text),
      reader,
      options,
      onSent: (at) => this.#emit({ kind: 'initialize-sent', at, clientName: clientInfo.name }),
      onSettled: (settled, sent) => this.#opened(settled, reader, sent !== undefined, options),
    });
    if (outcome.kind !== 'result' || handshake === 'half') return outcome;
    const initialized = await this.notify('notifications/initialized', undefined, options);
    return initialized.kind === 'accepted' ? outcome : initialized;
  }

  /** tools/call. */
  call(tool: string, args: JsonObject = {}, options: RequestOptions = {}): Promise<Outcome> {
    return this.request('tools/call', { name: tool, arguments: args }, options);
  }

  /** One page of a list. */
  list(what: 'tools' | 'resources' | 'prompts', options: RequestOptions = {}): Promise<Outcome> {
    return this.request(`${what}/list`, undefined, options);
  }

  ping(options: RequestOptions = {}): Promise<Outcome> {
    return this.request('ping', undefined, options);
  }

  /** A ping with the session's id, whatever became of the session: alive is `result`, gone is 404. */
  probe(options: RequestOptions = {}): Promise<Outcome> {
    return this.ping(options);
  }

  request(method: string, params?: JsonObject, options: RequestOptions = {}): Promise<Outcome> {
    const id = this.#nextId();
    return this.#onSession({
      method: 'POST',
      text: this.#writer.post(buildRequest(id, method, params)),
      reader: this.#requestAnswer(id),
      isRepeatable: method === 'ping' || method.endsWith('/list'),
      isHandshake: method !== 'ping',
      options,
    });
  }

  /** Resolves to `accepted` on any 2xx (the specification wants 202). */
  notify(method: string, params?: JsonObject, options: RequestOptions = {}): Promise<Outcome> {
    const isHandshake = method === 'notifications/initialized';
    return this.#postPlain(buildNotification(method, params), isHandshake, options);
  }

  /**
   * Opens a GET stream: `accepted` as soon as its headers are in. It stays open until the server, or
   * `closeStream()`, ends it; a second one may be open beside it.
   */
  listen({ lastEventId, ...options }: RequestOptions & { lastEventId?: string } = {}): Promise<Outcome> {
    const reader = new StreamAnswer((message) => {
      this.#lastEventId = reader.lastEventId;
      this.#understand(message);
    });
    let stream = 0;
    return this.#onSession({
      method: 'GET',
      text: this.#writer.get(lastEventId),
      reader,
      isRepeatable: true,
      staysOpen: true,
      isHandshake: false,
      options,
      onAnswered: (outcome, exchange) => {
        if (outcome.kind !== 'accepted') return;
        this.#streamCount += 1;
        stream = this.#streamCount;
        this.#streams.add(exchange);
        this.#emitOnSession({ kind: 'stream-opened', at: outcome.doneAt, stream });
      },
      onOver: (by, exchange) => {
        if (!this.#streams.delete(exchange)) return;
        this.#lastEventId = reader.lastEventId || this.#lastEventId;
        this.#streamEnded(stream, by);
      },
    });
  }

  /** Closes the GET streams. */
  closeStream(): void {
    for (const stream of [...this.#streams]) stream.abort();
  }

  /** Asks the server to end the session: `accepted` on 2xx. */
  delete(options: RequestOptions = {}): Promise<Outcome> {
    return this.#exchange({
      method: 'DELETE',
      text: this.#writer.delete(),
      reader: new PlainAnswer(),
      options,
      onSent: (at) => this.#emitOnSession({ kind: 'delete-sent', at }),
      onSettled: (outcome, sent) => {
        if (sent) this.#emitOnSession(deleteEnd(outcome));
      },
    });
  }

  /**
   * Leaves without DELETE; what is in flight settles as `aborted`.
   * `silent`: sockets end as those of a process that exits. `destroyed`: they are reset.
   * `frozen`: they stay open, unread, until `release()`.
   */
  abandon(how: AbandonKind): void {
    if (this.#stage === 'leaving' || this.#stage === 'over') return;
    this.#stage = 'leaving';
    this.#streamsVanish = how !== 'frozen';
    for (const exchange of [...this.#exchanges]) exchange.forsake();
    this.#emitOnSession({ kind: 'abandoned', at: this.#options.clock.now(), how });
    this.#stage = 'over';
    this.#pool.shut(how === 'silent' ? 'close' : how === 'destroyed' ? 'reset' : 'freeze');
  }

  /** Frees whatever is still held, without an event. Idempotent; nothing can be sent afterwards. */
  release(): void {
    this.#stage = 'over';
    for (const exchange of [...this.#exchanges]) exchange.forsake();
    this.#pool.shut('destroy');
  }

  #nextId(): Id {
    if (this.#options.nextId) return this.#options.nextId();
    this.#lastId += 1;
    return this.#lastId;
  }

  #requestAnswer(id: Id): RequestAnswer {
    const { maxAnswerBytes = MAX_ANSWER_BYTES } = this.#options;
    return new RequestAnswer(id, (message) => this.#understand(message), maxAnswerBytes);
  }

  #opened(outcome: Outcome, reader: InitializeAnswer, wasSent: boolean, options: RequestOptions): void {
    const { clientInfo, requestTimeoutMs } = this.#options;
    if (!wasSent) this.#emit({ kind: 'initialize-sent', at: outcome.sentAt, clientName: clientInfo.name });
    const agreement = outcome.kind === 'result' ? reader.agreement : undefined;
    if (agreement) {
      const { protocolVersion, sessionId } = agreement;
      this.#useSession(sessionId, protocolVersion);
    }
    if (this.#sessionId === undefined) {
      this.#emit(initializeEnd(outcome, { wasSent, longestMs: options.longestMs ?? requestTimeoutMs }));
      return;
    }
    this.#fingerprint = hash('sha256', this.#sessionId, 'hex').slice(0, 12);
    this.#emit({ kind: 'initialize-answered', at: outcome.doneAt, fingerprint: this.#fingerprint });
  }

  #takeUp({ id, protocolVersion, firstRequest }: KnownSession): void {
    this.#stage = 'begun';
    this.#requestCount = firstRequest - 1;
    this.#useSession(id, protocolVersion);
  }

  #useSession(sessionId: string | undefined, protocolVersion: string | undefined): void {
    this.#sessionId = sessionId;
    this.#protocolVersion = protocolVersion;
    // The header came with 2025-06-18.
    this.#writer.useSession(sessionId, protocolVersion === '2025-03-26' ? undefined : protocolVersion);
  }

  #postPlain(body: string, isHandshake: boolean, options: RequestOptions): Promise<Outcome> {
    const text = this.#writer.post(body);
    return this.#onSession({ method: 'POST', text, reader: new PlainAnswer(), isHandshake, options });
  }

  #onSession({ isHandshake, onAnswered, ...spec }: SessionSpec): Promise<Outcome> {
    const longestMs = spec.options.longestMs ?? this.#options.requestTimeoutMs;
    let request = 0;
    return this.#exchange({
      ...spec,
      onSent: (at) => {
        this.#requestCount += 1;
        request = this.#requestCount;
        this.#emitOnSession({ kind: 'request-sent', at, request, handshake: isHandshake });
      },
      onSettled: (outcome, sent, exchange) => {
        if (!sent) return;
        // The ledger counts from the first send, the target from the last.
        this.#emitOnSession(requestEnd(outcome, request, longestMs + sent.repeatedAfterMs));
        onAnswered?.(outcome, exchange);
      },
    });
  }

  #exchange(spec: Spec): Promise<Outcome> {
    const { clock, requestTimeoutMs } = this.#options;
    if (this.#stage === 'leaving' || this.#stage === 'over') {
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

  #streamEnded(stream: number, by: 'client' | 'server'): void {
    const at = this.#options.clock.now();
    if (this.#stage !== 'leaving') this.#emitOnSession({ kind: 'stream-closed', at, stream, by });
    else if (this.#streamsVanish) this.#emitOnSession({ kind: 'stream-closed', at, stream, by: 'vanished' });
  }

  /** What the server says beside our answers, on any stream. */
  #understand(message: Message): void {
    if (this.#stage === 'leaving' || this.#stage === 'over') return;
    switch (message.kind) {
      case 'notification':
        this.#options.onNotification?.(message.method, message.params);
        break;
      case 'request':
        this.#answer(message.id, message.method);
        break;
      case 'malformed':
        this.#options.onAnomaly?.(message.reason);
        break;
      case 'result':
      case 'error':
        this.#options.onAnomaly?.(`an answer to request ${message.id} came on the GET stream`);
        break;
    }
  }

  #answer(id: Id, method: string): void {
    const isPing = method === 'ping';
    if (isPing && this.#options.answersPings === false) return;
    if (this.#answersInFlight >= MAX_ANSWERS_IN_FLIGHT) {
      this.#options.onAnomaly?.(
        `more than ${MAX_ANSWERS_IN_FLIGHT} requests of the server at once: ${method}`,
      );
      return;
    }
    const body = isPing ? buildResult(id, {}) : buildError(id, METHOD_NOT_FOUND, `no such method: ${method}`);
    this.#answersInFlight += 1;
    void this.#postPlain(body, false, {}).then(() => {
      this.#answersInFlight -= 1;
    });
  }

  /** Events of the session only: without one the ledger has nothing to hang them on. */
  #emitOnSession(event: ClientEvent): void {
    if (this.#sessionId !== undefined) this.#emit(event);
  }

  #emit(event: ClientEvent): void {
    if (this.#stage !== 'over') this.#options.emit(event);
  }
}
