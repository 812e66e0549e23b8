import type { Window } from './session-book.ts';

/** Most fingerprints held that nobody knows (yet): those of others on a shared target have no other bound. */
export const MAX_STRANGERS = 100_000;

/** When a fingerprint was listed: at some instant before `firstTo`, and still at some instant after `lastFrom`. */
export interface Sighting {
  readonly firstTo: number;
  lastFrom: number;
}

/** An attempt whose session id never became known: it explains one stranger, within its may. */
export interface Explanation {
  readonly from: number;
  readonly until: number;
}

/** Fingerprints that were listed and belong to no session we know. */
export class Strangers {
  readonly #sightings = new Map<string, Sighting>();
  readonly #foreign = new Set<string>();
  readonly #explanations: Explanation[] = [];

  /** Listed before the run opened anything: none of ours. */
  addForeign(fingerprints: Iterable<string>): void {
    for (const fingerprint of fingerprints) {
      if (this.#foreign.size < MAX_STRANGERS) this.#foreign.add(fingerprint);
    }
  }

  see(fingerprint: string, window: Window): void {
    const sighting = this.#sightings.get(fingerprint);
    if (sighting) sighting.lastFrom = Math.max(sighting.lastFrom, window.from);
    else if (!this.#foreign.has(fingerprint) && this.#sightings.size < MAX_STRANGERS) {
      this.#sightings.set(fingerprint, { firstTo: window.to, lastFrom: window.from });
    }
  }

  /** The answer to an initialize arrived: this is one of ours. Returns when it was seen before that. */
  recognise(fingerprint: string): Sighting | undefined {
    const sighting = this.#sightings.get(fingerprint);
    if (sighting) this.#sightings.delete(fingerprint);
    return sighting;
  }

  /** Whether any was listed at this moment or later: only then is an attempt worth keeping as explanation. */
  get isEmpty(): boolean {
    return this.#sightings.size === 0;
  }

  explain(explanation: Explanation): void {
    this.#explanations.push(explanation);
  }

  /**
   * Those left when each explanation is given to at most one stranger that it fits (begun before the stranger
   * was seen, tolerated until it was last seen). Taking strangers by first sight and the explanation that ends
   * soonest leaves the fewest.
   */
  unexplained(): Sighting[] {
    const waiting = this.#explanations.toSorted((a, b) => a.from - b.from);
    const pool: number[] = [];
    const left: Sighting[] = [];
    let next = 0;
    for (const sighting of [...this.#sightings.values()].sort((a, b) => a.firstTo - b.firstTo)) {
      for (let one = waiting[next]; one && one.from <= sighting.firstTo; one = waiting[next]) {
        pool.splice(firstAtLeast(pool, one.until), 0, one.until);
        next += 1;
      }
      const index = firstAtLeast(pool, sighting.lastFrom);
      if (index < pool.length) pool.splice(index, 1);
      else left.push(sighting);
    }
    return left;
  }
}

/** Index of the first element of a sorted list that is not less than `value`. */
function firstAtLeast(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Number.POSITIVE_INFINITY) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
