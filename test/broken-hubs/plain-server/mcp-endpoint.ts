import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DefectName } from '../defects.ts';
import { fieldsOf, type Message, parseMessages, readJson } from './body.ts';
import { Call, type PostAnswer } from './call.ts';
import { accepts } from './guard.ts';
import type { PlainPolicy } from './policy.ts';
import { RateWindow } from './rate-window.ts';
import { Refusal } from './refusal.ts';
import type { PlainSession } from './session.ts';
import type { PlainSessions } from './sessions.ts';

export interface EndpointParts {
  readonly policy: PlainPolicy;
  readonly sessions: PlainSessions;
  readonly defect: DefectName | undefined;
  readonly isDraining: () => boolean;
  /** Ends the process, as an uncaught error does. */
  readonly crash: () => void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whose token came with it. */
  readonly owner: string;
}

const VERSIONS = ['2025-03-26', '2025-06-18', '2025-11-25'];
const LATEST_VERSION = '2025-11-25';
/** The only one that has batches. */
const VERSION_WITH_BATCHES = '2025-03-26';
const MAX_CLIENT_TEXT = 100;
/** How long a defect lets something happen between a check and what it was made for. */
const GAP_MS = 5;
/** Deeper than this, walking a message recursively overflows the stack. */
const MAX_DEPTH = 5_000;

/** `/mcp`: whatever can be checked is checked before anything is allocated (F02), and a session before a rate (F21). */
export class McpEndpoint {
  readonly #parts: EndpointParts;
  readonly #limiter: RateWindow;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
    this.#limiter = new RateWindow(parts.policy.requestsPerSecond);
  }

  /** @throws Refusal; Error when the client left */
  async answer(exchange: Exchange): Promise<void> {
    const { defect } = this.#parts;
    const { method } = exchange.request;
    if (defect === 'limiter-before-session' && !this.#limiter.take()) throw new Refusal('too-many-requests');
    if (defect === 'probe-opens-session' && method !== 'POST' && !idOf(exchange)) this.#openFor(exchange, {});
    if (method === 'POST') await this.#post(exchange);
    else if (method === 'GET') this.#get(exchange);
    else if (method === 'DELETE') await this.#delete(exchange);
    else throw new Refusal('method-not-allowed');
  }

  async #post(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const { sessions, defect, isDraining } = this.#parts;
    if (!accepts(request, 'application/json') || !accepts(request, 'text/event-stream')) {
      if (defect === 'refused-initialize-opens-session' && !idOf(exchange)) {
        response.setHeader('mcp-session-id', this.#openFor(exchange, {}).parts.id);
      }
      throw new Refusal('not-acceptable');
    }
    checkVersion(request);
    const isNew = idOf(exchange) === undefined;
    const isSlotTaken = isNew && defect === 'half-sent-bodies-hold-slots';
    if (!isNew && !isForgiving(defect)) this.#use(exchange);
    if (isSlotTaken) sessions.takeSlot();
    try {
      const json = await readJson(request, defect);
      if (defect === 'deep-json-ends-process' && depthOf(json) > MAX_DEPTH) this.#parts.crash();
      if (defect === 'null-body-ends-process' && json === null) this.#parts.crash();
      const { list, isBatch } = parseMessages(json);
      if (isNew) await this.#initialize(exchange, list, isBatch);
      else if (list.some(({ method }) => method === 'initialize')) this.#reinitialize(exchange, list);
      else if (isDraining() && list.some(isCall)) throw new Refusal('draining');
      else await this.#receive(exchange, list, isBatch);
    } finally {
      if (isSlotTaken) sessions.releaseSlot();
    }
  }

  /** Asked anew: the session may have ended while the body came in. From here on nothing is awaited (F17). */
  async #receive(exchange: Exchange, list: readonly Message[], isBatch: boolean): Promise<void> {
    const { response } = exchange;
    const { defect, crash } = this.#parts;
    const session = this.#sessionOf(exchange, list);
    if (defect === 'swept-under-a-request') {
      await new Promise((resolve) => setTimeout(resolve, GAP_MS));
      if (session.isEnded) {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
        return;
      }
    }
    if (isBatch && session.parts.protocolVersion !== VERSION_WITH_BATCHES) throw new Refusal('bad-message');
    session.touch();
    if (list.some(completesHandshake)) session.isHandshakeDone = true;
    for (const message of list) notice(session, message);
    const calls = list.filter(isCall);
    const isUnknown = calls.some(({ method }) => !method || !/^(ping|tools\/(list|call))$/.test(method));
    if (defect === 'unknown-method-404' && isUnknown) throw new Refusal('session-not-found');
    if (calls.length === 0) {
      response.writeHead(202, { 'content-length': 0 }).end();
      return;
    }
    const post: PostAnswer = { stream: session.openPost(response), owed: calls.length };
    if (defect === 'abort-ends-process') {
      response.once('close', () => {
        if (post.owed > 0 && !session.isEnded) crash();
      });
    }
    response.once('close', () => {
      if (!session.isEnded) session.touch();
    });
    for (const message of calls) void new Call(session, post, message.id).run(message);
  }

  /** Only an initialize that succeeds opens a session; it is counted in the turn in which there was a place (F46). */
  async #initialize(exchange: Exchange, list: readonly Message[], isBatch: boolean): Promise<void> {
    const { sessions, defect, isDraining } = this.#parts;
    const [message] = list;
    const isModernProbe = message?.method === 'server/discover';
    if (isModernProbe && defect === 'discover-opens-session') this.#openFor(exchange, {});
    if (message?.method !== 'initialize' || !isCall(message)) {
      throw new Refusal('session-id-required', defect === '404-without-session-id' ? 404 : undefined);
    }
    if (isBatch) throw new Refusal('bad-message');
    if (isDraining()) throw new Refusal('draining');
    sessions.admitNewcomer();
    const isValid = isInitialize(message);
    if (!isValid) {
      if (defect === 'failed-initialize-keeps-session') this.#openFor(exchange, {});
      const error = {
        code: -32602,
        message: 'initialize needs protocolVersion, capabilities and clientInfo.',
      };
      answerJson(exchange.response, { jsonrpc: '2.0', id: message.id, error });
      return;
    }
    if (defect === 'one-server-for-all' && sessions.size > 0) throw new Refusal('internal');
    if (defect === 'cap-race') {
      if (sessions.isFull) throw new Refusal('full');
      await new Promise((resolve) => setTimeout(resolve, GAP_MS));
    }
    const session = this.#openFor(exchange, message.params);
    const { id, protocolVersion } = session.parts;
    exchange.response.setHeader('mcp-session-id', id);
    answerJson(exchange.response, {
      jsonrpc: '2.0',
      id: message.id,
      result: {
        protocolVersion,
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name: 'plain-server', version: '0.1.0' },
      },
    });
  }

  /** An initialize that names a session: a second one on it (F56), or an id that its client has chosen (F34). */
  #reinitialize(exchange: Exchange, [message]: readonly Message[]): void {
    const { sessions, defect } = this.#parts;
    const id = idOf(exchange) ?? '';
    const live = sessions.find(id);
    const isTakenUp =
      (defect === 'second-initialize-replaces' && live) || (defect === 'adopts-client-ids' && !live);
    if (!isTakenUp || !message) throw new Refusal('already-initialized');
    const session = this.#openFor(exchange, message.params, defect === 'adopts-client-ids' ? id : undefined);
    exchange.response.setHeader('mcp-session-id', session.parts.id);
    const { protocolVersion } = session.parts;
    const result = {
      protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'plain', version: '1' },
    };
    answerJson(exchange.response, { jsonrpc: '2.0', id: message.id, result });
  }

  #get(exchange: Exchange): void {
    const { request, response } = exchange;
    if (!accepts(request, 'text/event-stream')) throw new Refusal('not-acceptable');
    checkVersion(request);
    const session = this.#use(exchange);
    if (this.#parts.isDraining()) throw new Refusal('draining');
    const lastEventId = request.headers['last-event-id'];
    session.listen(response, typeof lastEventId === 'string' ? lastEventId : undefined);
    session.touch();
  }

  async #delete(exchange: Exchange): Promise<void> {
    checkVersion(exchange.request);
    try {
      await this.#parts.sessions.endByClient(this.#sessionOf(exchange));
    } catch (error) {
      if (error instanceof RangeError) this.#parts.crash();
      throw error;
    }
    exchange.response.writeHead(200, { 'content-length': 0 }).end();
  }

  #use(exchange: Exchange): PlainSession {
    const session = this.#sessionOf(exchange);
    if (this.#parts.defect !== 'limiter-before-session' && !session.rate.take()) {
      throw new Refusal('too-many-requests');
    }
    if (this.#parts.defect !== 'swept-under-a-request') session.touch();
    return session;
  }

  /**
   * The session that a request names. One of somebody else is answered as one that does not exist (F32).
   * @throws Refusal session-id-required, session-not-found
   */
  #sessionOf(exchange: Exchange, list: readonly Message[] = []): PlainSession {
    const { sessions, defect } = this.#parts;
    const id = idOf(exchange);
    if (id === undefined) {
      throw new Refusal('session-id-required', defect === '404-without-session-id' ? 404 : undefined);
    }
    const session = sessions.find(id);
    if (session && session.parts.owner === exchange.owner) return session;
    const { method } = exchange.request;
    if (session && defect === 'foreign-token-accepted') return session;
    if (session && defect === 'foreign-delete-accepted' && method === 'DELETE') return session;
    if (session && defect === 'foreign-stream-accepted' && method === 'GET') return session;
    if (session && defect === 'foreign-session-403') throw new Refusal('forbidden-session');
    if (!session && defect === 'unknown-id-opens-session' && list.some(isCall)) {
      return this.#openFor(exchange, {}, id);
    }
    if (defect === 'old-ids-500' && sessions.isOfEarlierLife(id)) throw new Refusal('internal');
    throw new Refusal('session-not-found', unknownStatus(defect, method));
  }

  #openFor(exchange: Exchange, params: Message['params'], id?: string): PlainSession {
    const { sessions } = this.#parts;
    sessions.takeSlot();
    const { name, version } = fieldsOf(params.clientInfo);
    const { protocolVersion } = params;
    return sessions.open({
      owner: exchange.owner,
      clientName: typeof name === 'string' ? name.slice(0, MAX_CLIENT_TEXT) : 'unknown',
      clientVersion: typeof version === 'string' ? version.slice(0, MAX_CLIENT_TEXT) : 'unknown',
      protocolVersion: VERSIONS.find((known) => known === protocolVersion) ?? LATEST_VERSION,
      ...(id !== undefined && { id }),
    });
  }
}

/** The id a request names; a header that came twice is one that nobody was given. */
export function idOf({ request }: { readonly request: IncomingMessage }): string | undefined {
  const id = request.headers['mcp-session-id'];
  return Array.isArray(id) ? id.join() : id;
}

/** Whether ids are looked at only when the body is there, since the body decides what becomes of them. */
function isForgiving(defect: DefectName | undefined): boolean {
  return defect === 'unknown-id-opens-session' || defect === 'adopts-client-ids';
}

function unknownStatus(defect: DefectName | undefined, method: string | undefined): number | undefined {
  switch (defect) {
    case '200-for-unknown-session':
      return 200;
    case '401-for-unknown-session':
      return 401;
    case '405-for-delete-of-unknown':
      return method === 'DELETE' ? 405 : undefined;
    case '400-for-stream-of-unknown':
      return method === 'GET' ? 400 : undefined;
    default:
      return undefined;
  }
}

function checkVersion({ headers }: IncomingMessage): void {
  const version = headers['mcp-protocol-version'];
  if (version !== undefined && !VERSIONS.includes(String(version))) throw new Refusal('bad-version');
}

function isInitialize({ params }: Message): boolean {
  const { name, version } = fieldsOf(params.clientInfo);
  const isNamed = typeof name === 'string' && typeof version === 'string';
  return isNamed && typeof params.protocolVersion === 'string' && typeof params.capabilities === 'object';
}

function isCall(message: Message): message is Message & { id: string | number } {
  return message.method !== undefined && message.id !== undefined;
}

/** notifications/initialized does, and so does any call but ping: some clients skip the notification. */
function completesHandshake(message: Message): boolean {
  return isCall(message) ? message.method !== 'ping' : message.method === 'notifications/initialized';
}

/** What is no call: an answer to a ping, or a notification. */
function notice(session: PlainSession, { id, method, params }: Message): void {
  if (id !== undefined && method === undefined) session.pingAnswered();
  if (id !== undefined || method !== 'notifications/cancelled') return;
  const [only, ...more] = [...session.calls].filter((call) => call.id === params.requestId);
  // Where several calls share the id there is no telling which one is meant.
  if (only && more.length === 0) only.cancel();
}

function answerJson(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** Not recursive itself. */
function depthOf(json: unknown): number {
  let depth = 0;
  for (let level = [json]; level.length > 0; depth += 1) {
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  return depth;
}
