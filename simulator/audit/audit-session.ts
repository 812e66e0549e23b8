import { buildNotification, buildRequest, type JsonObject } from '../mcp/json-rpc.ts';
import type { HttpAnswer, HttpExchange, Received } from './http-exchange.ts';
import { ANSWER_WITHIN_MS, type Peer, type SendOptions } from './peer.ts';
import type { Headers } from './wire-request.ts';

/** What `initialize` agreed on. */
export interface Agreement {
  readonly id: string;
  readonly protocolVersion: string;
}

/** The version that came without the header. */
const HEADERLESS_VERSION = '2025-03-26';

/** One session, and the client host that holds it. Ids of requests count up from 1, unless they are given. */
export class AuditSession {
  readonly id: string;
  readonly protocolVersion: string;
  readonly peer: Peer;
  #lastRequest = 1;
  #fate: 'ours' | 'deleted' | 'left' = 'ours';

  constructor({ id, protocolVersion }: Agreement, peer: Peer) {
    this.id = id;
    this.protocolVersion = protocolVersion;
    this.peer = peer;
  }

  /** ours: to be cleaned up · deleted: DELETE was sent · left: leaving it is the point */
  get fate(): 'ours' | 'deleted' | 'left' {
    return this.#fate;
  }

  /** The headers that name it. */
  get headers(): Headers {
    return sessionHeaders(this);
  }

  /** Sends a JSON-RPC request. `id`: 1, 2, 3 … when left out. */
  request(
    method: string,
    params?: JsonObject,
    { id, ...options }: SendOptions & { id?: string | number } = {},
  ): HttpExchange {
    return this.post(buildRequest(id ?? this.nextId(), method, params), options);
  }

  /** Sends a body as it is. */
  post(body: string, options: SendOptions = {}): HttpExchange {
    return this.peer.send({ method: 'POST', headers: this.headers, body }, options);
  }

  notify(method: string, params?: JsonObject): HttpExchange {
    return this.post(buildNotification(method, params));
  }

  call(
    { name, arguments: args }: ToolCall,
    { progressToken, ...options }: SendOptions & { id?: string | number; progressToken?: string } = {},
  ): HttpExchange {
    const meta = progressToken === undefined ? {} : { _meta: { progressToken } };
    return this.request('tools/call', { name, arguments: args, ...meta }, options);
  }

  /** Opens a GET stream; its head comes within the time of `SendOptions`, its body for as long as it likes. */
  listen({ lastEventId, ...options }: SendOptions & { lastEventId?: string } = {}): HttpExchange {
    const resume = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
    return this.peer.send(
      { method: 'GET', headers: { ...this.headers, ...resume } },
      { staysOpen: true, ...options },
    );
  }

  delete(options: SendOptions = {}): HttpExchange {
    this.#fate = 'deleted';
    return this.peer.send({ method: 'DELETE', headers: this.headers }, options);
  }

  /** A ping: alive, gone, or neither of the two clearly. It counts as use of the session. */
  async probe(): Promise<'alive' | 'gone' | 'unclear'> {
    return stateFrom(await this.request('ping').done());
  }

  /** Leaving it without DELETE is the point: nobody cleans it up. */
  leave(): void {
    this.#fate = 'left';
  }

  /** Answers what the server asks on this stream, pings above all, as long as it is open. */
  answerPings(stream: HttpExchange): void {
    let answered = 0;
    void stream.until(({ messages }) => {
      for (const { message } of messages.slice(answered)) {
        if (message.kind === 'request' && message.method === 'ping') this.#pong(message.id);
      }
      answered = messages.length;
      return undefined;
    }, Number.MAX_SAFE_INTEGER);
  }

  nextId(): number {
    this.#lastRequest += 1;
    return this.#lastRequest;
  }

  #pong(id: string | number): void {
    this.post(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
  }
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

export function sessionHeaders({ id, protocolVersion }: Agreement): Headers {
  const version = protocolVersion === HEADERLESS_VERSION ? {} : { 'MCP-Protocol-Version': protocolVersion };
  return { 'Mcp-Session-Id': id, ...version };
}

/** The text of a result to a request, wherever in the answer it is; undefined when there is none. */
export function resultIn({ messages }: HttpAnswer, id?: string | number): Received | undefined {
  return messages.find(({ message }) => message.kind === 'result' && (id === undefined || message.id === id));
}

/** A result or an error: whatever settles the call for its client. */
export function settlementIn({ messages }: HttpAnswer): Received | undefined {
  return messages.find(({ message }) => message.kind === 'result' || message.kind === 'error');
}

export function stateFrom(answer: HttpAnswer): 'alive' | 'gone' | 'unclear' {
  if (answer.status === 404) return 'gone';
  return resultIn(answer) ? 'alive' : 'unclear';
}

export { ANSWER_WITHIN_MS };
