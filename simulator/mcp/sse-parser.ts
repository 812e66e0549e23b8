import { ByteBuffer } from './byte-buffer.ts';
import { WireError } from './wire-error.ts';

export interface SseEvent {
  /** The type; `message` when the server names none. */
  readonly event: string;
  readonly data: string;
  /** The last event id seen so far on the stream; empty when there was none. */
  readonly id: string;
}

export interface SseListener {
  onEvent(event: SseEvent): void;
  /** The server asks to wait this long before reconnecting, ms. */
  onRetry?(ms: number): void;
  onComment?(): void;
}

/** As large as the largest JSON answer, since an answer may come either way. */
export const MAX_EVENT_BYTES = 16 * 1024 * 1024;

const LF = 10;
const CR = 13;
const SPACE = 32;

/**
 * Reads an event stream from bytes cut anywhere (WHATWG HTML, section 9.2.6).
 *
 *     stream = [BOM] *event
 *     event  = *(comment / field) end-of-line
 *     comment = ":" *char end-of-line
 *     field  = 1*name-char [":" [SP] *char] end-of-line
 *     end-of-line = CR LF / CR / LF
 *
 * Lines are cut as bytes and decoded whole: CR and LF are never part of a longer UTF-8 sequence, so no
 * character can be cut in two. An event that the stream's end cuts off is not delivered, as specified.
 */
export class SseParser {
  readonly #listener: SseListener;
  readonly #maxEventBytes: number;
  /** The beginning of a line whose end has not come yet. */
  readonly #held = new ByteBuffer();
  /** The last line ended in CR: an LF that comes next belongs to it. */
  #skipsLineFeed = false;
  #isFirstLine = true;
  #type = '';
  #data: string | undefined;
  #lineBytes = 0;
  /** Data lines of the event so far. Nothing else adds up: comments and unknown fields leave nothing. */
  #dataBytes = 0;
  #lastEventId = '';
  /** The id that was read last: it counts once its event is complete, or half an event would never be sent again. */
  #idRead = '';

  constructor(listener: SseListener, { maxEventBytes = MAX_EVENT_BYTES } = {}) {
    this.#listener = listener;
    this.#maxEventBytes = maxEventBytes;
  }

  /** What a `Last-Event-ID` header would have to say; empty when the server gave none. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** Throws `WireError` when an event grows over the limit. */
  feed(chunk: Buffer): void {
    let at = 0;
    let carriageReturn = chunk.indexOf(CR);
    let lineFeed = chunk.indexOf(LF);
    while (at < chunk.length) {
      if (this.#skipsLineFeed) {
        this.#skipsLineFeed = false;
        if (chunk[at] === LF) {
          at += 1;
          continue;
        }
      }
      // Searched again only once passed, so a chunk without CR is scanned for it once, not once per line.
      if (carriageReturn !== -1 && carriageReturn < at) carriageReturn = chunk.indexOf(CR, at);
      if (lineFeed !== -1 && lineFeed < at) lineFeed = chunk.indexOf(LF, at);
      const endsInCr = carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed);
      const end = endsInCr ? carriageReturn : lineFeed;
      if (end === -1) {
        this.#hold(at === 0 ? chunk : chunk.subarray(at));
        return;
      }
      this.#skipsLineFeed = endsInCr;
      this.#understandLine(this.#takeLine(chunk, at, end));
      at = end + 1;
    }
  }

  #hold(bytes: Buffer): void {
    this.#checkSize(this.#dataBytes + this.#held.length + bytes.length);
    this.#held.append(bytes);
  }

  #takeLine(chunk: Buffer, at: number, end: number): string {
    this.#lineBytes = this.#held.length + end - at;
    this.#checkSize(this.#dataBytes + this.#lineBytes);
    if (this.#held.length === 0) return chunk.toString('utf8', at, end);
    this.#held.append(chunk.subarray(at, end));
    return this.#held.takeText();
  }

  #checkSize(bytes: number): void {
    if (bytes <= this.#maxEventBytes) return;
    throw new WireError('event-too-large', { got: `${bytes} bytes`, allowed: `${this.#maxEventBytes}` });
  }

  #understandLine(decoded: string): void {
    let line = decoded;
    if (this.#isFirstLine) {
      this.#isFirstLine = false;
      if (line.startsWith('\ufeff')) line = line.slice(1);
    }
    const colon = line.indexOf(':');
    if (line === '') {
      this.#dispatch();
    } else if (colon === 0) {
      this.#listener.onComment?.();
    } else if (colon === -1) {
      this.#readField(line, '');
    } else {
      const value = line.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
      this.#readField(line.slice(0, colon), line.slice(value));
    }
  }

  #readField(name: string, value: string): void {
    switch (name) {
      case 'data':
        this.#dataBytes += this.#lineBytes;
        this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
        return;
      case 'event':
        this.#type = value;
        return;
      case 'id':
        if (!value.includes('\0')) this.#idRead = value;
        return;
      case 'retry':
        if (/^[0-9]+$/.test(value)) this.#listener.onRetry?.(Number(value));
        return;
      default:
        // Unknown fields are ignored, as specified.
        return;
    }
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#type === '' ? 'message' : this.#type;
    this.#data = undefined;
    this.#type = '';
    this.#dataBytes = 0;
    this.#lastEventId = this.#idRead;
    if (data !== undefined) this.#listener.onEvent({ event, data, id: this.#lastEventId });
  }
}
