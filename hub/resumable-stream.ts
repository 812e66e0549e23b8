import type { EventLog } from './event-log.ts';
import type { MessageStream } from './message-stream.ts';

/** Senders held back on one stream. Whoever sends more without waiting is not slowed down, but loses events. */
const MAX_WAITING = 1_000;

/**
 * One logical stream of a session: a cursor over the session's event log, and the response (or WebSocket) that is
 * being written to at the moment, if any. What is live and what is replayed goes the same way, one event after the other, so
 * order cannot break and nothing can come twice, whenever the connection is cut (F41).
 *
 * A response that takes no more is waited for; what it has not read stays in the log, which is bounded. So a slow
 * reader costs no memory of its own, and one that falls behind what the log keeps is cut off (F48).
 */
export class ResumableStream {
  readonly number: number;
  readonly #log: EventLog;
  readonly #eventId: (seq: number) => string;
  #response: MessageStream | undefined;
  /** The last position written to any response. */
  #written = 0;
  #isEnded = false;
  #waiting: (() => void)[] = [];
  #onDelivered: (() => void) | undefined;
  #onLag: (() => void) | undefined;
  #wasBehind = false;

  /** `onLag` is called whenever the stream falls behind what is sent on it, and when it has caught up. */
  constructor(
    number: number,
    log: EventLog,
    eventId: (stream: number, seq: number) => string,
    onLag?: () => void,
  ) {
    this.number = number;
    this.#log = log;
    this.#eventId = (seq) => eventId(number, seq);
    this.#onLag = onLag;
  }

  /** The last position that was written, wherever that got to. */
  get written(): number {
    return this.#written;
  }

  /** Whether something was sent that has not been written to any response. */
  get isBehind(): boolean {
    return this.#written < this.#log.lastSeq(this.number);
  }

  /** Whether everything that will ever be sent has been sent. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Takes up a stream of an earlier process, which had written so much of it. */
  restore(written: number): void {
    this.#written = written;
    this.#wasBehind = this.isBehind;
  }

  /** Writes to this response from now on, from the event after `seq`. Whoever was written to before is ended. */
  attach(response: MessageStream, seq: number): void {
    this.#response?.end({ why: 'takeover' });
    this.#response = response;
    this.#written = seq;
    response.prime(this.#eventId(seq));
    response.onDrain(() => this.#pump(response));
    this.#pump(response);
  }

  /** Stops writing to this response, if it still is the one. */
  detach(response: MessageStream): void {
    if (this.#response !== response) return;
    this.#response = undefined;
    this.#goOn();
  }

  /** Ends the response that is being written to, if any: its client is to come back for the rest. */
  suspend(): void {
    const response = this.#response;
    if (!response) return;
    this.detach(response);
    response.end();
  }

  /** Calls back once everything that will be sent has been handed to the network, or nobody can ask for it any more. */
  onDelivered(callback: () => void): void {
    this.#onDelivered = callback;
  }

  /** Nobody can resume it any more. A connection that goes on reading it keeps nothing else of its session. */
  forget(): void {
    this.#onLag = undefined;
    this.#onDelivered?.();
  }

  /** Resolves when there is room for more: whoever sends much, and waits, is slowed down to what is read. */
  async send(json: string): Promise<void> {
    this.#log.append(this.number, json);
    if (!this.#response) {
      this.#noteLag();
      return;
    }
    this.#pump(this.#response);
    if (this.#isBlocked && this.#waiting.length < MAX_WAITING) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  comment(): void {
    this.#response?.comment();
  }

  /** No event comes after those sent so far; the response ends when it has them all. */
  end(): void {
    this.#isEnded = true;
    this.#log.end(this.number);
    if (this.#response) this.#pump(this.#response);
  }

  get #isBlocked(): boolean {
    return this.#response?.isOpen === true && !this.#response.hasRoom;
  }

  #pump(response: MessageStream): void {
    if (this.#response !== response) return;
    while (response.hasRoom) {
      const event = this.#log.next({ stream: this.number, seq: this.#written });
      if (event === 'none') {
        if (this.#isEnded) this.#complete(response);
        break;
      }
      if (event === 'lost') {
        response.destroy();
        break;
      }
      response.send(event.json, this.#eventId(event.seq));
      this.#written = event.seq;
    }
    this.#noteLag();
    if (!this.#isBlocked) this.#goOn();
  }

  #noteLag(): void {
    if (!this.#onLag || this.isBehind === this.#wasBehind) return;
    this.#wasBehind = this.isBehind;
    this.#onLag();
  }

  #complete(response: MessageStream): void {
    const onDelivered = this.#onDelivered;
    if (onDelivered) response.onClose(onDelivered);
    response.end();
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
