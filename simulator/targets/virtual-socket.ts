import { Duplex } from 'node:stream';

/** Bytes a reader may leave unread before its writer is held back; the kernel's buffers, in small. */
const BUFFER_BYTES = 64 * 1024;

/**
 * One end of a connection without a network: what is written to it can be read from its peer, in order, in this
 * process. Ending one end ends reading at the other, as a FIN does; `reset()` breaks both, as a RST does.
 */
export class VirtualSocket extends Duplex {
  /** What HTTP servers look for on a socket. */
  readonly remoteAddress = '127.0.0.1';
  readonly remoteFamily = 'IPv4';
  readonly remotePort = 0;
  readonly encrypted = false;

  readonly #noteActivity: () => void;
  #peer: VirtualSocket | undefined;
  /** The peer's write, held back until this end reads on. */
  #heldWrite: (() => void) | undefined;
  /** Rings when it may have been idle for long enough; #idleAt says whether it was. */
  #idleTimer: NodeJS.Timeout | undefined;
  #idleAt = 0;
  #ringsAt = Number.POSITIVE_INFINITY;
  /** As on a socket: without a byte for so long, `timeout` is emitted, ms; 0: never. */
  timeout = 0;

  constructor(noteActivity: () => void) {
    super({ readableHighWaterMark: BUFFER_BYTES, writableHighWaterMark: BUFFER_BYTES });
    this.#noteActivity = noteActivity;
  }

  /** A connection: two ends that are each other's peer. */
  static pair(noteActivity: () => void): [VirtualSocket, VirtualSocket] {
    const client = new VirtualSocket(noteActivity);
    const server = new VirtualSocket(noteActivity);
    client.#peer = server;
    server.#peer = client;
    return [client, server];
  }

  /** Breaks the connection: the peer sees ECONNRESET. */
  reset(): void {
    const peer = this.#peer;
    this.#peer = undefined;
    this.destroy();
    peer?.destroy(systemError('ECONNRESET', 'read'));
  }

  override _read(): void {
    const release = this.#heldWrite;
    this.#heldWrite = undefined;
    release?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#noteActivity();
    this.#touch();
    const peer = this.#peer;
    if (peer) peer.#touch();
    if (!peer || peer.destroyed || peer.readableEnded) {
      done(systemError('EPIPE', 'write'));
    } else if (peer.push(chunk)) {
      done();
    } else {
      peer.#heldWrite = done;
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#noteActivity();
    if (this.#peer && !this.#peer.destroyed) this.#peer.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#noteActivity();
    clearTimeout(this.#idleTimer);
    const peer = this.#peer;
    this.#peer = undefined;
    this._read();
    if (peer && !peer.destroyed && !this.writableFinished) peer.push(null);
    done(error);
  }

  /** On the global timers, so that a server's keep-alive runs on the time that the server lives in. */
  setTimeout(ms: number, onTimeout?: () => void): this {
    this.timeout = ms;
    if (onTimeout && ms > 0) this.once('timeout', onTimeout);
    else if (onTimeout) this.off('timeout', onTimeout);
    this.#touch();
    // A pending timer that rings later would be too late; one that rings earlier looks again.
    if (this.timeout > 0 && this.#ringsAt > this.#idleAt) this.#arm(ms);
    return this;
  }

  /** Something moved. A server sets two timeouts with each request: only a number is changed by that. */
  #touch(): void {
    if (this.timeout > 0) this.#idleAt = performance.now() + this.timeout;
  }

  #arm(ms: number): void {
    clearTimeout(this.#idleTimer);
    if (this.destroyed) return;
    this.#ringsAt = performance.now() + ms;
    // It keeps no process alive, as that of a socket does not.
    this.#idleTimer = setTimeout(() => this.#ring(), ms).unref();
  }

  #ring(): void {
    this.#ringsAt = Number.POSITIVE_INFINITY;
    if (this.timeout === 0) return;
    const leftMs = this.#idleAt - performance.now();
    if (leftMs > 0) this.#arm(leftMs);
    else this.emit('timeout');
  }

  // The rest of a socket's interface has no meaning here: there is no kernel to tell.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** An error as the operating system would report it. */
export function systemError(code: string, syscall: string): Error & { code: string } {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
