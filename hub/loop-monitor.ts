const SAMPLE_MS = 1_000;
const KEPT_SAMPLES = 10;

/**
 * How late the event loop runs its timers: the largest delay of the last ten seconds, in milliseconds.
 * A hub whose loop is blocked is alive to its process manager and dead to its clients (F57).
 */
export class LoopMonitor {
  readonly #timer: NodeJS.Timeout;
  readonly #delays: number[] = [];
  #expectedAt = performance.now() + SAMPLE_MS;

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#timer.unref();
  }

  delayMs(): number {
    return Math.round(Math.max(0, ...this.#delays, performance.now() - this.#expectedAt));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const now = performance.now();
    this.#delays.push(Math.max(0, now - this.#expectedAt));
    if (this.#delays.length > KEPT_SAMPLES) this.#delays.shift();
    this.#expectedAt = now + SAMPLE_MS;
  }
}
