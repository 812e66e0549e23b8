import type { ServerResponse } from 'node:http';
import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  JSONRPCRequestSchema,
  type MessageExtraInfo,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { internalError, sessionEndedError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { StreamEnd } from './message-stream.ts';
import { PostExchange } from './post-exchange.ts';
import type { StoredSessionState } from './session-store.ts';
import { isPingAnswer, SessionStreams, type SessionStreamsOptions } from './session-streams.ts';
import { SocketExchange } from './socket-exchange.ts';
import type { SocketLink } from './socket-link.ts';

/** What the hub around a transport wants to know of it. */
export interface TransportHooks {
  /** A POST with calls in it, or a call on a WebSocket, begins and ends, in pairs. */
  callStarted(transport: SessionTransport, exchange: Exchange): void;
  callEnded(transport: SessionTransport, exchange: Exchange): void;
  /** Once for each of these: all that its response will carry has been handed to the network, or the client is gone. */
  answerLeft(): void;
  /** One request among those of a POST was answered, or cancelled. */
  operationEnded?(method: string, durationMs: number): void;
  streamOpened(transport: SessionTransport): void;
  streamEnded(transport: SessionTransport, reason: StreamEnd): void;
}

/** A call whose answer is still owed: which POST waits for it, and the id the client gave it. */
interface OpenCall {
  readonly exchange: Exchange;
  readonly clientId: RequestId;
  readonly method: string;
  readonly startedAt: number;
  readonly beforeAnswer: BeforeAnswer | undefined;
  readonly afterAnswer: (() => void) | undefined;
}

/**
 * Sees an answer before the first byte of it is written; may still change the headers. If it throws, the answer is an
 * internal error instead.
 */
export type BeforeAnswer = (message: JSONRPCMessage, exchange: Exchange) => void;

/** One POST, or one message on a WebSocket, taken apart. */
export interface IncomingPost {
  readonly messages: readonly JSONRPCMessage[];
  readonly isBatch: boolean;
  readonly extra?: MessageExtraInfo;
  /** Headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly beforeAnswer?: BeforeAnswer;
  /** Called when the answer has been written. */
  readonly afterAnswer?: () => void;
}

export interface TransportOptions extends SessionStreamsOptions {
  readonly hooks: TransportHooks;
  /** Calls under way at once, whether or not their client still waits. */
  readonly maxCalls?: number;
}

/**
 * Streamable HTTP for one session, behind the SDK's public Transport interface: the SDK speaks the protocol,
 * this speaks HTTP, or frames of a WebSocket.
 *
 * Every request gets an id of the hub's own before the SDK sees it, and its own id back in the answer. So two
 * calls in flight with one id (some clients number every call 1) each get their own answer (F28).
 */
export class SessionTransport implements Transport {
  readonly sessionId: string;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: (<T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void) | undefined;

  readonly #hooks: TransportHooks;
  readonly #maxCalls: number;
  readonly #streams: SessionStreams;
  readonly #exchanges = new Set<Exchange>();
  readonly #onEnded: (() => void)[] = [];
  readonly #calls = new Map<number, OpenCall>();
  /** From 1: the SDK takes a cancellation of request 0 for one without an id. */
  #nextCallId = 1;
  #closed = false;

  constructor(options: TransportOptions) {
    this.sessionId = options.sessionId;
    this.#hooks = options.hooks;
    this.#maxCalls = options.maxCalls ?? Number.POSITIVE_INFINITY;
    this.#streams = new SessionStreams(options, {
      opened: () => this.#hooks.streamOpened(this),
      ended: (reason) => this.#hooks.streamEnded(this, reason),
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get callsInFlight(): number {
    return this.#exchanges.size;
  }

  /** Whether so many calls more may be under way. A call goes on when its client leaves (2025-11-25), so it counts. */
  hasRoomFor(calls: number): boolean {
    return this.#calls.size + calls <= this.#maxCalls;
  }

  get openStreams(): number {
    return this.#streams.open;
  }

  async start(): Promise<void> {
    // Requests arrive through receive(); there is nothing to start.
  }

  /** Initialize has settled which version this session speaks. */
  set protocolVersion(version: string) {
    this.#streams.protocolVersion = version;
  }

  /**
   * Takes up the session of an earlier process: its initialize is replayed into the fresh MCP server behind this,
   * and its streams can be resumed.
   */
  restore(state: StoredSessionState): void {
    const params = JSONRPCRequestSchema.shape.params.parse(state.initializeParams ?? undefined);
    // Nobody waits for this answer: it was given by the process before.
    this.onmessage?.({ jsonrpc: '2.0', id: this.#nextCallId, method: 'initialize', params });
    this.#nextCallId += 1;
    if (state.isHandshakeDone) this.onmessage?.({ jsonrpc: '2.0', method: 'notifications/initialized' });
    this.#streams.restore(state);
  }

  /** Takes the messages of one POST. The response is answered when every request among them is. */
  receive(post: IncomingPost, response: ServerResponse): Exchange | undefined {
    return this.#take(post, (owed) => this.#postExchange(response, owed, post));
  }

  /** Takes one message of the session's WebSocket, whose answer goes back on that. */
  receiveOn(link: SocketLink, post: IncomingPost): void {
    this.#take(post, () => new SocketExchange(link));
  }

  #take(post: IncomingPost, open: (owed: number) => Exchange): Exchange | undefined {
    const owed = post.messages.filter(isRequest).length;
    const exchange = owed > 0 ? this.#opened(open(owed)) : undefined;
    for (const message of post.messages) {
      if (isRequest(message)) {
        if (exchange) this.#dispatch(message, exchange, post);
      } else if ('id' in message && isPingAnswer(message.id)) {
        this.#streams.pingAnswered();
      } else if ('method' in message && message.method === 'notifications/cancelled') {
        this.#cancel(message);
      } else {
        this.onmessage?.(message, post.extra);
      }
    }
    return exchange;
  }

  /** Opens the session's GET stream, or takes it over from an older one (F26). */
  openStream(response: ServerResponse): void {
    this.#streams.listen(response);
  }

  /** Lets the session's WebSocket carry what a GET stream would: takes over from an older one, and from a stream. */
  listenOn(link: SocketLink): void {
    this.#streams.listenOn(link);
  }

  /** @throws HubError CANNOT_RESUME, DRAINING */
  resume(lastEventId: string, response: ServerResponse, options: { isDraining?: boolean } = {}): void {
    this.#streams.resume(lastEventId, response, options);
  }

  ping(): void {
    this.#streams.ping();
  }

  /** Keeps the session's GET stream from being cut by a proxy. */
  keepAlive(): void {
    this.#streams.keepAlive();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (this.#closed) return;
    if ('result' in message || 'error' in message) {
      this.#answer(message);
      return;
    }
    const related = options?.relatedRequestId;
    if (related !== undefined) {
      const call = this.#calls.get(Number(related));
      if (call?.exchange.isOpen) await call.exchange.event(JSON.stringify(message));
      else if (isRequest(message)) throw new Error('The call that this request belongs to is over.');
      return;
    }
    // A notification waits in the event log for a client without a stream; a request would wait for ever.
    if (isRequest(message) && !this.#streams.isListening) {
      throw new Error('The client has no stream open to receive requests on.');
    }
    await this.#streams.send(JSON.stringify(message));
  }

  /**
   * Ends everything the session has open: calls get an error, streams end. `retryMs` asks the client of the
   * stream to stay away that long. Idempotent.
   */
  end(reason: string, options: { retryMs?: number } = {}): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = sessionEndedError(reason);
    for (const call of this.#calls.values()) {
      this.#operationEnded(call);
      settle(call, { jsonrpc: '2.0', id: call.clientId, error });
    }
    this.#calls.clear();
    this.#streams.end(options);
    this.onclose?.();
    for (const callback of this.#onEnded) callback();
  }

  /** Calls back once, when it has ended and the MCP server behind it was told: `onclose` is that server's to set. */
  whenEnded(callback: () => void): void {
    if (this.#closed) callback();
    else this.#onEnded.push(callback);
  }

  async close(): Promise<void> {
    this.end('closed');
  }

  #postExchange(response: ServerResponse, owed: number, post: IncomingPost): PostExchange {
    const exchange: PostExchange = new PostExchange(response, {
      owed,
      isBatch: post.isBatch,
      openStream: (headers) => {
        const owes = [...this.#calls.values()].filter((call) => call.exchange === exchange);
        return this.#streams.openPost(
          response,
          headers,
          owes.map(({ clientId }) => clientId),
        );
      },
      endStream: (stream) => this.#streams.endPost(stream),
    });
    Object.assign(exchange.headers, post.headers);
    return exchange;
  }

  #opened(exchange: Exchange): Exchange {
    this.#exchanges.add(exchange);
    this.#hooks.callStarted(this, exchange);
    exchange.onclose = () => {
      this.#exchanges.delete(exchange);
      this.#hooks.callEnded(this, exchange);
    };
    exchange.onleft = () => this.#hooks.answerLeft();
    return exchange;
  }

  #dispatch(request: JSONRPCRequest, exchange: Exchange, post: IncomingPost): void {
    const callId = this.#nextCallId;
    this.#nextCallId += 1;
    this.#calls.set(callId, {
      exchange,
      clientId: request.id,
      method: request.method,
      startedAt: performance.now(),
      beforeAnswer: post.beforeAnswer,
      afterAnswer: post.afterAnswer,
    });
    this.onmessage?.({ ...request, id: callId }, this.#extra(exchange, post));
  }

  /**
   * What the handler of a call may do with its streams, by the names that the SDK's own transport gives these: send
   * the client away, to come back for what was said meanwhile (SEP-1699). As there, only for clients that know how.
   */
  #extra(exchange: Exchange, { extra }: IncomingPost): MessageExtraInfo | undefined {
    if (!exchange.suspend || !this.#streams.areResumable) return extra;
    return {
      ...extra,
      closeSSEStream: () => exchange.suspend?.(),
      closeStandaloneSSEStream: () => this.#streams.suspendMain(),
    };
  }

  #answer(message: JSONRPCMessage): void {
    const callId = 'id' in message ? Number(message.id) : Number.NaN;
    const call = this.#calls.get(callId);
    if (!call) return;
    this.#calls.delete(callId);
    this.#operationEnded(call);
    settle(call, message);
  }

  #operationEnded({ method, startedAt }: OpenCall): void {
    this.#hooks.operationEnded?.(method, performance.now() - startedAt);
  }

  /**
   * A cancelled request gets no answer (2025-11-25, basic/utilities/cancellation), so its POST is released
   * here. When several calls in flight share the id there is no telling which one is meant: none is cancelled.
   */
  #cancel(notification: JSONRPCNotification): void {
    const clientId = notification.params?.requestId;
    const meant = [...this.#calls].filter(([, call]) => call.clientId === clientId);
    const [only] = meant;
    if (!only || meant.length > 1) return;
    const [callId, call] = only;
    this.#calls.delete(callId);
    this.onmessage?.({ ...notification, params: { ...notification.params, requestId: callId } });
    this.#operationEnded(call);
    call.exchange.withdraw();
  }
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

/** Whatever happens before it is written, an answer is given: nobody else would tell its client. */
function settle(call: OpenCall, message: JSONRPCMessage): void {
  let answer = message;
  try {
    call.beforeAnswer?.(message, call.exchange);
  } catch {
    // Told to the operator by whoever threw it; not to the client.
    answer = { jsonrpc: '2.0', id: call.clientId, error: internalError() };
  }
  call.exchange.answer(answerText(answer, call.clientId));
  call.afterAnswer?.();
}

/** The answer as JSON under the client's own id; a result that JSON cannot hold becomes an error. */
function answerText(message: JSONRPCMessage, clientId: RequestId): string {
  try {
    return JSON.stringify({ ...message, id: clientId });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const error = { code: -32603, message: `The result cannot be written as JSON: ${text}` };
    return JSON.stringify({ jsonrpc: '2.0', id: clientId, error });
  }
}
