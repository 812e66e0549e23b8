import { type IncomingMessage, request } from 'node:http';
import type { Dial } from '../../simulator/targets/target.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The JSON of the body, or of the last event in it; undefined where there is none. */
  readonly json: unknown;
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly session?: string | undefined;
  /** Beside those of an ordinary client; undefined takes one of those away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** A string or bytes pass as they are, anything else as JSON. */
  readonly body?: unknown;
  /** Gives up: the connection is closed. */
  readonly signal?: AbortSignal;
  /** Sends no Content-Length. */
  readonly isChunked?: boolean;
}

export interface RawStream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Resolves when the server ended the stream, or the connection broke. */
  readonly ended: Promise<void>;
  /** Everything read so far. */
  text(): string;
  messages(): unknown[];
  close(): void;
}

interface StreamOptions {
  /** Never reads a byte. */
  readonly isFrozen?: boolean;
  /** Sees each piece as it comes. */
  readonly onData?: (text: string) => void;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** A client that does what it is told and no more: one connection per request, nothing answered unasked. */
export class RawClient {
  readonly #dial: Dial;
  readonly #prefix: string;

  /** `prefix`: what comes before every path. */
  constructor(dial: Dial, prefix = '') {
    this.#dial = dial;
    this.#prefix = prefix;
  }

  async send(options: RawRequest): Promise<RawAnswer> {
    const response = await this.#start(options);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) };
  }

  get(path: string): Promise<RawAnswer> {
    return this.send({ method: 'GET', path });
  }

  delete(session: string): Promise<RawAnswer> {
    return this.send({ method: 'DELETE', session });
  }

  initialize(options: { name?: string; protocolVersion?: unknown } = {}): Promise<RawAnswer> {
    return this.send({ body: initializeRequest(options) });
  }

  /** Initializes, completes the handshake, and gives the session's id. */
  async open(options: { name?: string; protocolVersion?: unknown } = {}): Promise<string> {
    const answer = await this.initialize(options);
    const session = answer.headers['mcp-session-id'];
    if (typeof session !== 'string') throw new Error(`no session: ${answer.status} ${answer.text}`);
    await this.notify(session, 'notifications/initialized');
    return session;
  }

  notify(session: string, method: string, params?: unknown): Promise<RawAnswer> {
    return this.send({ session, body: { jsonrpc: '2.0', method, params } });
  }

  call(
    session: string,
    tool: string,
    args: Record<string, unknown>,
    { id = 2, signal }: { id?: string | number; signal?: AbortSignal } = {},
  ): Promise<RawAnswer> {
    const body = callRequest(id, tool, args);
    return this.send({ session, body, ...(signal && { signal }) });
  }

  ping(session: string): Promise<RawAnswer> {
    return this.send({ session, body: { jsonrpc: '2.0', id: 3, method: 'ping' } });
  }

  async stream(session: string, options: StreamOptions = {}): Promise<RawStream> {
    return streamOf(await this.#start({ method: 'GET', session, headers: options.headers ?? {} }), options);
  }

  /** A call whose answer is read as it comes. */
  async streamedCall(session: string, body: unknown, options: StreamOptions = {}): Promise<RawStream> {
    return streamOf(await this.#start({ session, body }), options);
  }

  async #start(options: RawRequest): Promise<IncomingMessage> {
    const { method = 'POST', path = '/mcp', session, body, signal, isChunked = false } = options;
    const wire = await this.#dial();
    const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const text = isRaw ? body : JSON.stringify(body);
    const headers = {
      accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
      ...(text !== undefined && { 'content-type': 'application/json' }),
      ...(text !== undefined && !isChunked && { 'content-length': String(Buffer.byteLength(text)) }),
      ...(session !== undefined && { 'mcp-session-id': session }),
      ...options.headers,
    };
    const outgoing = request({
      method,
      path: `${this.#prefix}${path}`,
      host: 'localhost',
      createConnection: () => wire.stream,
      headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
      ...(signal && { signal }),
    });
    return new Promise((resolve, reject) => {
      outgoing.once('response', resolve);
      // For good: a server may break the connection after its answer, too.
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }
}

export function initializeRequest({ name = 'raw', protocolVersion = '2025-11-25' as unknown } = {}) {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name, version: '1' } };
  return { jsonrpc: '2.0', id: 1, method: 'initialize', params };
}

/** Allowed as a message, not as one that an MCP server keeps for as long as its session lives (F45). */
export const LARGE_INITIALIZE = {
  ...initializeRequest(),
  params: { ...initializeRequest().params, capabilities: { experimental: { x: { y: 'x'.repeat(70_000) } } } },
};

export function callRequest(id: string | number, name: string, args: Record<string, unknown>) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}

/** What a call of `echo` or `sleep` answers when all is well. */
export function textResult(id: string | number, text: string) {
  return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } };
}

function streamOf(response: IncomingMessage, { isFrozen = false, onData }: StreamOptions): RawStream {
  let received = '';
  if (!isFrozen) {
    response.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk;
      onData?.(chunk);
    });
  }
  // A broken connection ends the stream too.
  response.on('error', () => undefined);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    ended: new Promise((resolve) => response.once('close', resolve)),
    text: () => received,
    messages: () => [...received.matchAll(/^data: (.+)$/gm)].map(([, json = '']) => JSON.parse(json)),
    close: () => response.destroy(),
  };
}

function jsonOf(text: string): unknown {
  const [, event] = [...text.matchAll(/^data: (.+)$/gm)].at(-1) ?? [];
  const json = event ?? text;
  return /^[[{]/.test(json) ? JSON.parse(json) : undefined;
}
