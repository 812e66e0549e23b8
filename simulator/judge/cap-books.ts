import { Findings } from './findings.ts';
import { formatCount } from './format.ts';
import type { LedgerReport } from './ledger-report.ts';
import type { Policy } from './policy.ts';
import type { SessionBook, Window } from './session-book.ts';

/** To count what a target may hold takes a look at every book: refusals that come closer together share one, ms. */
const COUNT_EVERY_MS = 100;
/** Full, and too many requests (RFC 9110, 15.6.4; RFC 6585, 4). */
const FULL = 503;
const TOO_MANY = 429;

/** What is held against a target that promises to hold no more than so many sessions (F45, F46, F47). */
export class CapBooks {
  readonly #cap: number | null;
  readonly #exceeded = new Findings();
  readonly #refusedWrongly = new Findings();
  #most = 0;
  #refusedWhenFull = 0;
  /** Refusals up to here found the target as full as it may be. */
  #fullUntil = Number.NEGATIVE_INFINITY;

  constructor({ maxSessions }: Pick<Policy, 'maxSessions'>) {
    this.#cap = maxSessions;
  }

  /** A look at the target; sessions of others count, too. */
  sample(count: number, window: Window): void {
    this.#most = Math.max(this.#most, count);
    const cap = this.#cap;
    if (cap === null || count <= cap) return;
    this.#exceeded.add(() => ({
      session: null,
      fromMs: window.from,
      toMs: window.to,
      byMs: null,
      why: `it held ${formatCount(count, 'session')}, and its cap is ${cap}`,
    }));
  }

  /** An initialize was refused. `mayHold`: how many other sessions the target may hold in the window at most. */
  refused(book: SessionBook, window: Window, status: number, mayHold: () => number): void {
    const cap = this.#cap;
    const isFullAnswer = status === FULL || status === TOO_MANY;
    // Who is refused with 400 sent what cannot be read; that it never left is status 0.
    if (cap === null || (!isFullAnswer && status < 500)) return;
    if (window.to <= this.#fullUntil) {
      this.#refusedWhenFull += 1;
      return;
    }
    const held = mayHold();
    if (held >= cap && isFullAnswer) {
      this.#refusedWhenFull += 1;
      this.#fullUntil = window.to + COUNT_EVERY_MS;
      return;
    }
    // 429 may be about the rate.
    if (status === TOO_MANY) return;
    const why =
      status === FULL
        ? `refused with 503 while it could hold no more than ${formatCount(held, 'session')} of ${cap}: slots are not given back`
        : `refused with ${status}: a target that is full says 503 or 429, and when to come back`;
    this.#refusedWrongly.add(() => ({
      session: book.session,
      fromMs: window.from,
      toMs: window.to,
      byMs: null,
      why,
    }));
  }

  report(): LedgerReport['cap'] {
    return {
      most: this.#most,
      refusedWhenFull: this.#refusedWhenFull,
      exceeded: this.#exceeded.list(),
      refusedWrongly: this.#refusedWrongly.list(),
    };
  }
}
