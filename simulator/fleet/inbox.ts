import type { Clock } from '../clock/clock.ts';
import type { EventCount } from '../judge/event-count.ts';
import { numberedEvent } from './numbered-event.ts';

export interface InboxParts {
  /** How reports name the session: tags of its calls begin with it. */
  readonly owner: string;
  readonly count: EventCount;
}

/** What a call is about to send beside its answer. */
export interface Announced {
  /** How many events; `null`: as many as the tool likes, in rising order. */
  readonly count: number | null;
  /** They come on the session's GET stream, and go with it; others come with the answer. */
  readonly isOnStream: boolean;
}

/** How a GET stream was lost. */
export interface Loss {
  /** Its events had ids. */
  readonly hasIds: boolean;
  /** The client comes back with the last of them. */
  readonly isResumed: boolean;
}

/** The events of one call. */
interface Letter {
  readonly isOnStream: boolean;
  /** How many are to come; `null`: as many as the tool likes, in rising order. */
  readonly count: number | null;
  /** What comes next, where they are counted; otherwise the last one that came. */
  next: number;
  /** Numbers that were left out by a later one. */
  readonly gaps: string[];
  /** `sending`: its call is in flight. `owed`: all were sent. `free`: nobody knows, so that nothing is owed. */
  state: 'sending' | 'owed' | 'free';
}

/** Calls whose events are remembered: one that is doubled later than this is taken for somebody else's no less. */
const MAX_LETTERS = 1_000;
const MAX_GAPS = 10;

/**
 * What a session is sent beside its answers: numbered events of its own calls, each of which must come once and in
 * order (F30, F31, F41), and none of anybody else's (F29).
 */
export class Inbox {
  readonly #parts: InboxParts;
  readonly #letters = new Map<string, Letter>();
  #onChange: (() => void) | undefined;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /** A call is about to be sent that sends events with this tag, or progress with this token. */
  announce(tag: string, { count, isOnStream }: Announced): void {
    const [oldest] = this.#letters.keys();
    if (this.#letters.size >= MAX_LETTERS && oldest !== undefined) this.#letters.delete(oldest);
    this.#letters.set(tag, {
      isOnStream,
      count,
      next: count === null ? Number.NEGATIVE_INFINITY : 1,
      gaps: [],
      state: 'sending',
    });
  }

  /** The call is over. `isSent`: it ended well, so that all of its events are on their way. */
  callOver(tag: string, isSent: boolean): void {
    const letter = this.#letters.get(tag);
    // What was lost on the way is not owed, however well its call ends.
    if (letter?.state === 'sending') letter.state = isSent && letter.count !== null ? 'owed' : 'free';
    this.#onChange?.();
  }

  readonly hear = (method: string, params: unknown): void => {
    const event = numberedEvent(method, params);
    if (!event) return;
    const { owner, count } = this.#parts;
    const { tag, n } = event;
    count.seen += 1;
    const letter = this.#letters.get(tag);
    if (letter) this.#take(letter, tag, n);
    else if (tag.startsWith(`${owner} `))
      count.faults.add(`${owner}: event ${n} of '${tag}' came again, after all had come`);
    else count.faults.add(`${owner}: event ${n} of '${tag}' came, which is not a call of this session`);
    this.#onChange?.();
  };

  /** The GET stream was lost, or is not there. Unless it is resumed, what was on its way is not owed any more. */
  streamLost({ hasIds, isResumed }: Loss): void {
    const { count } = this.#parts;
    if (hasIds) count.resumable += 1;
    if (hasIds && isResumed) return;
    for (const letter of this.#letters.values()) {
      if (!letter.isOnStream || letter.state === 'free' || isComplete(letter)) continue;
      letter.state = 'free';
      if (!hasIds) count.excused += letter.count ?? 0;
    }
    this.#onChange?.();
  }

  /** Waits until nothing is owed, so long at most, and takes down what did not come. */
  async settle(clock: Clock, withinMs: number, stop: AbortSignal): Promise<void> {
    await this.#complete(clock, withinMs, stop);
    if (stop.aborted) return;
    const { owner, count } = this.#parts;
    for (const [tag, letter] of this.#letters) {
      if (letter.state !== 'owed' || letter.count === null) continue;
      count.owed += letter.count;
      const { gaps, next } = letter;
      const missing = next > letter.count ? gaps : [...gaps, range(next, letter.count)];
      if (missing.length > 0)
        count.faults.add(
          `${owner}: of ${letter.count} events of '${tag}' ${missing.join(', ')} did not come`,
        );
      // What comes from now on comes again.
      letter.state = 'free';
      letter.next = letter.count + 1;
    }
  }

  #complete(clock: Clock, withinMs: number, stop: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const letters = () => [...this.#letters.values()];
    this.#onChange = () => {
      if (letters().every((letter) => letter.state === 'free' || isComplete(letter))) resolve();
    };
    this.#onChange();
    const onStop = () => resolve();
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) resolve();
    const cancel = clock.at(clock.now() + withinMs, resolve);
    return promise.finally(() => {
      this.#onChange = undefined;
      cancel();
      stop.removeEventListener('abort', onStop);
    });
  }

  #take(letter: Letter, tag: string, n: number): void {
    const { owner, count } = this.#parts;
    const isCounted = letter.count !== null;
    if (isCounted ? n < letter.next : n <= letter.next) {
      const why = isCounted ? 'came again, or after a later one' : 'did not come in rising order';
      count.faults.add(`${owner}: event ${n} of '${tag}' ${why}`);
      return;
    }
    if (isCounted && n > letter.next && letter.gaps.length < MAX_GAPS)
      letter.gaps.push(range(letter.next, n - 1));
    letter.next = isCounted ? n + 1 : n;
  }
}

/** All came, though perhaps not all of them in order, and its call has been answered. */
function isComplete({ count, next, state }: Letter): boolean {
  return state === 'owed' && count !== null && next > count;
}

function range(from: number, to: number): string {
  return from === to ? String(from) : `${from} to ${to}`;
}
