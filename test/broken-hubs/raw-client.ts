import { type IncomingMessage, request } from 'node:http';
import type { Dial } from '../../simulator/targets/target.ts';

export interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The JSON of the body, or of the last event in it; undefined where there is none. */
  readonly json: unknown;
}

export interface RawStream {
  readonly status: number | undefined;
  /** Resolves when the server ended the stream, or the connection broke. */
  readonly ended: Promise<void>;
  received(): string;
  close(): void;
}

export interface RawRequest {
  readonly method?: 'POST' | 'GET' | 'DELETE' | 'HEAD' | 'OPTIONS';
  readonly path?: string;
  readonly session?: string;
  readonly body?: unknown;
  /** Beside those that a well-behaved client sends, or in their place. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client that does what it is told and no more: one connection per request, pings answered only on demand. */
export class RawClient {
  readonly #dial: Dial;

  constructor(dial: Dial) {
    this.#dial = dial;
  }

  /** Sends a request and reads its whole answer. */
  async send(options: RawRequest): Promise<RawAnswer> {
    const response = await this.#start(options);
    let text = '';
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, headers: response.headers, text, json: jsonOf(text) };
  }

  get(path: string): Promise<RawAnswer> {
    return this.send({ method: 'GET', path });
  }

  delete(session: string): Promise<RawAnswer> {
    return this.send({ method: 'DELETE', session });
  }

  initialize(options: RawRequest = {}): Promise<RawAnswer> {
    const clientInfo = { name: 'raw', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    return this.send({ body: { jsonrpc: '2.0', id: 1, method: 'initialize', params }, ...options });
  }

  /** Initializes, completes the handshake, and gives the session's id. */
  async open(options: RawRequest = {}): Promise<string> {
    const session = String((await this.initialize(options)).headers['mcp-session-id']);
    await this.send({ session, ...options, body: { jsonrpc: '2.0', method: 'notifications/initialized' } });
    return session;
  }

  call(session: string, name: string, args: Record<string, unknown>): Promise<RawAnswer> {
    const params = { name, arguments: args };
    return this.send({ session, body: { jsonrpc: '2.0', id: 2, method: 'tools/call', params } });
  }

  ping(session: string, options: RawRequest = {}): Promise<RawAnswer> {
    return this.send({ session, ...options, body: { jsonrpc: '2.0', id: 3, method: 'ping' } });
  }

  /** Opens the GET stream. `frozen` never reads from it; otherwise pings are answered. */
  async stream(
    session: string,
    { frozen = false, ...options }: RawRequest & { frozen?: boolean } = {},
  ): Promise<RawStream> {
    const response = await this.#start({ method: 'GET', session, ...options });
    let received = '';
    if (!frozen) {
      response.on('data', (chunk: Buffer) => {
        received += chunk.toString();
        for (const [, id] of chunk.toString().matchAll(/"method":"ping".*?"id":(\d+)/g)) {
          this.send({ session, body: { jsonrpc: '2.0', id: Number(id), result: {} } }).catch(() => undefined);
        }
      });
    }
    // A broken connection ends the stream too.
    response.on('error', () => undefined);
    return {
      status: response.statusCode,
      ended: new Promise((resolve) => response.once('close', resolve)),
      received: () => received,
      close: () => response.destroy(),
    };
  }

  /** Sends these bytes as they are, and nothing after them. `answer` is all that came back until the end. */
  async sendBytes(bytes: string): Promise<{ answer: Promise<string>; close: () => void }> {
    const { stream } = await this.#dial();
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    stream.on('error', () => undefined);
    stream.write(bytes);
    return {
      answer: new Promise((resolve) => stream.once('close', () => resolve(text))),
      close: () => stream.destroy(),
    };
  }

  async #start({
    method = 'POST',
    path = '/mcp',
    session,
    body,
    headers,
  }: RawRequest): Promise<IncomingMessage> {
    const wire = await this.#dial();
    const outgoing = request({
      method,
      path,
      host: 'localhost',
      createConnection: () => wire.stream,
      headers: {
        accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(session !== undefined && { 'mcp-session-id': session }),
        ...headers,
      },
    });
    return new Promise((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
      // A string passes as it is: also what is no JSON must be sendable.
      outgoing.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    });
  }
}

function jsonOf(text: string): unknown {
  const [, event] = [...text.matchAll(/^data: (.+)$/gm)].at(-1) ?? [];
  const json = event ?? text;
  return json.startsWith('{') ? JSON.parse(json) : undefined;
}
