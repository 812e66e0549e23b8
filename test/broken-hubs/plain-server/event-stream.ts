import type { ServerResponse } from 'node:http';
import type { DefectName } from '../defects.ts';
import { Refusal } from './refusal.ts';

/** What is kept of one stream, so that it can be resumed. The last event stays, however large it is. */
const MAX_EVENTS = 1_000;
const MAX_BYTES = 512 * 1_024;
/** Senders held back by a response that takes no more. */
const MAX_WAITING = 1_000;

const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

interface StreamEvent {
  readonly seq: number;
  readonly text: string;
}

/**
 * One stream of a session: the last events of it, and the response they are written to, if there is one. What is
 * live and what is replayed goes the same way, in order. A response that takes no more holds the events back, not
 * the memory: one that falls behind what is kept is cut (F48).
 */
export class EventStream {
  readonly number: number;
  readonly #defect: DefectName | undefined;
  #events: StreamEvent[] = [];
  #bytes = 0;
  #lastSeq = 0;
  #written = 0;
  #isEnded = false;
  #response: ServerResponse | undefined;
  #waiting: (() => void)[] = [];

  constructor(number: number, defect: DefectName | undefined) {
    this.number = number;
    this.#defect = defect;
  }

  get isOpen(): boolean {
    return this.#response !== undefined;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  isWrittenTo(response: ServerResponse): boolean {
    return this.#response === response;
  }

  /** Writes to this response from now on, after the event `seq`. Whoever was written to before is ended. */
  attach(
    response: ServerResponse,
    options: { seq: number; headers: Record<string, string>; prime: boolean },
  ) {
    this.#response?.end();
    this.#response = response;
    this.#written = options.seq;
    response.writeHead(200, { ...SSE_HEADERS, ...options.headers });
    response.flushHeaders();
    if (options.prime) response.write(`id: ${this.number}-${options.seq}\ndata: \n\n`);
    response.on('drain', () => this.#pump());
    this.#pump();
  }

  /** Nothing is written to this response any more, if it is the one. */
  detach(response: ServerResponse): void {
    if (this.#response !== response && this.#defect !== 'stale-close-ends-successor') return;
    this.#response = undefined;
    this.#resumeSenders();
  }

  /**
   * Where a client goes on that has read up to `seq`.
   * @throws Refusal cannot-resume, where something after it is no longer kept or was never sent
   */
  checkResumable(seq: number): void {
    const oldest = this.#events[0]?.seq ?? this.#lastSeq + 1;
    if (seq > this.#lastSeq || seq < oldest - 1) throw new Refusal('cannot-resume');
  }

  /** Resolves when there is room for more. */
  async send(json: string): Promise<void> {
    this.#lastSeq += 1;
    this.#events.push({ seq: this.#lastSeq, text: json });
    this.#bytes += json.length;
    if (this.#defect !== 'events-kept-for-ever') this.#trim();
    this.#pump();
    if (this.#response?.writableNeedDrain && this.#waiting.length < MAX_WAITING) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Where a reader goes on that names no position: after what was written, as far as that is still kept. */
  get position(): number {
    return Math.max(this.#written, (this.#events[0]?.seq ?? this.#lastSeq + 1) - 1);
  }

  /** Ends the response, not the stream: what comes is kept for whoever resumes it. */
  close(): void {
    const response = this.#response;
    this.#response = undefined;
    response?.end();
    this.#resumeSenders();
  }

  /** Writes what is no event of the stream: it is not kept, and lost where nobody reads. */
  write(text: string): void {
    this.#response?.write(text);
  }

  /** No event comes after those sent so far. */
  end(): void {
    this.#isEnded = true;
    this.#pump();
  }

  /** The kept events after `seq`, for whoever replays what is not his (F31). */
  eventsAfter(seq: number): readonly string[] {
    return this.#events.filter((event) => event.seq > seq).map((event) => this.#eventText(event));
  }

  #trim(): void {
    while (this.#events.length > 1 && (this.#events.length > MAX_EVENTS || this.#bytes > MAX_BYTES)) {
      this.#bytes -= this.#events.shift()?.text.length ?? 0;
    }
  }

  #pump(): void {
    const response = this.#response;
    if (!response) return;
    while (!response.writableNeedDrain || this.#defect === 'no-backpressure') {
      const oldest = this.#events[0]?.seq ?? this.#lastSeq + 1;
      const next = this.#events[this.#written + 1 - oldest];
      if (next) {
        this.#written = next.seq;
        response.write(this.#eventText(next));
      } else if (this.#written + 1 < oldest) {
        response.destroy();
        break;
      } else {
        if (this.#isEnded) response.end();
        break;
      }
    }
    if (!response.writableNeedDrain) this.#resumeSenders();
  }

  #eventText({ seq, text }: StreamEvent): string {
    return `event: message\nid: ${this.number}-${seq}\ndata: ${text}\n\n`;
  }

  #resumeSenders(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
