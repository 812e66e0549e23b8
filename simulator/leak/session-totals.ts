import type { LeakUnit } from '../judge/leak-series.ts';
import type { Tally } from './tally.ts';

/** The sessions of several measurements together. */
export class SessionTotals {
  readonly #tallies = new Map<LeakUnit, Tally>();

  /** Of one unit, as it is by now. */
  note(unit: LeakUnit, tally: Tally): void {
    this.#tallies.set(unit, tally);
  }

  sum(what: 'attempted' | 'opened' | 'refused' | 'unknown' | 'deleted' | 'done'): number {
    let sum = 0;
    for (const tally of this.#tallies.values()) sum += tally[what];
    return sum;
  }
}
