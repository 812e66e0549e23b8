import { mayUntil } from './protection.ts';
import { NEVER, type Rules } from './rules.ts';
import { SessionBook } from './session-book.ts';

/** Most attempts in one run: about 100 bytes stay behind for each, to recognise it when it is leaked. */
export const MAX_ATTEMPTS = 2_000_000;

/**
 * The table of attempts: a book for each that may still matter, and the fingerprints of all, so that a
 * session listed after its end is recognised as ours.
 */
export class Attempts {
  readonly #rules: Rules;
  readonly #books = new Map<number, SessionBook>();
  readonly #sessionOf = new Map<string, number>();
  /** Most sessions the target may have held, now and at the last moment when that reached the cap. */
  #fullUntil = Number.NEGATIVE_INFINITY;
  #begun = 0;
  /** Books whose may ended before this are gone: a look at an earlier moment cannot be held against them. */
  #retiredBefore = Number.NEGATIVE_INFINITY;
  /** Two sessions that were given the same id. */
  duplicateIds = 0;
  /** Sessions that count towards the cap and have no book: foreign ones, and leaked ones. */
  others = 0;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  get begun(): number {
    return this.#begun;
  }

  get retiredBefore(): number {
    return this.#retiredBefore;
  }

  get size(): number {
    return this.#books.size;
  }

  begin(session: number, at: number, timeoutMs: number): SessionBook {
    if (this.#books.has(session)) {
      throw new RangeError(
        `session ${session} began twice; the number of an attempt must be unique in a run`,
      );
    }
    if (this.#begun >= MAX_ATTEMPTS) {
      throw new RangeError(
        `the ledger keeps books on at most ${MAX_ATTEMPTS} attempts at a session, got one more; make the run shorter or split it`,
      );
    }
    this.#begun += 1;
    const book = new SessionBook(session, at, timeoutMs);
    this.#books.set(session, book);
    this.noteSize(at);
    return book;
  }

  name(book: SessionBook, fingerprint: string): void {
    const former = this.#books.get(this.#sessionOf.get(fingerprint) ?? Number.NaN);
    if (this.#sessionOf.has(fingerprint)) this.duplicateIds += 1;
    // Only one of the two can be told from a listing: the younger.
    if (former) former.fingerprint = null;
    this.#sessionOf.set(fingerprint, book.session);
  }

  get(session: number): SessionBook | undefined {
    return this.#books.get(session);
  }

  sessionOf(fingerprint: string): number | undefined {
    return this.#sessionOf.get(fingerprint);
  }

  books(): IterableIterator<SessionBook> {
    return this.#books.values();
  }

  /** Drops the books that cannot matter to a look at `before` or later; each is handed to `farewell`. */
  retire(before: number, farewell: (book: SessionBook) => void): void {
    this.#retiredBefore = Math.max(this.#retiredBefore, before);
    for (const book of this.#books.values()) {
      const isStillThere = book.isLeaked && book.goneSeenAt === NEVER;
      if (!book.isDone || isStillThere || book.suspicion || mayUntil(book, this.#rules) >= before) continue;
      farewell(book);
      this.noteSize(before);
      this.#books.delete(book.session);
    }
  }

  /** To be called before the table shrinks and after it grew. */
  noteSize(at: number): void {
    if (this.#books.size + this.others >= this.#rules.evictsAt)
      this.#fullUntil = Math.max(this.#fullUntil, at);
  }

  /** A sample showed the target at its cap. */
  noteFull(at: number): void {
    this.#fullUntil = Math.max(this.#fullUntil, at);
  }

  /**
   * Whether the target may have evicted this session since it was last known to live: it was at its cap
   * (as far as the ledger can tell), and the session was idle for a moment. `if-answered`: only if the call
   * that is in flight turns out to have been over, its answer on the way.
   */
  eviction(book: SessionBook, at: number): 'possible' | 'impossible' | 'if-answered' {
    const { evictsAt, epsilonMs, openStreamProtects } = this.#rules;
    if (evictsAt === NEVER) return 'impossible';
    this.noteSize(at);
    const lastAlive = Math.max(book.lastServedSentAt, book.lastSeenAt);
    if (this.#fullUntil < lastAlive) return 'impossible';
    if (book.busySince > lastAlive - epsilonMs) return 'possible';
    return openStreamProtects && book.streams.length > 0 ? 'impossible' : 'if-answered';
  }
}
