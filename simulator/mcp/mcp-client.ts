import { hash } from 'node:crypto';
import { MAX_ANSWER_BYTES, PlainAnswer, RequestAnswer, StreamAnswer } from './answer.ts';
import { type AbandonKind, type ClientEvent, deleteEnd, initializeEnd } from './client-event.ts';
import type { KnownSession, McpClientOptions, RequestOptions } from './client-options.ts';
import { ConnectionPool } from './connection-pool.ts';
import type { Exchange } from './exchange.ts';
import { RequestWriter } from './http-request.ts';
import { InitializeAnswer } from './initialize-answer.ts';
import { buildNotification, buildRequest, type Id, type JsonObject, type Message } from './json-rpc.ts';
import type { Outcome } from './outcome.ts';
import { type RawRequest, sendRaw, withHeaders } from './raw-request.ts';
import { Requests } from './requests.ts';
import { ServerTalk } from './server-talk.ts';

/** A notification or an answer is only to be accepted: no work goes on when its client does not wait for that, ms. */
const PLAIN_LONGEST_MS = 1_000;

/**
 * One MCP client on the wire, with one session at most. Methods never throw and never reject for what a
 * server does: they resolve to an `Outcome`. Everything the ledger must know goes through `emit`.
 */
export class McpClient {
  readonly #options: McpClientOptions;
  readonly #writer: RequestWriter;
  readonly #pool: ConnectionPool;
  readonly #requests: Requests;
  readonly #streams = new Set<Exchange>();
  #stage: 'new' | 'begun' | 'leaving' | 'over' = 'new';
  readonly #talk: ServerTalk;
  /** Streams that end now end because we broke their connection. */
  #streamsVanish = false;
  #sessionId: string | undefined;
  #fingerprint: string | undefined;
  #protocolVersion: string | undefined;
  #lastEventId = '';
  #streamRetryMs: number | undefined;
  #lastId = 0;
  #streamCount = 0;

  /** Throws when `headers` cannot be sent. */
  constructor(options: McpClientOptions) {
    this.#options = options;
    this.#writer = new RequestWriter(options.endpoint, options.headers);
    const { maxConnections } = options;
    this.#pool =
      options.pool ??
      new ConnectionPool(
        options.dial,
        options.clock,
        (fault) => options.onAnomaly?.(fault.message),
        maxConnections === undefined ? {} : { maxConnections },
      );
    this.#requests = new Requests(options, this.#pool, (event) => this.#emitOnSession(event));
    this.#talk = new ServerTalk(options, (body) => this.#postPlain(body, false, {}));
    if (options.session) this.#takeUp(options.session);
  }

  /** What another client must be told to speak on this session; undefined when there is none. */
  get known(): KnownSession | undefined {
    if (this.#sessionId === undefined) return undefined;
    return {
      id: this.#sessionId,
      protocolVersion: this.#protocolVersion,
      firstRequest: this.#requests.count + 1,
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

  /** How long the server asked on a GET stream to wait before opening it again (`retry:`), ms. */
  get streamRetryMs(): number | undefined {
    return this.#streamRetryMs;
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
    const outcome = await this.#requests.exchange({
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
    const { progressToken } = options;
    const meta = progressToken === undefined ? {} : { _meta: { progressToken } };
    return this.request('tools/call', { name: tool, arguments: args, ...meta }, options);
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
    return this.#requests.onSession({
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
    const reader = new StreamAnswer(
      (message) => {
        // A message without an id leaves the one before it standing, also on a stream that was opened again.
        this.#lastEventId = reader.lastEventId || this.#lastEventId;
        this.#understand(message);
      },
      (ms) => {
        this.#streamRetryMs = ms;
      },
    );
    let stream = 0;
    return this.#requests.onSession({
      method: 'GET',
      text: this.#writer.get(lastEventId),
      reader,
      isRepeatable: true,
      staysOpen: true,
      isHandshake: false,
      options,
      onAnswered: (outcome, exchange) => {
        if (outcome.kind !== 'accepted') return;
        this.#streams.add(exchange);
        stream = this.#streamOpened(outcome.doneAt);
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
    return this.#requests.exchange({
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

  /** Sends any HTTP request; the outcome is its status, known with the head of the answer. Nothing is repeated. */
  raw(request: RawRequest, options: RequestOptions = {}): Promise<Outcome> {
    const { endpoint, headers } = this.#options;
    return sendRaw(endpoint, withHeaders(request, headers), options, {
      requests: this.#requests,
      emit: (event) => this.#emit(event),
      emitOnSession: (event) => this.#emitOnSession(event),
      clientName: this.#options.clientInfo.name,
      opened: (sessionId, at) => {
        this.#useSession(sessionId, undefined);
        this.#noteOpened(sessionId, at);
      },
      streamOpened: (at) => this.#streamOpened(at),
      streamEnded: (stream) => this.#streamEnded(stream, 'client'),
    });
  }

  /** Breaks every connection, as a network does, and stays: what is in flight settles as `aborted`. */
  reset(): void {
    if (this.#stage === 'leaving' || this.#stage === 'over') return;
    this.#streamsVanish = true;
    this.#requests.forsake();
    this.#streamsVanish = false;
    this.#pool.reset();
  }

  /**
   * Leaves without DELETE; what is in flight settles as `aborted`.
   * `silent`: sockets end as those of a process that exits. `destroyed`: they are reset.
   * `frozen`: they stay open, unread, until `release()`.
   */
  abandon(how: AbandonKind): void {
    if (this.#stage === 'leaving' || this.#stage === 'over') return;
    this.#stage = 'leaving';
    this.#requests.stop();
    this.#streamsVanish = how !== 'frozen';
    this.#requests.forsake();
    this.#emitOnSession({ kind: 'abandoned', at: this.#options.clock.now(), how });
    this.#stage = 'over';
    if (!this.#options.pool)
      this.#pool.shut(how === 'silent' ? 'close' : how === 'destroyed' ? 'reset' : 'freeze');
  }

  /** Frees whatever is still held, without an event. Idempotent; nothing can be sent afterwards. */
  release(): void {
    this.#stage = 'over';
    this.#requests.stop();
    this.#requests.forsake();
    if (!this.#options.pool) this.#pool.shut('destroy');
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
    this.#noteOpened(this.#sessionId, outcome.doneAt);
  }

  #noteOpened(sessionId: string, at: number): void {
    this.#fingerprint = hash('sha256', sessionId, 'hex').slice(0, 12);
    this.#emit({ kind: 'initialize-answered', at, fingerprint: this.#fingerprint });
  }

  #takeUp({ id, protocolVersion, firstRequest }: KnownSession): void {
    this.#stage = 'begun';
    this.#requests.count = firstRequest - 1;
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
    return this.#requests.onSession({
      method: 'POST',
      text,
      reader: new PlainAnswer(),
      isHandshake,
      options: { longestMs: PLAIN_LONGEST_MS, ...options },
    });
  }

  #streamOpened(at: number): number {
    this.#streamCount += 1;
    this.#emitOnSession({ kind: 'stream-opened', at, stream: this.#streamCount });
    return this.#streamCount;
  }

  #streamEnded(stream: number, by: 'client' | 'server'): void {
    const at = this.#options.clock.now();
    if (this.#streamsVanish) this.#emitOnSession({ kind: 'stream-closed', at, stream, by: 'vanished' });
    else if (this.#stage !== 'leaving') this.#emitOnSession({ kind: 'stream-closed', at, stream, by });
    if (this.#stage === 'begun' && (by === 'server' || this.#streamsVanish)) this.#options.onStreamLost?.();
  }

  #understand(message: Message): void {
    if (this.#stage !== 'leaving' && this.#stage !== 'over') this.#talk.hear(message);
  }

  /** Events of the session only: without one the ledger has nothing to hang them on. */
  #emitOnSession(event: ClientEvent): void {
    if (this.#sessionId !== undefined) this.#emit(event);
  }

  #emit(event: ClientEvent): void {
    if (this.#stage !== 'over') this.#options.emit(event);
  }
}
