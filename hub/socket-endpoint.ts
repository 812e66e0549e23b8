import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { HubConfig } from './config.ts';
import { HubError } from './errors.ts';
import { guard } from './guard.ts';
import { endWithRefusal, type Upgrades } from './http-server.ts';
import { HubSocket } from './hub-socket.ts';
import type { Caller } from './identity.ts';
import { checkVersion } from './message-rules.ts';
import type { HubMetrics } from './metrics.ts';
import { type ConnectionParts, SocketConnection } from './socket-connection.ts';
import type { SessionTransport } from './transport.ts';

/** As clients of the MCP SDK ask for it. */
const SUBPROTOCOL = 'mcp';
/** How long a peer may take to answer a close before its connection is cut, ms. */
const CLOSE_GRACE_MS = 500;

export interface SocketEndpointParts extends ConnectionParts {
  readonly config: HubConfig;
  readonly metrics: HubMetrics;
  readonly isEndpoint: (url: string | undefined) => boolean;
  readonly createTransport: (sessionId: string) => SessionTransport;
}

/**
 * Sessions over WebSockets: an alternative to POST and GET that the MCP specification does not have.
 *
 * The request that is upgraded is asked what a GET is asked, in the same order: host and origin →
 * authentication → protocol version → session → rate. One without `Mcp-Session-Id` takes a slot below the cap,
 * and opens a session with its first message; its id comes in the head of the answer, never in a URL. One that
 * names a session takes that over, as a second GET does.
 */
export class SocketEndpoint implements Upgrades {
  readonly #parts: SocketEndpointParts;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<SocketConnection>();
  /** Connections whose upgrade is being decided, or was refused: Node has let go of them, so nobody else ends them. */
  readonly #undecided = new Map<Duplex, IncomingMessage>();
  /** Which session a request is told of in the head of its answer. */
  readonly #sessionIds = new WeakMap<IncomingMessage, string>();

  constructor(parts: SocketEndpointParts) {
    this.#parts = parts;
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      maxPayload: parts.config.maxBodyBytes,
      closeTimeout: CLOSE_GRACE_MS,
      handleProtocols: () => SUBPROTOCOL,
      WebSocket: HubSocket,
    };
    this.#server = new WebSocketServer(options);
    this.#server.on('headers', (headers, request) => {
      const sessionId = this.#sessionIds.get(request);
      if (sessionId !== undefined) headers.push(`Mcp-Session-Id: ${sessionId}`);
    });
    // What the library refuses, it would answer without a JSON-RPC body.
    this.#server.on('wsClientError', (_error, socket, request) =>
      this.#refuse(request, socket, new HubError('BAD_UPGRADE')),
    );
  }

  wants(request: IncomingMessage): boolean {
    return request.headers.upgrade?.toLowerCase() === 'websocket' && this.#parts.isEndpoint(request.url);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Node has let go of it: nobody else hears of a client that leaves meanwhile.
    socket.on('error', () => undefined);
    this.#undecided.set(socket, request);
    socket.once('close', () => this.#undecided.delete(socket));
    this.#admit(request)
      .then((admitted) => {
        this.#accept(admitted, request, socket, head);
        this.#undecided.delete(socket);
      })
      .catch((error: unknown) => this.#refuse(request, socket, error));
  }

  /** Ends what is still open. Those without a session are all that is left when sessions have been shut down. */
  close(): void {
    for (const connection of this.#connections) connection.goAway();
    // Whoever verifies tokens may take for ever; a shutdown does not (F38).
    for (const [socket, request] of this.#undecided) this.#refuse(request, socket, new HubError('DRAINING'));
  }

  async #admit(request: IncomingMessage): Promise<{ caller: Caller; transport?: SessionTransport }> {
    const { config, admission, isDraining, sessions } = this.#parts;
    // Node of an older release gives every upgrade to whoever takes one.
    if (!this.wants(request)) throw new HubError('BAD_UPGRADE');
    guard(request, config.allowedHosts);
    const caller = await admission.caller(request);
    checkVersion(request);
    const protocols = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
    if (!protocols?.includes(SUBPROTOCOL)) throw new HubError('BAD_UPGRADE');
    if (request.headers['mcp-session-id'] !== undefined) {
      const { id } = await admission.use(request, caller);
      if (isDraining()) throw new HubError('DRAINING');
      // Asked anew: the session may have ended meanwhile. From here on nothing is awaited (F17).
      const transport = sessions.getTransport(id);
      if (!transport) throw new HubError('SESSION_NOT_FOUND');
      return { caller, transport };
    }
    if (isDraining()) {
      sessions.countRefused();
      throw new HubError('DRAINING');
    }
    await admission.newcomer(caller);
    return { caller };
  }

  #accept(
    { caller, transport }: { caller: Caller; transport?: SessionTransport },
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void {
    if (transport) {
      // It ended in the turn between.
      if (transport.isClosed) throw new HubError('SESSION_NOT_FOUND');
      this.#sessionIds.set(request, transport.sessionId);
      this.#upgradeNow(request, socket, head, (webSocket) => {
        this.#connect(webSocket, request, caller, transport).attach();
      });
      return;
    }
    let connection: SocketConnection | undefined;
    const releaseSlot = this.#parts.sessions.reserveSlot(() => connection?.expire(), caller.client);
    const newTransport = this.#parts.createTransport(randomUUID());
    this.#sessionIds.set(request, newTransport.sessionId);
    this.#upgradeNow(request, socket, head, (webSocket) => {
      connection = this.#connect(webSocket, request, caller, newTransport);
      connection.await(releaseSlot);
    });
    if (!connection) releaseSlot();
  }

  /** Calls back at once, or not at all. */
  #upgradeNow(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    connect: (webSocket: HubSocket) => void,
  ): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      // The library makes what it was told to make; its types do not say so.
      if (webSocket instanceof HubSocket) connect(webSocket);
    });
  }

  #connect(
    webSocket: HubSocket,
    request: IncomingMessage,
    caller: Caller,
    transport: SessionTransport,
  ): SocketConnection {
    const { metrics, config } = this.#parts;
    const { maxBufferedBytes, maxEventBytes } = config;
    // As much as a stream may leave unread, in its log and on its way.
    const maxUnreadBytes = maxBufferedBytes + maxEventBytes;
    metrics.requestEnded(request.method, 101);
    metrics.socketOpened();
    const options = { request, caller, transport, maxBufferedBytes, maxUnreadBytes };
    const connection = new SocketConnection(webSocket, this.#parts, options);
    this.#connections.add(connection);
    webSocket.once('close', (code) => {
      this.#connections.delete(connection);
      metrics.socketClosed(code);
    });
    return connection;
  }

  /** Answers before anything is upgraded, with the status that a GET would get. */
  #refuse(request: IncomingMessage, socket: Duplex, error: unknown): void {
    const refusal = error instanceof HubError ? error : new HubError('INTERNAL', { cause: error });
    if (refusal.code === 'INTERNAL') this.#parts.logger.problem('upgrade-failed', error);
    else this.#parts.logger.refused(refusal, 'upgrade');
    this.#parts.refusals.refused(refusal);
    this.#parts.metrics.requestEnded(request.method, refusal.status);
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    // Nobody reads from it any more: left to its peer, it would never be seen to end, nor if that reads nothing.
    const cut = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS);
    socket.once('close', () => clearTimeout(cut));
    socket.once('finish', () => socket.destroy());
    endWithRefusal(socket, refusal);
  }
}
