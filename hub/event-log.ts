/** One message that was, or is to be, sent on an event stream. */
export interface StoredEvent {
  readonly stream: number;
  /** Position in its stream, from 1. */
  readonly seq: number;
  /** A JSON-RPC message, as text. */
  readonly json: string;
  readonly bytes: number;
  /** `performance.now()` when it was stored. */
  readonly at: number;
}

export interface EventLogLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Whoever keeps events beyond the life of the process. */
export interface EventKeeper {
  appended(event: StoredEvent): void;
  dropped(event: StoredEvent): void;
  /** Nothing is kept of a stream any more that goes on: its position is all that tells where. */
  emptied(stream: number): void;
}

/** Where a client stopped reading: a stream, and the last position it has seen of it. */
export interface Cursor {
  readonly stream: number;
  readonly seq: number;
}

interface StreamEvents {
  lastSeq: number;
  isEnded: boolean;
  readonly kept: Map<number, StoredEvent>;
}

/**
 * The last events of one session, of all its streams together, so that a stream that broke can be resumed where
 * it stopped. Bounded by count, bytes and age; the oldest go first. Belongs to one session, so there is nothing
 * to replay from another (F30); positions count up by one within their stream, so nothing can be lost, doubled
 * or put out of order unseen (F41).
 */
export class EventLog {
  readonly #limits: EventLogLimits;
  #keeper: EventKeeper | undefined;
  readonly #streams = new Map<number, StreamEvents>();
  /** All kept events in order of arrival; those before `#oldest` are gone. */
  #order: StoredEvent[] = [];
  #oldest = 0;
  #bytes = 0;

  constructor(limits: EventLogLimits, keeper?: EventKeeper) {
    this.#limits = limits;
    this.#keeper = keeper;
  }

  /** Events kept. */
  get size(): number {
    return this.#order.length - this.#oldest;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(stream: number, json: string): StoredEvent {
    const event = this.#put(stream, this.lastSeq(stream) + 1, json);
    this.#keeper?.appended(event);
    this.#trim(event.at);
    return event;
  }

  /** Takes up an event that was kept by an earlier process. In the order in which they were appended. */
  restore(stream: number, seq: number, json: string): void {
    this.#put(stream, seq, json);
  }

  /** Takes up where a stream had got, of which an earlier process may have kept no event. */
  restorePosition(stream: number, lastSeq: number): void {
    this.#streamEvents(stream).lastSeq = lastSeq;
  }

  /** The event after a position: `none` when there is no later one yet, `lost` when it is no longer kept. */
  next({ stream, seq }: Cursor): StoredEvent | 'none' | 'lost' {
    this.#trim(performance.now());
    const events = this.#streams.get(stream);
    if (!events || seq >= events.lastSeq) return 'none';
    return events.kept.get(seq + 1) ?? 'lost';
  }

  /** The last position of a stream; 0 when nothing was ever sent on it. */
  lastSeq(stream: number): number {
    return this.#streams.get(stream)?.lastSeq ?? 0;
  }

  /** The latest position from which a stream can still be read without a gap, not before `seq`. */
  resumableFrom({ stream, seq }: Cursor): number {
    const events = this.#streams.get(stream);
    if (!events || seq >= events.lastSeq || events.kept.has(seq + 1)) return seq;
    const oldest = events.kept.keys().next();
    return oldest.done ? events.lastSeq : oldest.value - 1;
  }

  /** The session is over: whatever is still read from here, nobody keeps any more. */
  abandon(): void {
    this.#keeper = undefined;
  }

  /** Nothing more comes on this stream. */
  end(stream: number): void {
    const events = this.#streams.get(stream);
    if (!events) return;
    events.isEnded = true;
    this.#forgetIfSpent(stream, events);
  }

  /** Whether the stream is known: open, or ended with something of it kept. */
  knows(stream: number): boolean {
    return this.#streams.has(stream);
  }

  clear(): void {
    this.#streams.clear();
    this.#order = [];
    this.#oldest = 0;
    this.#bytes = 0;
  }

  #streamEvents(stream: number): StreamEvents {
    const known = this.#streams.get(stream);
    if (known) return known;
    const events: StreamEvents = { lastSeq: 0, isEnded: false, kept: new Map() };
    this.#streams.set(stream, events);
    return events;
  }

  #put(stream: number, seq: number, json: string): StoredEvent {
    const event: StoredEvent = { stream, seq, json, bytes: Buffer.byteLength(json), at: performance.now() };
    const events = this.#streamEvents(stream);
    events.lastSeq = seq;
    events.kept.set(seq, event);
    this.#order.push(event);
    this.#bytes += event.bytes;
    return event;
  }

  #trim(now: number): void {
    const { maxEvents, maxBytes, maxAgeMs } = this.#limits;
    for (let oldest = this.#order[this.#oldest]; oldest; oldest = this.#order[this.#oldest]) {
      // The last one stays even if it alone is too large: whoever reads live has to get it.
      const isTooMuch = this.size > maxEvents || (this.size > 1 && this.#bytes > maxBytes);
      if (!isTooMuch && now - oldest.at <= maxAgeMs) break;
      this.#drop(oldest);
    }
    // What is gone is cut off in one go, once it is half of the list: amortised O(1) per event.
    if (this.#oldest > this.#order.length / 2) {
      this.#order = this.#order.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  #drop(event: StoredEvent): void {
    this.#oldest += 1;
    this.#bytes -= event.bytes;
    this.#keeper?.dropped(event);
    const events = this.#streams.get(event.stream);
    if (!events) return;
    events.kept.delete(event.seq);
    this.#forgetIfSpent(event.stream, events);
    if (events.kept.size === 0 && !events.isEnded) this.#keeper?.emptied(event.stream);
  }

  /** A stream that ended is remembered as long as something of it is kept. */
  #forgetIfSpent(stream: number, events: StreamEvents): void {
    if (events.isEnded && events.kept.size === 0) this.#streams.delete(stream);
  }
}
