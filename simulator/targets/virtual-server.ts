import { Server } from 'node:http';
import type { Dial } from './target.ts';
import { systemError, VirtualSocket } from './virtual-socket.ts';

/** Where a virtual server says that it listens. */
const ADDRESS = { address: '127.0.0.1', family: 'IPv4', port: 80 };

/**
 * Gives an http.Server connections without a network, and the listening and closing that go with them: while
 * this holds it, `server.listen()`, `listening`, `address()` and `close()` mean these connections.
 */
export class VirtualServer {
  readonly #server: Server;
  readonly #noteActivity: () => void;
  readonly #connections = new Set<VirtualSocket>();
  #isAccepting = true;

  constructor(server: Server, noteActivity: () => void) {
    this.#server = server;
    this.#noteActivity = noteActivity;
    Object.defineProperty(server, 'listening', { configurable: true, get: () => this.#isAccepting });
    Object.defineProperty(server, 'close', {
      configurable: true,
      value: (done?: (error?: Error) => void) => this.#close(done),
    });
    Object.defineProperty(server, 'listen', {
      configurable: true,
      value: (...args: unknown[]) => listenOnNothing(server, args),
    });
    Object.defineProperty(server, 'address', {
      configurable: true,
      value: () => (this.#isAccepting ? { ...ADDRESS } : null),
    });
    // These stay on real time whatever the clock does: here they would cut connections at random.
    server.headersTimeout = 0;
    server.requestTimeout = 0;
    // From here on the server keeps track of its connections, as it does when it listens.
    server.emit('listening');
  }

  get isAccepting(): boolean {
    return this.#isAccepting;
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  readonly dial: Dial = async () => {
    if (!this.#isAccepting) throw systemError('ECONNREFUSED', 'connect');
    const [client, server] = VirtualSocket.pair(this.#noteActivity);
    this.#connections.add(server);
    server.once('close', () => {
      this.#connections.delete(server);
      this.#closedWhenEmpty();
    });
    this.#server.emit('connection', server);
    return { stream: client, reset: () => client.reset() };
  };

  /** Breaks every connection, whatever the server does. */
  destroy(): void {
    this.#isAccepting = false;
    for (const connection of this.#connections) connection.destroy();
  }

  /** The same as the kernel does it to a process that was killed: what it had not read is lost. */
  reset(): void {
    this.#isAccepting = false;
    for (const connection of this.#connections) connection.reset();
  }

  #close(done?: (error?: Error) => void): Server {
    if (!this.#isAccepting) {
      done?.(systemError('ERR_SERVER_NOT_RUNNING', 'close'));
      return this.#server;
    }
    this.#isAccepting = false;
    if (done) this.#server.once('close', done);
    this.#server.closeIdleConnections();
    this.#closedWhenEmpty();
    return this.#server;
  }

  #closedWhenEmpty(): void {
    if (this.#isAccepting || this.#connections.size > 0) return;
    // Node's own close ends the tracking, finds no connection, and says that the server is closed.
    Server.prototype.close.call(this.#server);
  }
}

/** Answers `server.listen(…)` as a server does that could bind, and binds nothing. */
export function listenOnNothing(server: Server, args: readonly unknown[]): Server {
  const onListening = args.at(-1);
  if (typeof onListening === 'function') server.once('listening', () => onListening.call(server));
  process.nextTick(() => server.emit('listening'));
  return server;
}
