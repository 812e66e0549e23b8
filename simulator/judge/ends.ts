import type { LedgerReport } from './ledger-report.ts';
import { NEVER } from './rules.ts';
import type { SessionBook } from './session-book.ts';

type EndName = keyof LedgerReport['ends'];

/** How the opened sessions ended, told when their books close. */
export class Ends {
  readonly #ends: Record<EndName, number> = {
    deleted: 0,
    notFound: 0,
    unlisted: 0,
    targetExit: 0,
    presumed: 0,
    live: 0,
  };
  readonly #unseen: number[] = [];
  #held = 0;
  #ended = 0;

  /** Closed sessions whose end nobody saw. */
  get unseen(): readonly number[] {
    return this.#unseen;
  }

  /** `isLooked`: a look came after its end. `isOver`: the policy tolerates it no longer. */
  close(book: SessionBook, { isLooked, isOver }: { isLooked: boolean; isOver: boolean }): void {
    if (book.isWatched) this.#held += 1;
    if (book.initialize !== 'open') return;
    if (isLooked) this.#ended += 1;
    if (isUnseen(book)) this.#unseen.push(book.session);
    this.#ends[endOf(book, isOver)] += 1;
  }

  report(): Pick<LedgerReport, 'ends' | 'judged'> {
    return { ends: { ...this.#ends }, judged: { held: this.#held, ended: this.#ended } };
  }
}

/** Nothing showed the end of this session, and nothing showed that it is overdue. */
export function isUnseen(book: SessionBook): boolean {
  return book.initialize === 'open' && book.knownEnd === null && book.goneSeenAt === NEVER && !book.isLeaked;
}

function endOf(book: SessionBook, isOver: boolean): EndName {
  if (book.knownEnd === 'delete') return 'deleted';
  if (book.knownEnd === 'not-found') return 'notFound';
  if (book.knownEnd === 'exit') return 'targetExit';
  if (book.goneSeenAt !== NEVER) return 'unlisted';
  return isOver ? 'presumed' : 'live';
}
