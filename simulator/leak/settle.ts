import type { Clock } from '../clock/clock.ts';
import type { SessionObserver } from '../observers/sessions.ts';
import type { MemoryReader } from './memory-reader.ts';

/** Sessions that were ended are gone at once; those left to be reaped take up to T + C. */
const SETTLE_WITHIN_MS = 5_000;
/** A target that did not come back to its count once is not waited for as long again. */
const ONCE_LATE_MS = 500;
const LOOK_EVERY_MS = 10;
/** The target hears of the end of a connection a moment after we do. */
const HANDLES_WITHIN_MS = 500;
const ONCE_MORE_MS = 50;

/** Waits after each cycle until the target is as it was before: its sessions, and what else can be counted. */
export class Settling {
  readonly #clock: Clock;
  readonly #sessions: SessionObserver;
  readonly #reader: MemoryReader;
  readonly #signal: AbortSignal;
  #baseline: number | undefined;
  #lastCounts: Readonly<Record<string, number>> | undefined;
  #wasLate = false;
  #hadMore = false;

  constructor(parts: { clock: Clock; sessions: SessionObserver; reader: MemoryReader; signal: AbortSignal }) {
    this.#clock = parts.clock;
    this.#sessions = parts.sessions;
    this.#reader = parts.reader;
    this.#signal = parts.signal;
  }

  /** To be called before the first cycle. */
  async begin(): Promise<void> {
    this.#baseline = (await this.#sessions.sample())?.count;
  }

  /** What was counted in the end; `sessions` among it, where the target shows them. @throws LeakError, InspectorError */
  async settle(): Promise<Readonly<Record<string, number>>> {
    const sessions = await this.#settleSessions();
    const counts = await this.#settleCounts();
    return sessions === undefined ? counts : { sessions, ...counts };
  }

  async #settleSessions(): Promise<number | undefined> {
    const deadline = this.#clock.now() + (this.#wasLate ? ONCE_LATE_MS : SETTLE_WITHIN_MS);
    for (;;) {
      const count = (await this.#sessions.sample())?.count;
      if (count === undefined || count <= (this.#baseline ?? count)) return count;
      if (this.#clock.now() > deadline || this.#signal.aborted) {
        this.#wasLate = true;
        return count;
      }
      await this.#clock.sleep(LOOK_EVERY_MS);
    }
  }

  /** Until they are what they were after the last cycle, or are not going to be. */
  async #settleCounts(): Promise<Readonly<Record<string, number>>> {
    const deadline = this.#clock.now() + (this.#hadMore ? ONCE_MORE_MS : HANDLES_WITHIN_MS);
    for (;;) {
      const counts = await this.#reader.counts();
      const last = this.#lastCounts;
      const isBack = Object.entries(counts).every(([what, count]) => count <= (last?.[what] ?? 0));
      if (!last || isBack || this.#clock.now() > deadline || this.#signal.aborted) {
        this.#lastCounts = counts;
        this.#hadMore = !isBack && last !== undefined;
        return counts;
      }
      await this.#clock.sleep(LOOK_EVERY_MS);
    }
  }
}
