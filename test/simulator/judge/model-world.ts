/** One way, ms. The client's farewells arrive this late, so it is also ε. */
export const MAX_LATENCY_MS = 20;

/** Everything of a run in one order of time. */
export class ModelWorld {
  now = 0;
  readonly random: () => number;
  #queue: { at: number; run: () => void }[] = [];

  constructor(seed: number) {
    let state = seed >>> 0;
    this.random = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  after(ms: number, run: () => void): void {
    const at = this.now + ms;
    const index = this.#queue.findLastIndex((entry) => entry.at <= at);
    this.#queue.splice(index + 1, 0, { at, run });
  }

  between(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from));
  }

  chance(p: number): boolean {
    return this.random() < p;
  }

  /** Over the network. */
  send(run: () => void): void {
    this.after(this.between(0, MAX_LATENCY_MS), run);
  }

  run(until: number): void {
    for (let next = this.#queue[0]; next && next.at <= until; next = this.#queue[0]) {
      this.#queue.shift();
      this.now = next.at;
      next.run();
    }
    this.now = until;
  }
}
