import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HubConfig } from './config.ts';
import { type ErrorCode, HubError } from './errors.ts';

/** Longer than the 60 s after which proxies give up idle connections, so that it is not the hub that cuts first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often Node looks for requests past their time-outs. */
const TIMEOUT_CHECK_MS = 1_000;
/**
 * How many keep-alives, handshake deadlines and request time-outs nothing may move on a connection that is being
 * answered. None of what is silent by right is for one of these: what is stuck for longer is an answer that nobody
 * reads, or a request that nobody here gets on with, and each holds its memory (F48).
 */
const SILENT = { keepAlives: 4, handshakes: 2, requests: 2 } as const;
/** Timers take 31 bits of milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How long a peer may take to read the end of its stream before its connection is cut. */
const CLOSE_GRACE_MS = 500;
const CLOSE_CHECK_MS = 50;

/** Takes over connections whose requests ask for another protocol. */
export interface Upgrades {
  /** What it does not want is answered as if nothing had been asked for (RFC 9110, 7.8). */
  wants(request: IncomingMessage): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** An HTTP server with the hub's time-outs, that answers broken requests as the hub answers others. */
export function createHttpServer(config: HubConfig, listener: RequestListener, upgrades?: Upgrades): Server {
  // What each connection is being answered at the moment.
  const answers = new WeakMap<Duplex, ServerResponse>();
  const server = createServer(
    {
      headersTimeout: config.headersTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      ...(upgrades && { shouldUpgradeCallback: (request) => upgrades.wants(request) }),
    },
    (request, response) => {
      // A request sent ahead waits: it is the first one that is being answered.
      if (answers.get(request.socket)?.writableFinished !== false) answers.set(request.socket, response);
      listener(request, response);
    },
  );
  const silentMs = Math.max(
    SILENT.keepAlives * config.keepAliveMs,
    SILENT.handshakes * config.handshakeTimeoutMs,
    SILENT.requests * config.requestTimeoutMs,
  );
  server.timeout = Math.min(silentMs, MAX_TIMER_MS);
  if (upgrades) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      upgrades.upgrade(request, socket, head);
    });
  }
  server.on('clientError', (error, socket) => answerBrokenRequest(error, socket, answers.get(socket)));
  return server;
}

const CLIENT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
};

/**
 * What Node refuses before there is a request gets a JSON-RPC body too. Not while another answer is owed or
 * being written, though: in an event stream, it would be read as part of that.
 */
function answerBrokenRequest(
  error: Error & { code?: string },
  socket: Duplex,
  answer: ServerResponse | undefined,
): void {
  // A request that came whole is not the broken one: what is written now would be taken for its answer.
  const isOwedElse = answer !== undefined && (answer.headersSent || answer.req.complete);
  if (error.code === 'ECONNRESET' || !socket.writable || (isOwedElse && !answer.writableFinished)) {
    socket.destroy();
    return;
  }
  stopReading(socket);
  endWithRefusal(socket, new HubError(CLIENT_ERRORS[error.code ?? ''] ?? 'BAD_HTTP'));
}

/**
 * What has been refused must not be carried out when the rest of it comes after all, with a client that has read the
 * refusal: Node's parser takes what it gets until nobody hands it on. The connection is still read to its end.
 */
function stopReading(socket: Duplex): void {
  socket.removeAllListeners('data');
  // Where the parser reads from the socket by itself, a listener takes it away from there (node:http, socketOnWrap).
  socket.on('data', () => undefined);
}

/** Answers on a connection that Node has given out of its hands, and ends it. */
export function endWithRefusal(socket: Duplex, refusal: HubError): void {
  const body = refusal.body();
  const headers = {
    ...refusal.headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join('')}\r\n${body}`);
}

/** Resolves with where it listens. */
export function listen(server: Server, config: HubConfig): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, () => {
      server.off('error', reject);
      resolve(addressOf(server));
    });
  });
}

function addressOf(server: Server): { host: string; port: number } {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('The hub does not listen on a port.');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { host, port: address.port };
}

/** Takes no new connection. The promise resolves once the last one there is has ended. */
function stopAccepting(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => server.close(() => resolve()));
}

/**
 * Ends the connections that are left. A connection whose stream has just ended turns idle only once that is
 * written, so one closeIdleConnections() is not enough (F38); peers that do not read are cut after a grace.
 */
export async function closeConnections(server: Server): Promise<void> {
  const closed = stopAccepting(server);
  server.closeIdleConnections();
  const check = setInterval(() => server.closeIdleConnections(), CLOSE_CHECK_MS);
  const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  try {
    await closed;
  } finally {
    clearInterval(check);
    clearTimeout(grace);
  }
}
