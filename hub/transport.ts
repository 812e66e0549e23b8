import type { ServerResponse } from 'node:http';
import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type {
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  MessageExtraInfo,
  RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { sessionEndedError } from './errors.ts';
import { EventStream } from './event-stream.ts';
import { PostExchange } from './post-exchange.ts';

/** What the hub around a transport wants to know of it. */
export interface TransportHooks {
  /** A POST with calls in it begins and ends, in pairs. */
  callStarted(transport: SessionTransport, exchange: PostExchange): void;
  callEnded(transport: SessionTransport, exchange: PostExchange): void;
  /** After each end: all of the answer has been handed to the network, or the client is gone. */
  answerLeft(): void;
  streamOpened(transport: SessionTransport): void;
  streamEnded(transport: SessionTransport, reason: StreamEnd): void;
}

export type StreamEnd = 'client' | 'takeover' | 'dead-peer' | 'session-ended';

/** A call whose answer is still owed: which POST waits for it, and the id the client gave it. */
interface OpenCall {
  readonly exchange: PostExchange;
  readonly clientId: RequestId;
  readonly beforeAnswer: BeforeAnswer | undefined;
}

/** Sees an answer before the first byte of it is written; may still change the headers. */
export type BeforeAnswer = (message: JSONRPCMessage, exchange: PostExchange) => void;

/** One POST, taken apart. */
export interface IncomingPost {
  readonly messages: readonly JSONRPCMessage[];
  readonly isBatch: boolean;
  readonly extra?: MessageExtraInfo;
  /** Headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly beforeAnswer?: BeforeAnswer;
}

/** After that many pings without an answer the stream's peer counts as dead. */
export const PINGS_BEFORE_DEAD = 3;

const PING_PREFIX = 'hub-ping-';

/**
 * Streamable HTTP for one session, behind the SDK's public Transport interface: the SDK speaks the protocol,
 * this speaks HTTP.
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
  readonly #retryMs: number;
  readonly #exchanges = new Set<PostExchange>();
  readonly #calls = new Map<number, OpenCall>();
  /** From 1: the SDK takes a cancellation of request 0 for one without an id. */
  #nextCallId = 1;
  #stream: EventStream | undefined;
  #pingsSent = 0;
  #pingsUnanswered = 0;
  #closed = false;

  constructor(options: { sessionId: string; hooks: TransportHooks; retryMs: number }) {
    this.sessionId = options.sessionId;
    this.#hooks = options.hooks;
    this.#retryMs = options.retryMs;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get callsInFlight(): number {
    return this.#exchanges.size;
  }

  get openStreams(): number {
    return this.#stream ? 1 : 0;
  }

  async start(): Promise<void> {
    // Requests arrive through receive(); there is nothing to start.
  }

  /** Takes the messages of one POST. The response is answered when every request among them is. */
  receive(post: IncomingPost, response: ServerResponse): PostExchange | undefined {
    const owed = post.messages.filter(isRequest).length;
    const exchange = owed > 0 ? this.#openExchange(response, owed, post) : undefined;
    for (const message of post.messages) {
      if (isRequest(message)) {
        if (exchange) this.#dispatch(message, exchange, post);
      } else if (isPingAnswer(message)) {
        this.#pingsUnanswered = 0;
      } else if ('method' in message && message.method === 'notifications/cancelled') {
        this.#cancel(message);
      } else {
        this.onmessage?.(message, post.extra);
      }
    }
    return exchange;
  }

  /** Opens the session's GET stream. An older one is ended: its client has come back for another (F26). */
  openStream(response: ServerResponse): void {
    // Its client left already: a stream on it would never close.
    if (response.destroyed) return;
    this.#stream?.end();
    if (this.#stream) this.#hooks.streamEnded(this, 'takeover');
    const stream = new EventStream(response, { retryMs: this.#retryMs });
    this.#stream = stream;
    this.#pingsUnanswered = 0;
    // Compares the stream, not the session: the late close of an old stream must not end its successor (F18).
    response.once('close', () => this.#endStream(stream, 'client'));
    this.#hooks.streamOpened(this);
  }

  /**
   * Asks the peer of the open stream whether it is alive. Comments cannot: kernels acknowledge them for a
   * frozen process too (F08). A dead peer costs it the stream, never the session (F16).
   */
  ping(): void {
    const stream = this.#stream;
    if (!stream) return;
    if (this.#pingsUnanswered >= PINGS_BEFORE_DEAD) {
      this.#endStream(stream, 'dead-peer');
      return;
    }
    this.#pingsUnanswered += 1;
    this.#pingsSent += 1;
    stream.send(JSON.stringify({ jsonrpc: '2.0', id: `${PING_PREFIX}${this.#pingsSent}`, method: 'ping' }));
  }

  /** Keeps the session's GET stream from being cut by a proxy. */
  keepAlive(): void {
    this.#stream?.comment();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ('result' in message || 'error' in message) {
      this.#answer(message);
      return;
    }
    const related = options?.relatedRequestId;
    if (related !== undefined) {
      const call = this.#calls.get(Number(related));
      if (call?.exchange.isOpen) call.exchange.event(JSON.stringify(message));
      else if (isRequest(message)) throw new Error('The call that this request belongs to is over.');
      return;
    }
    if (this.#stream?.isOpen) this.#stream.send(JSON.stringify(message));
    else if (isRequest(message)) throw new Error('The client has no stream open to receive requests on.');
  }

  /**
   * Ends everything the session has open: calls get an error, streams end. `retryMs` asks the client of the
   * stream to stay away that long. Idempotent.
   */
  end(reason: string, options: { retryMs?: number } = {}): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = sessionEndedError(reason);
    for (const call of this.#calls.values()) settle(call, { jsonrpc: '2.0', id: call.clientId, error });
    this.#calls.clear();
    if (this.#stream) this.#endStream(this.#stream, 'session-ended', options);
    this.onclose?.();
  }

  async close(): Promise<void> {
    this.end('closed');
  }

  #openExchange(response: ServerResponse, owed: number, post: IncomingPost): PostExchange {
    const exchange = new PostExchange(response, { owed, isBatch: post.isBatch, retryMs: this.#retryMs });
    Object.assign(exchange.headers, post.headers);
    this.#exchanges.add(exchange);
    this.#hooks.callStarted(this, exchange);
    exchange.onclose = () => {
      this.#exchanges.delete(exchange);
      this.#hooks.callEnded(this, exchange);
    };
    exchange.onleft = () => this.#hooks.answerLeft();
    return exchange;
  }

  #dispatch(request: JSONRPCRequest, exchange: PostExchange, post: IncomingPost): void {
    const callId = this.#nextCallId;
    this.#nextCallId += 1;
    this.#calls.set(callId, { exchange, clientId: request.id, beforeAnswer: post.beforeAnswer });
    this.onmessage?.({ ...request, id: callId }, post.extra);
  }

  #answer(message: JSONRPCMessage): void {
    const callId = 'id' in message ? Number(message.id) : Number.NaN;
    const call = this.#calls.get(callId);
    if (!call) return;
    this.#calls.delete(callId);
    settle(call, message);
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
    call.exchange.withdraw();
  }

  #endStream(stream: EventStream, reason: StreamEnd, options: { retryMs?: number } = {}): void {
    stream.end(options);
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#hooks.streamEnded(this, reason);
  }
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

function isPingAnswer(message: JSONRPCMessage): boolean {
  return 'id' in message && typeof message.id === 'string' && message.id.startsWith(PING_PREFIX);
}

function settle(call: OpenCall, message: JSONRPCMessage): void {
  call.beforeAnswer?.(message, call.exchange);
  call.exchange.answer(answerText(message, call.clientId));
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
