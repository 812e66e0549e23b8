import type { Attempts } from './attempts.ts';
import { Findings } from './findings.ts';
import { formatMoment } from './format.ts';
import { covers, explainMay, explainMust, mayUntil, toleratedUntil } from './protection.ts';
import { NEVER, type Rules } from './rules.ts';
import type { SessionBook, Window } from './session-book.ts';

/** Who broke the policy: sessions lost though they had to live, and leaked though they had to be gone. */
export class Accusations {
  readonly lost = new Findings();
  readonly leaked = new Findings();
  readonly #rules: Rules;
  readonly #attempts: Attempts;
  /** Sessions without a book that were found again: they count once. */
  readonly #ghosts = new Set<number>();

  constructor(rules: Rules, attempts: Attempts) {
    this.#rules = rules;
    this.#attempts = attempts;
  }

  /** Leaked sessions that have no book any more. */
  get ghosts(): number {
    return this.#ghosts.size;
  }

  /** The session was not there in this window. Lost, unless it was free to go. */
  missed(book: SessionBook, window: Window): void {
    if (book.isLost || book.isExcused) return;
    const eviction = this.#attempts.eviction(book, window.to);
    const isOwed = covers(book, window, this.#rules, 'hopeful');
    if (eviction === 'possible' || !isOwed) {
      book.isExcused = eviction !== 'impossible';
      return;
    }
    const why = explainMust(book, window);
    const isExcusedIfIdle = eviction === 'if-answered';
    if (!isExcusedIfIdle && covers(book, window, this.#rules, 'firm')) this.#lose(book, window, why);
    else book.suspicion ??= { window, why, isExcusedIfIdle };
  }

  /** Something happened at `at`: that may settle what was only suspected. `isFinal`: nothing more will happen. */
  review(book: SessionBook, at: number, isFinal = false): void {
    const { suspicion } = book;
    if (!suspicion) return;
    const { window, why, isExcusedIfIdle } = suspicion;
    if (isExcusedIfIdle && !isFinal && at <= window.to + this.#rules.epsilonMs) {
      book.isExcused = book.busySince === NEVER;
      if (book.isExcused) book.suspicion = null;
      return;
    }
    if (covers(book, window, this.#rules, isFinal ? 'sound' : 'firm')) this.#lose(book, window, why);
    else if (!isFinal && covers(book, window, this.#rules, 'hopeful')) return;
    book.suspicion = null;
  }

  /** The session was there in this window. Leaked, if it was tolerated at no instant of it. */
  seen(book: SessionBook, window: Window, how: string): void {
    const until = mayUntil(book, this.#rules);
    if (until >= window.from || book.isLeaked) return;
    book.isLeaked = true;
    this.leaked.add(() => ({
      session: book.session,
      fromMs: window.from,
      toMs: window.to,
      byMs: window.from - until,
      why: `${how} after its end: ${explainMay(book, this.#rules)}`,
    }));
  }

  /** A session was there whose book is closed: its may ended before any look that is still to come. */
  seenGhost(session: number, window: Window, how: string): void {
    if (window.from < this.#attempts.retiredBefore || this.#ghosts.has(session)) return;
    this.#ghosts.add(session);
    const ended = formatMoment(this.#attempts.retiredBefore);
    this.leaked.add(() => ({
      session,
      fromMs: window.from,
      toMs: window.to,
      byMs: null,
      why: `${how} long after its end (before ${ended})`,
    }));
  }

  /** More or fewer sessions than the policy allows, and no way to tell which. */
  miscounted(kind: 'lost' | 'leaked', window: Window, why: string): void {
    this[kind].add(() => ({ session: null, fromMs: window.from, toMs: window.to, byMs: null, why }));
  }

  #lose(book: SessionBook, window: Window, why: string): void {
    book.isLost = true;
    const until = Math.min(toleratedUntil(book, this.#rules), book.firmUntil);
    this.lost.add(() => ({
      session: book.session,
      fromMs: window.from,
      toMs: window.to,
      byMs: until === NEVER || until < window.to ? null : until - window.to,
      why: `gone, though ${why}`,
    }));
  }
}
