import type { IncomingMessage } from 'node:http';
import type { Admission } from './admission.ts';
import { parseMessages } from './body.ts';
import { CLOSE_CODES, DELIBERATE_CODES } from './close-codes.ts';
import { HubError } from './errors.ts';
import type { HubSocket } from './hub-socket.ts';
import type { Caller } from './identity.ts';
import { admitMessages, initializeOf, MAX_INITIALIZE_BYTES } from './message-rules.ts';
import type { RefusalLog } from './refusal-log.ts';
import { type Carrier, extraOf, type OpeningParts, openSession } from './session-opening.ts';
import { SocketLink, type SocketLinkOptions } from './socket-link.ts';
import type { SessionTransport } from './transport.ts';

export interface ConnectionParts extends OpeningParts {
  readonly admission: Admission;
  readonly refusals: RefusalLog;
  readonly isDraining: () => boolean;
}

export interface ConnectionOptions extends SocketLinkOptions {
  /** The request that was upgraded, and who sent it. */
  readonly request: IncomingMessage;
  readonly caller: Caller;
  /** Of the session it belongs to, or is to open. */
  readonly transport: SessionTransport;
}

/** Messages that may come while a session is being opened, before nothing more is read. */
const MAX_EARLY = 10;

/**
 * One WebSocket of a client. Messages are taken one after the other, in the order in which they came.
 *
 * | state    | begins with                                  | a message                    | ends with                  |
 * |----------|----------------------------------------------|------------------------------|----------------------------|
 * | waiting  | an upgrade without a session                 | initialize, or it is closed  | the handshake deadline     |
 * | opening  | the first message, an initialize             | waits                        | its answer                 |
 * | attached | a session opened, or named by the upgrade    | as a POST on the session     | the session, or a takeover |
 */
export class SocketConnection {
  readonly #parts: ConnectionParts;
  readonly #options: ConnectionOptions;
  readonly #socket: HubSocket;
  readonly #link: SocketLink;
  #state: 'waiting' | 'opening' | 'attached' = 'waiting';
  #releaseSlot: () => void = () => undefined;
  /** The messages taken so far, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  /** Came while the session was being opened. */
  #early: string[] = [];

  constructor(socket: HubSocket, parts: ConnectionParts, options: ConnectionOptions) {
    this.#socket = socket;
    this.#parts = parts;
    this.#options = options;
    this.#link = new SocketLink(socket, {
      ...options,
      isExpired: () => this.#isExpired,
      onPeerClosing: (code) => this.#peerCloses(code),
    });
    // Broken frames and messages too large: the library has closed it with the code for that.
    socket.on('error', () => undefined);
    socket.on('message', (payload, isBinary) => {
      if (isBinary) this.#link.close(CLOSE_CODES.binary, 'messages are text');
      else this.#received(String(payload));
    });
  }

  onClose(callback: () => void): void {
    this.#link.onClose(callback);
  }

  /** Waits for initialize. The slot for its session is held, and given back however this ends. */
  await(releaseSlot: () => void): void {
    this.#releaseSlot = releaseSlot;
    this.#link.onClose(releaseSlot);
  }

  /** Carries the session from now on. */
  attach(): void {
    this.#state = 'attached';
    this.#options.transport.listenOn(this.#link);
  }

  /** Its handshake deadline has passed, or the hub shuts down, and there is no session. */
  expire(): void {
    this.#options.transport.end('handshake');
    if (this.#parts.isDraining()) this.goAway();
    else this.#link.close(CLOSE_CODES.timeout, 'no initialize came in time');
  }

  goAway(): void {
    this.#link.close(CLOSE_CODES.goingAway);
  }

  /** A client that closes in so many words is done with its session; a connection that breaks ends no session. */
  #peerCloses(code: number): void {
    if (this.#state !== 'attached' || !DELIBERATE_CODES.includes(code)) return;
    this.#parts.sessions.removeSession(this.#options.transport.sessionId, 'client');
  }

  /** A token is asked for once, when a WebSocket is opened: it may do no more than it may for a request. */
  get #isExpired(): boolean {
    const { expiresAt } = this.#options.caller.authInfo ?? {};
    return expiresAt !== undefined && expiresAt < Date.now() / 1_000;
  }

  #received(text: string): void {
    if (this.#state === 'opening') {
      this.#wait(text);
      return;
    }
    const isFirst = this.#state === 'waiting';
    // Already now: what comes next, while this one is being taken, must not get in front of what waits.
    if (isFirst) this.#state = 'opening';
    this.#turn = this.#turn
      .then(() => this.#take(text, isFirst))
      .catch((error: unknown) => this.#refuse(error, text));
  }

  #wait(text: string): void {
    this.#early.push(text);
    // What is read already comes all the same: as much as one read from the connection holds.
    if (this.#early.length >= MAX_EARLY) this.#socket.pause();
  }

  async #take(text: string, isFirst: boolean): Promise<void> {
    if (!this.#link.isOpen) return;
    if (this.#isExpired) this.#link.close(CLOSE_CODES.unauthorized, 'the access token has expired');
    else if (isFirst) await this.#open(text);
    else await this.#message(text);
  }

  /** A message on the session, as a POST would bring it. */
  async #message(text: string): Promise<void> {
    const { transport, request, caller } = this.#options;
    await this.#parts.admission.message(transport.sessionId);
    const messages = parseMessages(jsonOf(text));
    // There is one answer to each message: what a batch is answered with would be none of them.
    if (messages.isBatch) throw new HubError('BATCH_NOT_ALLOWED', { detail: 'None over WebSocket.' });
    const session = this.#parts.sessions.peek(transport.sessionId);
    if (!session) throw new HubError('SESSION_NOT_FOUND');
    admitMessages(this.#parts, session, messages);
    transport.receiveOn(this.#link, {
      messages: messages.list,
      isBatch: false,
      extra: extraOf(request, caller),
    });
  }

  /** The first message: it opens the session, or there is none. */
  async #open(text: string): Promise<void> {
    const { transport, request, caller } = this.#options;
    if (Buffer.byteLength(text) > MAX_INITIALIZE_BYTES) {
      throw new HubError('BODY_TOO_LARGE', { detail: `At most ${MAX_INITIALIZE_BYTES} bytes are taken.` });
    }
    const message = initializeOf(this.#parts, parseMessages(jsonOf(text)));
    const link = this.#link;
    const carrier: Carrier = {
      get isGone() {
        return !link.isOpen;
      },
      onGone: (callback) => link.onClose(callback),
      deliver: (post) => transport.receiveOn(link, post),
      answered: (isOpen) => this.#opened(isOpen),
    };
    const extra = extraOf(request, caller);
    await openSession(this.#parts, {
      transport,
      message,
      caller,
      extra,
      carrier,
      releaseSlot: this.#releaseSlot,
    });
  }

  #opened(isOpen: boolean): void {
    this.#socket.resume();
    if (!isOpen) {
      this.#link.close(CLOSE_CODES.notInitialized, 'initialize was refused');
      return;
    }
    this.attach();
    const early = this.#early;
    this.#early = [];
    for (const text of early) this.#received(text);
  }

  /** Answers with the error as JSON-RPC. Without a session it is the last that is said. */
  #refuse(error: unknown, text: string): void {
    const refusal = error instanceof HubError ? error : new HubError('INTERNAL', { cause: error });
    if (refusal.code !== 'INTERNAL') this.#parts.logger.refused(refusal, 'message');
    else if (this.#link.isOpen) this.#parts.logger.problem('message-failed', error);
    this.#parts.refusals.refused(refusal);
    this.#link.write(refusal.messageTo(idOf(text)));
    if (this.#state !== 'attached') this.#link.close(CLOSE_CODES.notInitialized, 'there is no session');
  }
}

/** @throws HubError INVALID_JSON */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HubError('INVALID_JSON', { cause });
  }
}

/** The id of the request that a refusal answers; null where it is none, or none can be read. */
function idOf(text: string): string | number | null {
  try {
    const message: unknown = JSON.parse(text);
    const isRequest = typeof message === 'object' && message !== null && 'id' in message;
    return isRequest && (typeof message.id === 'string' || typeof message.id === 'number')
      ? message.id
      : null;
  } catch {
    // It was refused for that.
    return null;
  }
}
