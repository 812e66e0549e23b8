import { Accusations } from './accusations.ts';
import { Attempts } from './attempts.ts';
import { Books } from './books.ts';
import { CapBooks } from './cap-books.ts';
import { Cycles } from './cycles.ts';
import { Ends, isUnseen } from './ends.ts';
import { type Foreign, Foreigners } from './foreign.ts';
import { formatMoment } from './format.ts';
import { LateProbes } from './late-probes.ts';
import type { LedgerReport } from './ledger-report.ts';
import { judgeCount, judgeListing, listingOf } from './looks.ts';
import { type Policy, timeoutFor } from './policy.ts';
import { covers, mayUntil, mayWithin } from './protection.ts';
import { ReapLag } from './reap-lag.ts';
import { NEVER, type Rules, rulesOf } from './rules.ts';
import type { SessionBook, Window } from './session-book.ts';
import type { SessionEvent, SessionSample, TargetEvent } from './session-event.ts';
import * as rule from './session-rules.ts';
import { Strangers } from './strangers.ts';

export interface LedgerOptions {
  readonly policy: Policy;
  /** ε: how far neither side is blamed, ms. 0 in virtual time. */
  readonly epsilonMs: number;
  /** Called once per session that ended by itself: upper bound of the time from its last use to its end, ms. */
  readonly onReapLag?: (hiMs: number) => void;
}

/** Where nobody samples the target, books that ended this long ago are closed, ms … */
const RETENTION_MS = 60_000;
/** … as soon as there are this many. */
const COMPACT_AT = 65_536;

/**
 * The simulator's own books on every attempt at a session, and what samples of the target say about them.
 * An incremental fold: events in order of time; a sample after all events up to its `receivedAt` (later
 * is fine, earlier is counted as `lateEvents`).
 */
export class Ledger {
  readonly #policy: Policy;
  readonly #rules: Rules;
  readonly #attempts: Attempts;
  readonly #accusations: Accusations;
  readonly #reapLag: ReapLag;
  readonly #strangers = new Strangers();
  readonly #books = new Books();
  readonly #ends = new Ends();
  readonly #cap: CapBooks;
  readonly #cycles = new Cycles();
  readonly #foreigners = new Foreigners();
  readonly #probes = new LateProbes();
  readonly #samples = { listed: 0, counted: 0, partial: 0 };
  readonly #counts = { maxDeficit: 0, maxExcess: 0 };
  #live = 0;
  #signalledAt = NEVER;
  #lastLookAt = Number.NEGATIVE_INFINITY;
  #lateEvents = 0;
  #compactAt = COMPACT_AT;
  #report: LedgerReport | null = null;

  constructor({ policy, epsilonMs, onReapLag }: LedgerOptions) {
    this.#policy = policy;
    this.#rules = rulesOf(policy, epsilonMs);
    this.#cap = new CapBooks(policy);
    this.#attempts = new Attempts(this.#rules);
    this.#accusations = new Accusations(this.#rules, this.#attempts);
    this.#reapLag = new ReapLag(this.#rules, onReapLag);
  }

  /** The machine turned out to be slower than thought: neither side is blamed for this much, ms. Never less again. */
  widenEpsilon(epsilonMs: number): void {
    this.#rules.epsilonMs = Math.max(this.#rules.epsilonMs, epsilonMs);
  }

  /** Throws RangeError when a session number is used twice, or beyond MAX_ATTEMPTS. */
  record(event: SessionEvent): void {
    if (event.at < this.#lastLookAt) this.#lateEvents += 1;
    const book = this.#attempts.get(event.session);
    if (event.kind === 'initialize-sent') this.#begin(event);
    else if (!book) this.#probes.record(event, this.#accusations);
    else {
      this.#apply(book, event);
      this.#accusations.review(book, event.at);
    }
  }

  target(event: TargetEvent): void {
    if (event.kind === 'signalled') {
      this.#signalledAt = Math.min(this.#signalledAt, event.at);
      for (const book of this.#attempts.books()) rule.released(book, event.at);
      return;
    }
    // Whoever answers after this is a new target, under the full policy again.
    this.#signalledAt = NEVER;
    this.#books.targetExited();
    for (const book of this.#attempts.books()) {
      this.#accusations.review(book, event.at, true);
      rule.released(book, event.at);
      this.#end(book, event.at, 'exit');
    }
  }

  /** Sessions of others, where the run does not see them for itself in a sample before its first attempt. */
  setForeign(foreign: Foreign): void {
    this.#foreigners.state(foreign);
    this.#countOthers();
  }

  sample(sample: SessionSample): void {
    const window = { from: sample.sentAt - sample.stalenessMs, to: sample.receivedAt };
    this.#lastLookAt = Math.max(this.#lastLookAt, window.to);
    this.#books.sample(sample, window, this.#attempts.books());
    if (this.#attempts.begun === 0) this.#foreigners.learn(sample, this.#strangers);
    if (sample.count >= this.#rules.evictsAt) this.#attempts.noteFull(window.to);
    this.#cap.sample(sample.count, window);
    this.#judge(sample, window);
    this.#countOthers();
    this.#attempts.retire(window.from, (book) => this.#farewell(book, { isLooked: true, isOver: true }));
  }

  /** A sample taken when all sessions of a cycle were undone and had time to go: it must show none of ours. */
  endOfCycle(sample: SessionSample): void {
    const window = { from: sample.sentAt - sample.stalenessMs, to: sample.receivedAt };
    const tolerated = this.#within(window);
    this.sample(sample);
    this.#cycles.end(window, { left: this.#foreigners.oursOf(sample.count), tolerated });
  }

  /** How many sessions must, and how many may, live at this moment. O(live). */
  bounds(at: number): { must: number; may: number } {
    const window = { from: at, to: at };
    let must = 0;
    for (const book of this.#attempts.books()) {
      if (book.knownEnd === null && covers(book, window, this.#rules, 'hopeful')) must += 1;
    }
    return { must, may: this.#within(window) };
  }

  /** Sessions opened and not known to have ended. */
  live(): number {
    return this.#live;
  }

  /** The latest instant at which the target is tolerated to hold any session; null: for ever. O(live). */
  lastDeadline(): number | null {
    let last = 0;
    for (const book of this.#attempts.books()) last = Math.max(last, mayUntil(book, this.#rules));
    return last === NEVER ? null : last;
  }

  /** Whether the target may hold none of our sessions any more. O(live). */
  settled(at: number): boolean {
    const deadline = this.lastDeadline();
    return deadline !== null && deadline < at;
  }

  /** Sessions whose end is due and that nobody saw end: a final probe must be answered 404. */
  unseenEnds(at: number): readonly number[] {
    const unseen = [...this.#ends.unseen];
    for (const book of this.#attempts.books()) {
      if (isUnseen(book) && mayUntil(book, this.#rules) < at) unseen.push(book.session);
    }
    return unseen;
  }

  /** The books are closed: what is undecided is decided now. Further calls return the same report. */
  close(at: number): LedgerReport {
    this.#report ??= this.#closeAt(at);
    return this.#report;
  }

  #begin({ session, at, clientName }: SessionEvent & { kind: 'initialize-sent' }): void {
    if (this.#attempts.size >= this.#compactAt) {
      this.#attempts.retire(at - RETENTION_MS, (book) =>
        this.#farewell(book, { isLooked: false, isOver: true }),
      );
      this.#compactAt = Math.max(COMPACT_AT, 2 * this.#attempts.size);
    }
    this.#books.attempted += 1;
    const book = this.#attempts.begin(session, at, timeoutFor(this.#policy, clientName) ?? NEVER);
    if (this.#signalledAt !== NEVER) rule.released(book, this.#signalledAt);
  }

  #apply(book: SessionBook, event: SessionEvent): void {
    const { at } = event;
    switch (event.kind) {
      case 'initialize-sent':
        break;
      case 'initialize-answered':
        this.#opened(book, at, event.fingerprint);
        break;
      case 'initialize-refused':
        this.#refused(book, at, event.status);
        break;
      case 'initialize-lost':
        this.#books.lost += 1;
        rule.initializeLost(book, at, event.longestMs);
        break;
      case 'request-sent':
        rule.requestSent(
          book,
          { id: event.request, at, handshake: event.handshake, isPartial: event.isPartial ?? false },
          this.#rules,
        );
        break;
      case 'request-answered':
        this.#answered(book, event.request, at, event.gone);
        break;
      case 'request-aborted': {
        const request = rule.take(book.requests, event.request);
        if (request) rule.requestAborted(book, request, at, event.longestMs, this.#rules);
        rule.settleBusy(book, this.#rules);
        break;
      }
      case 'stream-opened':
        rule.streamOpened(book, event.stream, at, this.#rules);
        break;
      case 'stream-closed': {
        const stream = rule.take(book.streams, event.stream);
        if (stream) rule.streamClosed(book, stream, at, event.by, this.#rules);
        rule.settleBusy(book, this.#rules);
        break;
      }
      case 'delete-sent':
        this.#books.deletesSent += 1;
        rule.deleteSent(book, at);
        break;
      case 'delete-answered':
        this.#deleteAnswered(book, at, event.status);
        break;
      case 'delete-lost':
        rule.deleteFailed(book, at, 'lost');
        break;
      case 'abandoned':
        rule.abandoned(book, at, event.how === 'frozen', this.#rules);
        if (book.goneSeenAt !== NEVER && !book.suspicion) this.#reapLag.settle(book);
        break;
      default:
        event satisfies never;
    }
  }

  #refused(book: SessionBook, at: number, status: number): void {
    book.initialize = 'refused';
    this.#books.refused += 1;
    this.#end(book, at, 'refused');
    // Its own slot is none of those that it found taken.
    const window = { from: book.initializeSentAt, to: at };
    this.#cap.refused(book, window, status, () => this.#within(window) - 1 + this.#foreigners.before);
  }

  #opened(book: SessionBook, at: number, fingerprint: string): void {
    if (book.initialize !== 'pending') return;
    this.#books.opened += 1;
    rule.opened(book, at, fingerprint, this.#rules);
    this.#attempts.name(book, fingerprint);
    const sighting = this.#strangers.recognise(fingerprint);
    if (sighting) book.lastSeenAt = sighting.lastFrom;
    if (book.knownEnd === null) this.#setLive(book, true);
  }

  #answered(book: SessionBook, id: number, at: number, isGone: boolean): void {
    const request = rule.take(book.requests, id);
    if (!request) return;
    const window = { from: request.at, to: at };
    if (isGone) {
      if (mayUntil(book, this.#rules) < request.at) this.#probes.notFound += 1;
      book.goneSeenAt = Math.min(book.goneSeenAt, at);
      this.#accusations.missed(book, window);
      this.#end(book, at, 'not-found');
    } else {
      // A session that had ended for the client, and one that was missing, would still be there.
      this.#accusations.seen(book, window, 'answered a request');
      rule.requestServed(book, request, at, this.#rules);
      this.#setPresence(book, true, request.at);
    }
    rule.settleBusy(book, this.#rules);
  }

  #deleteAnswered(book: SessionBook, at: number, status: number): void {
    if (status === 404) {
      this.#books.deletesNotFound += 1;
      book.goneSeenAt = Math.min(book.goneSeenAt, at);
      this.#end(book, at, 'not-found');
    } else if (status >= 200 && status < 300) {
      // Two at once may both be told that it is done; it is one session that ended.
      if (book.knownEnd !== 'delete') this.#books.deletesConfirmed += 1;
      this.#end(book, at, 'delete');
    } else rule.deleteFailed(book, at, 'refused');
  }

  #judge(sample: SessionSample, window: Window): void {
    const known = {
      rules: this.#rules,
      attempts: this.#attempts,
      strangers: this.#strangers,
      accusations: this.#accusations,
      reapLag: this.#reapLag,
      onPresence: (book: SessionBook, isThere: boolean) => this.#setPresence(book, isThere, window.from),
    };
    const listing = listingOf(sample);
    const number = this.#samples.listed + this.#samples.partial + 1;
    if (listing) judgeListing(known, window, { ...listing, sample: number });
    if (listing?.isPartial) this.#samples.partial += 1;
    if (listing && !listing.isPartial) {
      this.#samples.listed += 1;
      return;
    }
    this.#samples.counted += 1;
    if (!this.#foreigners.isSteady) return;
    const { deficit, excess } = judgeCount(known, window, {
      observed: this.#foreigners.oursOf(sample.count),
    });
    this.#counts.maxDeficit = Math.max(this.#counts.maxDeficit, deficit);
    this.#counts.maxExcess = Math.max(this.#counts.maxExcess, excess);
  }

  #end(book: SessionBook, at: number, how: 'delete' | 'not-found' | 'exit' | 'refused'): void {
    if (book.knownEnd !== null) return;
    rule.ended(book, at, how);
    this.#setLive(book, false);
    if (how === 'not-found' && !book.suspicion) this.#reapLag.settle(book);
  }

  /** The session was there (at some instant since `since`), or was missing. */
  #setPresence(book: SessionBook, isThere: boolean, since: number): void {
    const isBack = isThere && book.goneSeenAt <= since;
    if (isBack && !book.isReapRecorded) {
      book.goneSeenAt = NEVER;
      book.isExcused = false;
    }
    if (book.knownEnd === null && (isBack || !isThere)) this.#setLive(book, isThere);
  }

  #setLive(book: SessionBook, isLive: boolean): void {
    if (book.isLive !== isLive) this.#live += isLive ? 1 : -1;
    book.isLive = isLive;
  }

  /** A book closes: its end goes into the account. */
  #farewell(book: SessionBook, looks: { isLooked: boolean; isOver: boolean }): void {
    this.#reapLag.settle(book);
    this.#ends.close(book, looks);
    const isNameless = book.initialize !== 'open';
    if (isNameless && (book.initialize === 'lost' || !this.#strangers.isEmpty)) {
      this.#strangers.explain({ from: book.initializeSentAt, until: mayUntil(book, this.#rules) });
    }
    this.#setLive(book, false);
  }

  #within(window: Window): number {
    let may = 0;
    for (const book of this.#attempts.books()) if (mayWithin(book, window, this.#rules)) may += 1;
    return may;
  }

  #countOthers(): void {
    this.#attempts.others = this.#foreigners.before + this.#accusations.ghosts;
  }

  #closeAt(at: number): LedgerReport {
    for (const book of this.#attempts.books()) {
      this.#accusations.review(book, at, true);
      const until = mayUntil(book, this.#rules);
      this.#farewell(book, { isLooked: until < this.#lastLookAt, isOver: until < at });
    }
    const { isAlone } = this.#foreigners;
    const strangers = this.#strangers.unexplained();
    for (const { firstTo, lastFrom } of isAlone ? strangers : []) {
      const why = `listed at ${formatMoment(firstTo)}, and no initialize explains it`;
      const byMs = null;
      this.#accusations.leaked.add(() => ({ session: null, fromMs: firstTo, toMs: lastFrom, byMs, why }));
    }
    const { attempted, opened, refused, lost } = this.#books;
    return {
      attempts: { begun: attempted, opened, refused, lost, unanswered: attempted - opened - refused - lost },
      ...this.#ends.report(),
      samples: { ...this.#samples },
      probesNotFound: this.#probes.notFound,
      lost: this.#accusations.lost.list(this.#counts.maxDeficit),
      leaked: this.#accusations.leaked.list(this.#counts.maxExcess),
      counts: { ...this.#counts },
      strangers: strangers.length,
      foreign: this.#foreigners.report(),
      reapLag: this.#reapLag.report(),
      books: this.#books.rows({ isAlone, duplicateIds: this.#attempts.duplicateIds }),
      cycles: this.#cycles.report(),
      cap: this.#cap.report(),
      lateEvents: this.#lateEvents,
    };
  }
}
