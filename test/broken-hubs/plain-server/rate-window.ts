const WINDOW_MS = 1_000;

/** At most so many per second, counted in whole seconds from the first. */
export class RateWindow {
  readonly #perSecond: number;
  #startedAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(perSecond = Number.POSITIVE_INFINITY) {
    this.#perSecond = perSecond;
  }

  /** Counts one more; false when that is one too many. */
  take(): boolean {
    const now = performance.now();
    if (now - this.#startedAt >= WINDOW_MS) {
      this.#startedAt = now;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= this.#perSecond;
  }
}
