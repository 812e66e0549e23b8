import type { Accusations } from './accusations.ts';
import type { Attempts } from './attempts.ts';
import { formatCount, grouped } from './format.ts';
import { covers, mayWithin } from './protection.ts';
import type { ReapLag } from './reap-lag.ts';
import { NEVER, type Rules } from './rules.ts';
import type { SessionBook, Window } from './session-book.ts';
import type { SessionSample } from './session-event.ts';
import type { Strangers } from './strangers.ts';

/** What a look at the target is held against. */
export interface Known {
  readonly rules: Rules;
  readonly attempts: Attempts;
  readonly strangers: Strangers;
  readonly accusations: Accusations;
  readonly reapLag: ReapLag;
  /** Whether the session is there. */
  readonly onPresence: (book: SessionBook, isThere: boolean) => void;
}

/** must ⊆ observed ⊆ may, as sets. A partial listing shows only who is there. */
export function judgeListing(
  { rules, attempts, strangers, accusations, reapLag, onPresence }: Known,
  window: Window,
  { listed, sample, isPartial }: { listed: ReadonlySet<string>; sample: number; isPartial: boolean },
): void {
  for (const fingerprint of listed) {
    const session = attempts.sessionOf(fingerprint);
    if (session === undefined) {
      strangers.see(fingerprint, window);
      continue;
    }
    const book = attempts.get(session);
    if (!book) {
      accusations.seenGhost(session, window, 'listed');
      continue;
    }
    book.seenIn = sample;
    book.lastSeenAt = Math.max(book.lastSeenAt, window.from);
    onPresence(book, true);
    accusations.seen(book, window, 'listed');
    book.isWatched ||= covers(book, window, rules, 'firm');
  }
  if (isPartial) return;
  for (const book of attempts.books()) {
    if (book.seenIn === sample || book.fingerprint === null || book.openedAt >= window.from) continue;
    book.goneSeenAt = Math.min(book.goneSeenAt, window.to);
    onPresence(book, false);
    book.isWatched ||= covers(book, window, rules, 'firm');
    accusations.missed(book, window);
    if (book.isDone && book.suspicion === null) reapLag.settle(book);
  }
}

/** |must| ≤ observed − foreign ≤ |may|, where the target only counts. Requests without answer oblige nothing here. */
export function judgeCount(
  { rules, attempts, accusations }: Known,
  window: Window,
  { observed }: { observed: number },
): { deficit: number; excess: number } {
  const { must, may } = bounds(attempts, rules, window);
  // Of a look into the past, books closed since then are missing: it cannot show that there are too many.
  const isBehind = window.from < attempts.retiredBefore;
  const [deficit, excess] = [Math.max(0, must - observed), isBehind ? 0 : Math.max(0, observed - may)];
  const counted = `the target counted ${formatCount(observed, 'session')}`;
  if (deficit > 0)
    accusations.miscounted('lost', window, `${counted}, at least ${grouped(must)} had to live`);
  if (excess > 0)
    accusations.miscounted('leaked', window, `${counted}, at most ${grouped(may)} were tolerated`);
  return { deficit, excess };
}

function bounds(attempts: Attempts, rules: Rules, window: Window): { must: number; may: number } {
  let must = 0;
  let may = 0;
  for (const book of attempts.books()) {
    if (mayWithin(book, window, rules)) may += 1;
    if (book.openedAt === NEVER || !covers(book, window, rules, 'firm')) continue;
    book.isWatched = true;
    if (book.knownEnd === null && !book.isLost && attempts.eviction(book, window.to) === 'impossible')
      must += 1;
  }
  return { must, may };
}

/** The fingerprints a sample lists, and whether they are all there are. */
export function listingOf({
  listed,
  count,
}: SessionSample): { isPartial: boolean; listed: ReadonlySet<string> } | null {
  return listed ? { listed, isPartial: listed.size < count } : null;
}
