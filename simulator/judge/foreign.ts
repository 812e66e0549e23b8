import type { LedgerReport } from './ledger-report.ts';
import type { SessionSample } from './session-event.ts';
import type { Strangers } from './strangers.ts';

/** Sessions of others on the target, counted before the run and, if possible, after it. */
export interface Foreign {
  readonly before: number;
  readonly after?: number;
}

/** How many sessions are not ours: as a sample showed before the first attempt, or as stated; none otherwise. */
export class Foreigners {
  #learned = 0;
  #stated: Foreign | null = null;
  #isRestated = false;
  #isUsed = false;

  get before(): number {
    return this.#stated?.before ?? this.#learned;
  }

  /** Nothing can be held against a count while others come and go. */
  get isSteady(): boolean {
    const after = this.#stated?.after;
    return !this.#isRestated && (after === undefined || after === this.before);
  }

  /** Whoever is on the target is ours. */
  get isAlone(): boolean {
    return this.before === 0 && this.isSteady;
  }

  /** A sample from before the first attempt shows none of ours. */
  learn(sample: SessionSample, strangers: Strangers): void {
    this.#learned = sample.count;
    if (sample.listed) strangers.addForeign(sample.listed);
  }

  state(foreign: Foreign): void {
    if (this.#isUsed && foreign.before !== this.before) this.#isRestated = true;
    this.#stated = foreign;
  }

  /** What of a count is ours. A different number stated after this makes all counts worthless. */
  oursOf(count: number): number {
    this.#isUsed = true;
    return count - this.before;
  }

  report(): LedgerReport['foreign'] {
    return { before: this.before, after: this.#stated?.after ?? null, isSteady: this.isSteady };
  }
}
