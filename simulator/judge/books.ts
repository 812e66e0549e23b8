import type { BookRow } from './ledger-report.ts';
import { NEVER } from './rules.ts';
import type { SessionBook, Window } from './session-book.ts';
import type { SessionSample, TargetCounters } from './session-event.ts';

/** What the simulator did so far, and what of it may not have reached the target's counters yet. */
interface Tally {
  readonly surelyOpened: number;
  readonly maybeOpened: number;
  readonly surelyDeleted: number;
  readonly maybeDeleted: number;
}

interface Entry {
  readonly counters: TargetCounters;
  readonly count: number;
  readonly tally: Tally;
}

/** The two accounts, ours and the target's, and whether they agree. A target that restarts begins anew. */
export class Books {
  attempted = 0;
  opened = 0;
  refused = 0;
  lost = 0;
  deletesSent = 0;
  deletesConfirmed = 0;
  deletesNotFound = 0;
  #first: Entry | null = null;
  #last: Entry | null = null;
  #isClosed = false;
  /** Largest |opened − ended − live| against the first sample, over all samples. */
  #worstDrift = 0;

  /** Takes down the target's own counters, if the sample has them. `books`: all that began after `window.from`. */
  sample(sample: SessionSample, window: Window, books: Iterable<SessionBook>): void {
    if (!sample.counters || this.#isClosed) return;
    const entry = { counters: sample.counters, count: sample.count, tally: this.#tally(window.from, books) };
    this.#first ??= entry;
    this.#last = entry;
    const drift = balance(entry) - balance(this.#first);
    if (Math.abs(drift) > Math.abs(this.#worstDrift)) this.#worstDrift = drift;
  }

  /** The target ended: what it counts from here on, it counts anew. */
  targetExited(): void {
    this.#isClosed = true;
  }

  /** `isAlone`: no others use the target. Otherwise what it counts may be theirs. */
  rows({ isAlone, duplicateIds }: { isAlone: boolean; duplicateIds: number }): BookRow[] {
    const { opened, refused, lost, attempted } = this;
    const unanswered = attempted - opened - refused - lost;
    const sum = opened + refused + lost + unanswered;
    const rows = [
      row('attempts = opened + refused + lost + unanswered', attempted, sum, sum),
      row('session ids given twice', duplicateIds, 0, 0),
    ];
    if (!this.#first || !this.#last || this.#first === this.#last) return rows;
    const [first, last] = [this.#first, this.#last];
    rows.push(
      row(
        'opened, by the target',
        last.counters.opened - first.counters.opened,
        ...opens(first, last, isAlone),
      ),
      row('opened - ended - live, by the target (worst drift)', this.#worstDrift, 0, 0),
    );
    const before = first.counters.ended.client;
    const after = last.counters.ended.client;
    if (after !== undefined) {
      const atLeast = last.tally.surelyDeleted - first.tally.maybeDeleted;
      const atMost = isAlone ? last.tally.maybeDeleted - first.tally.surelyDeleted : null;
      rows.push(row('ended by DELETE, by the target', after - (before ?? 0), atLeast, atMost));
    }
    return rows;
  }

  #tally(from: number, books: Iterable<SessionBook>): Tally {
    let openedSince = 0;
    let deletedSince = 0;
    for (const book of books) {
      if (book.openedAt !== NEVER && book.openedAt > from) openedSince += 1;
      if (book.knownEnd === 'delete' && book.knownEndAt > from) deletedSince += 1;
    }
    return {
      surelyOpened: this.opened - openedSince,
      maybeOpened: this.attempted - this.refused,
      surelyDeleted: this.deletesConfirmed - deletedSince,
      maybeDeleted: this.deletesSent - this.deletesNotFound,
    };
  }
}

function opens(first: Entry, last: Entry, isAlone: boolean): [number, number | null] {
  const atLeast = last.tally.surelyOpened - first.tally.maybeOpened;
  return [atLeast, isAlone ? last.tally.maybeOpened - first.tally.surelyOpened : null];
}

/** Constant over the life of a target whose counters and count come from the same answer. */
function balance({ counters, count }: Entry): number {
  let ended = 0;
  for (const n of Object.values(counters.ended)) ended += n;
  return counters.opened - ended - count;
}

function row(name: string, observed: number, atLeast: number, atMost: number | null): BookRow {
  return { name, observed, atLeast, atMost };
}
