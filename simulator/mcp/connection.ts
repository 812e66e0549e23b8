import type { Wire } from '../targets/target.ts';
import { type HttpHeaders, HttpParser } from './http-parser.ts';
import { WireError } from './wire-error.ts';

/** Whoever sent the request in flight. Hears of exactly one of `onEnd` and `onFailure`, or of neither after `close()`. */
export interface AnswerListener {
  onHead(status: number, headers: HttpHeaders): void;
  onBody(chunk: Buffer): void;
  onEnd(): void;
  onFailure(failure: ConnectionFailure): void;
}

export interface ConnectionFailure {
  /** A Node system error, `closed` (ended before the answer did), or a WireErrorCode. */
  readonly code: string;
  readonly message: string;
  /** Any byte of the answer had come. */
  readonly sawBytes: boolean;
  /** The connection had carried a complete answer before. */
  readonly wasReused: boolean;
}

export interface ConnectionOwner {
  /** Free for the next request. `keepAliveMs`: how long the server says it keeps it, if it says so. */
  onIdle(connection: Connection, keepAliveMs: number | undefined): void;
  /** Carries no more requests. `fault`: the server broke the protocol while nobody waited for an answer. */
  onUnusable(connection: Connection, fault?: WireError): void;
  /** Its socket is closed; nothing more will come. */
  onGone(connection: Connection): void;
}

/**
 * One HTTP/1.1 connection that carries one request at a time.
 *
 * | state   | send | answer complete | server ends, error     | close()  | reset()  | freeze() |
 * |---------|------|-----------------|------------------------|----------|----------|----------|
 * | idle    | busy | –               | closed                 | closing  | closed   | frozen   |
 * | busy    | –    | idle or closing | closed, answer failed  | closing  | closed   | frozen   |
 * | closing | –    | –               | closed                 | –        | closed   | –        |
 * | frozen  | –    | –               | (not seen)             | –        | closed   | –        |
 *
 * All listeners on the stream are added here, once: their number does not depend on the requests carried.
 */
export class Connection {
  readonly #wire: Wire;
  readonly #owner: ConnectionOwner;
  readonly #parser: HttpParser;
  #state: 'idle' | 'busy' | 'closing' | 'closed' | 'frozen' = 'idle';
  #listener: AnswerListener | undefined;
  #isAnswerComplete = false;
  #hasCarriedAnswer = false;
  #keepAliveMs: number | undefined;

  constructor(wire: Wire, owner: ConnectionOwner) {
    this.#wire = wire;
    this.#owner = owner;
    this.#parser = new HttpParser({
      onHead: (status, headers) => {
        this.#keepAliveMs = advertisedKeepAlive(headers);
        this.#listener?.onHead(status, headers);
      },
      onBody: (chunk) => this.#listener?.onBody(chunk),
      onEnd: () => {
        this.#isAnswerComplete = true;
      },
    });
    const { stream } = wire;
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('end', () => this.#readEnd());
    stream.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? 'closed', error.message));
    stream.on('finish', () => {
      if (this.#state === 'closing') stream.destroy();
    });
    stream.on('close', () => {
      this.#fail('closed', 'the connection was closed');
      owner.onGone(this);
    });
  }

  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  /** Counts against the limit of open connections. */
  get isUsable(): boolean {
    return this.#state === 'idle' || this.#state === 'busy';
  }

  /** Whether the stream still takes bytes: false in the moment between a failure and the news of it. */
  get isWritable(): boolean {
    return this.#wire.stream.writable && !this.#wire.stream.readableEnded;
  }

  /** Writes head and body at once. Only on an idle connection. */
  send(method: string, text: string, listener: AnswerListener): void {
    this.#state = 'busy';
    this.#listener = listener;
    this.#isAnswerComplete = false;
    this.#keepAliveMs = undefined;
    this.#parser.expect(method);
    this.#wire.stream.write(text);
  }

  /**
   * Ends the connection as a process does that exits: FIN, and nothing is read any more. Where the server
   * has stopped reading a large request there is no such end: sockets would pile up that wait for it.
   */
  close(): void {
    if (!this.isUsable) return;
    this.#retire('closing');
    if (this.#wire.stream.writableNeedDrain) this.#wire.reset();
    else this.#wire.stream.end();
  }

  /** Breaks the connection without a farewell. */
  reset(): void {
    if (this.#state === 'closed') return;
    this.#retire('closed');
    this.#wire.reset();
  }

  /** Keeps the socket open and never reads or writes it again. */
  freeze(): void {
    if (!this.isUsable) return;
    this.#retire('frozen');
    this.#wire.stream.pause();
  }

  /**
   * Frees the socket whatever state it is in. A frozen one has to be reset: it would never see the server's
   * end, and over a pair of streams (no kernel to close it) the server's side would stay half open.
   */
  destroy(): void {
    const isStuck = this.#state === 'closing' && this.#wire.stream.writableLength > 0;
    if (this.#state === 'frozen' || isStuck) this.reset();
    else this.close();
  }

  #read(chunk: Buffer): void {
    if (!this.isUsable) return;
    let fault: WireError | undefined;
    try {
      this.#parser.feed(chunk);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      fault = error;
    }
    // A complete answer is delivered even if rubbish follows it in the same read, as it would be if the
    // rubbish came a moment later: an outcome must not depend on how bytes were cut.
    if (this.#isAnswerComplete) this.#deliverEnd(fault === undefined && this.#parser.keepsAlive, fault);
    else if (fault) this.#fail(fault.code, fault.message, fault);
  }

  #readEnd(): void {
    if (!this.isUsable) return;
    try {
      this.#parser.finish();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#fail('closed', error.message);
      return;
    }
    if (this.#isAnswerComplete) this.#deliverEnd(false);
    else this.close();
  }

  #deliverEnd(isReusable: boolean, fault?: WireError): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#isAnswerComplete = false;
    this.#hasCarriedAnswer = true;
    // Still busy while it listens, so that what it sends at once goes elsewhere until we know better.
    listener?.onEnd();
    // The listener may have closed or frozen the connection, now or in the middle of the answer.
    if (this.#state !== 'busy') return;
    if (fault) {
      this.#fail(fault.code, fault.message, fault);
    } else if (isReusable) {
      this.#state = 'idle';
      this.#owner.onIdle(this, this.#keepAliveMs);
    } else {
      this.close();
    }
  }

  #fail(code: string, message: string, fault?: WireError): void {
    if (!this.isUsable) return;
    const listener = this.#listener;
    const { sawBytes } = this.#parser;
    const wasReused = this.#hasCarriedAnswer;
    this.#retire('closed', listener ? undefined : fault);
    if (fault) this.#wire.reset();
    else this.#wire.stream.destroy();
    listener?.onFailure({ code, message, sawBytes, wasReused });
  }

  #retire(state: 'closing' | 'closed' | 'frozen', fault?: WireError): void {
    const wasUsable = this.isUsable;
    this.#state = state;
    this.#listener = undefined;
    if (wasUsable) this.#owner.onUnusable(this, fault);
  }
}

/** `Keep-Alive: timeout=5` in ms. Not standardised, but Node, Apache and nginx all send it. */
function advertisedKeepAlive(headers: HttpHeaders): number | undefined {
  const seconds = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(headers.get('keep-alive') ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
