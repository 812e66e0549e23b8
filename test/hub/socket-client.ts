import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { Dial } from '../../simulator/targets/target.ts';
import { initializeRequest } from './raw-client.ts';

export interface SocketOptions {
  /** The session to attach to. */
  readonly session?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  readonly path?: string;
  /** Answers no pings, neither the protocol's nor MCP's. */
  readonly isMute?: boolean;
}

/** An upgrade that was refused, with the answer it got. */
export class RefusedUpgrade extends Error {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly json: unknown;

  constructor(response: IncomingMessage, text: string) {
    super(`refused with ${response.statusCode}: ${text}`);
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.json = text.startsWith('{') ? JSON.parse(text) : undefined;
  }
}

/** A WebSocket client that does what it is told; answers pings unless it is mute. */
export class SocketClient {
  readonly socket: WebSocket;
  /** The session id in the head of the answer. */
  readonly session: string;
  /** Everything received, parsed. */
  readonly received: Record<string, unknown>[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  pings = 0;
  #waiting: {
    matches: (message: Record<string, unknown>) => boolean;
    resolve: (message: unknown) => void;
  }[] = [];

  constructor(socket: WebSocket, session: string, { isMute = false }: SocketOptions) {
    this.socket = socket;
    this.session = session;
    socket.on('ping', () => {
      this.pings += 1;
    });
    socket.on('message', (payload) => {
      const message: Record<string, unknown> = JSON.parse(String(payload));
      this.received.push(message);
      if (message.method === 'ping' && !isMute) this.send({ jsonrpc: '2.0', id: message.id, result: {} });
      const found = this.#waiting.filter(({ matches }) => matches(message));
      this.#waiting = this.#waiting.filter((waiter) => !found.includes(waiter));
      for (const { resolve } of found) resolve(message);
    });
    this.closed = new Promise((resolve) =>
      socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    );
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sends a request and waits for the answer with its id; a socket that closes first answers its close. */
  ask(message: { id: string | number; method: string }): Promise<unknown> {
    const answer = this.next((received) => received.id === message.id && !('method' in received));
    this.send(message);
    return answer;
  }

  next(matches: (message: Record<string, unknown>) => boolean): Promise<unknown> {
    const message = new Promise((resolve) => this.#waiting.push({ matches, resolve }));
    return Promise.race([message, this.closed]);
  }

  /** Initialize and the notification that completes the handshake. */
  async handshake(name = 'socket'): Promise<unknown> {
    const answer = await this.ask(initializeRequest({ name }));
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }
}

/** @throws RefusedUpgrade */
export async function openSocket(dial: Dial, options: SocketOptions = {}): Promise<SocketClient> {
  const { session, headers = {}, protocols = ['mcp'], path = '/mcp' } = options;
  const wire = await dial();
  const clientOptions = {
    createConnection: () => wire.stream,
    perMessageDeflate: false,
    autoPong: options.isMute !== true,
    headers: { ...(session !== undefined && { 'mcp-session-id': session }), ...headers },
    // Short: over a stream that delivers at once, the library arms it twice and clears it once.
    closeTimeout: 100,
  };
  const socket = new WebSocket(`ws://localhost${path}`, [...protocols], clientOptions);
  let given = '';
  socket.once('upgrade', ({ headers: answered }) => {
    given = String(answered['mcp-session-id']);
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(new SocketClient(socket, given, options)));
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => reject(new RefusedUpgrade(response, text)));
    });
    // For good: a connection may break later, too.
    socket.on('error', reject);
  });
}

/** What refused it; fails where nothing did. */
export async function refusalOf(opening: Promise<SocketClient>): Promise<RefusedUpgrade> {
  try {
    await opening;
  } catch (refusal) {
    if (refusal instanceof RefusedUpgrade) return refusal;
    throw refusal;
  }
  throw new Error('The upgrade was not refused.');
}
