import { CLOSE_CODES, type CloseCode } from './close-codes.ts';
import { HubSocket } from './hub-socket.ts';
import type { MessageStream, StreamEnd, StreamEnding } from './message-stream.ts';

/** Senders held back on one WebSocket. Whoever sends more without waiting is cut off by `maxUnreadBytes`. */
const MAX_WAITING = 1_000;

export interface SocketLinkOptions {
  /** Bytes that may wait to be read before nothing more is asked of the client, and senders are held back. */
  readonly maxBufferedBytes: number;
  /** Bytes beyond which an event cuts the connection: its reader is too slow for senders that do not wait. */
  readonly maxUnreadBytes: number;
  /** Whether the client may not listen any longer. */
  readonly isExpired?: () => boolean;
  /** The client closes it with this code; called before that is answered. */
  readonly onPeerClosing?: (code: number) => void;
}

/**
 * A WebSocket as the one stream of its session, and as what carries the answers of its calls.
 *
 * What waits to be read is bounded (F48): while it is more than may wait, no further message is read from the
 * client, so that whoever reads no answers asks for no more; and one that reads nothing at all is cut.
 */
export class SocketLink implements MessageStream {
  readonly #socket: HubSocket;
  readonly #options: SocketLinkOptions;
  readonly #onDrain: (() => void)[] = [];
  readonly #onClose = new Set<() => void>();
  #waiting: (() => void)[] = [];
  #isHeld = false;
  #hasEnded = false;
  /** What was left unread when the last keep-alive was due. */
  #stalledBytes = 0;

  constructor(socket: HubSocket, options: SocketLinkOptions) {
    this.#socket = socket;
    this.#options = options;
    // Answered by hand: pongs to a peer that reads nothing must not pile up.
    socket.on('ping', (payload) => {
      if (this.hasRoom) socket.pong(payload);
    });
    socket.onclosing = (code) => {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      options.onPeerClosing?.(code);
    };
    socket.once('close', () => this.#closed());
  }

  get isOpen(): boolean {
    return !this.#hasEnded && this.#socket.readyState === HubSocket.OPEN;
  }

  get isResumable(): boolean {
    return false;
  }

  get hasRoom(): boolean {
    return this.isOpen && this.#socket.bufferedAmount < this.#options.maxBufferedBytes;
  }

  prime(): void {
    // Messages have no ids here: what was not written to one WebSocket is sent on the next.
  }

  send(json: string): void {
    this.write(json);
  }

  /** Sends one message, whatever waits already; `onLeft` is called when it has been handed to the network. */
  write(json: string, onLeft?: () => void): void {
    if (!this.isOpen) {
      onLeft?.();
      return;
    }
    this.#socket.send(json, () => {
      onLeft?.();
      this.#goOn();
    });
    if (this.hasRoom) return;
    this.#isHeld = true;
    this.#socket.pause();
  }

  /** Sends a message that belongs to a call. Resolves when there is room for more. */
  async event(json: string): Promise<void> {
    if (this.isOpen && this.#socket.bufferedAmount >= this.#options.maxUnreadBytes) this.destroy();
    this.write(json);
    if (!this.isOpen || this.hasRoom || this.#waiting.length >= MAX_WAITING) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  comment(): void {
    if (!this.isOpen) return;
    if (this.#options.isExpired?.()) {
      this.close(CLOSE_CODES.unauthorized, 'the access token has expired');
      return;
    }
    if (this.hasRoom) {
      this.#stalledBytes = 0;
      this.#socket.ping();
      return;
    }
    const waiting = this.#socket.bufferedAmount;
    if (waiting === this.#stalledBytes) this.destroy();
    this.#stalledBytes = waiting;
  }

  onDrain(callback: () => void): void {
    this.#onDrain.push(callback);
  }

  /** Returns the way to take the callback back. */
  onClose(callback: () => void): () => void {
    this.#onClose.add(callback);
    return () => this.#onClose.delete(callback);
  }

  end({ why, retryMs }: StreamEnding = {}): void {
    if (retryMs === undefined) this.close(codeOf(why ?? 'session-ended'), why);
    else this.close(CLOSE_CODES.goingAway, `retry after ${retryMs} ms`);
  }

  /** Closes it with this code; a peer that does not answer is cut after a grace. Idempotent. */
  close(code: CloseCode, reason = ''): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#socket.close(code, reason);
    // The answer to the close has to be read, and whoever waits for room gets none any more.
    this.#release();
  }

  destroy(): void {
    this.#hasEnded = true;
    this.#socket.terminate();
  }

  #goOn(): void {
    if (!this.#isHeld || !this.hasRoom) return;
    this.#release();
    for (const callback of this.#onDrain) callback();
  }

  #release(): void {
    this.#isHeld = false;
    this.#socket.resume();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  #closed(): void {
    this.#release();
    const callbacks = [...this.#onClose];
    this.#onClose.clear();
    for (const callback of callbacks) callback();
  }
}

function codeOf(why: StreamEnd): CloseCode {
  switch (why) {
    case 'takeover':
      return CLOSE_CODES.takenOver;
    case 'dead-peer':
      return CLOSE_CODES.timeout;
    case 'polling':
      return CLOSE_CODES.goingAway;
    case 'client':
    case 'session-ended':
      return CLOSE_CODES.sessionEnded;
  }
}
