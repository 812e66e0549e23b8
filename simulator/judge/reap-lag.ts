import { Findings } from './findings.ts';
import { formatLength, formatMoment } from './format.ts';
import type { LedgerReport } from './ledger-report.ts';
import { explainMay, toleratedUntil } from './protection.ts';
import { ReapHistogram, type ReapRule } from './reap-histogram.ts';
import { NEVER, type Rules } from './rules.ts';
import type { SessionBook } from './session-book.ts';

export type ReapVerdict = 'early' | 'late' | 'certified' | 'too-coarse';

/**
 * How late sessions end that nobody ended. The end lies between the last look that showed the session and
 * the first that did not; the last use between the send of the last served request and its answer.
 *
 *   early      gone (+ ε) before lastServed.sent + T, or while a stream or a call obliged the target to hold it
 *   late       seen after its may ended
 *   certified  seen when nothing obliged the target any more, lastServed.answered + T (− ε) or later,
 *              and gone before its may ended
 *
 * Where looks are too coarse, the end of the session's own stream may certify it: the target ended the stream when
 * the session was due, and the first that is heard of the session after that is that it is gone. It accuses nobody:
 * a target may end a stream and keep the session (to have it opened again, F25), so that neither an early nor a late
 * end follows from it.
 */
export class ReapLag {
  readonly #rules: Rules;
  readonly #onReapLag: ((hiMs: number) => void) | undefined;
  readonly #wrong = new Findings();
  readonly #histogram = new ReapHistogram();
  readonly #counts: Record<ReapVerdict, number> = { early: 0, late: 0, certified: 0, 'too-coarse': 0 };
  #inTime = 0;
  #maxHiMs: number | null = null;

  constructor(rules: Rules, onReapLag?: (hiMs: number) => void) {
    this.#rules = rules;
    this.#onReapLag = onReapLag;
  }

  /** To be called once nothing more can become known of the session; a second call does nothing. */
  settle(book: SessionBook): void {
    if (book.isReapRecorded || !isReapable(book)) return;
    const isGone = book.goneSeenAt !== NEVER;
    const verdict = judge(book, this.#rules);
    if (!isGone && verdict !== 'late') return;
    book.isReapRecorded = true;
    this.#counts[verdict] += 1;
    this.#draw(book, verdict, isGone);
    if (isGone) {
      const endedBy = verdict === 'certified' ? (streamTold(book) ?? book.goneSeenAt) : book.goneSeenAt;
      const hiMs = Math.max(0, endedBy - book.lastUseAt);
      if (endedBy <= toleratedUntil(book, this.#rules)) this.#inTime += 1;
      this.#maxHiMs = Math.max(this.#maxHiMs ?? hiMs, hiMs);
      this.#onReapLag?.(hiMs);
    }
    if (verdict === 'early' || verdict === 'late') this.#accuse(book, verdict);
  }

  report(): LedgerReport['reapLag'] {
    const { early, late, certified, 'too-coarse': tooCoarse } = this.#counts;
    const { inTime, maxHiMs } = { inTime: this.#inTime, maxHiMs: this.#maxHiMs };
    const groups = this.#histogram.groups();
    return { early, late, certified, tooCoarse, inTime, maxHiMs, wrong: this.#wrong.list(), groups };
  }

  #draw(book: SessionBook, verdict: ReapVerdict, isGone: boolean): void {
    this.#histogram.add({
      rule: ruleOf(book, this.#rules),
      timeoutMs: book.timeoutMs,
      fromMs: due(book, this.#rules) - book.lastUseAt,
      toMs: toleratedUntil(book, this.#rules) - book.lastUseAt,
      goneMs: isGone ? book.goneSeenAt - book.lastUseAt : undefined,
      verdict: verdict === 'too-coarse' ? 'tooCoarse' : verdict,
    });
  }

  #accuse(book: SessionBook, verdict: 'early' | 'late'): void {
    const end = toleratedUntil(book, this.#rules);
    this.#wrong.add(() => ({
      session: book.session,
      fromMs: Math.max(book.lastSeenAt, book.openedAt),
      toMs: book.goneSeenAt === NEVER ? book.lastSeenAt : book.goneSeenAt,
      byMs: verdict === 'late' ? book.lastSeenAt - end : finite(due(book, this.#rules) - book.goneSeenAt),
      why:
        verdict === 'late'
          ? `late: ${explainMay(book, this.#rules)}, still there at ${formatMoment(book.lastSeenAt)}`
          : `early: ${explainDue(book, this.#rules)}, gone at ${formatMoment(book.goneSeenAt)}`,
    }));
  }
}

function judge(book: SessionBook, rules: Rules): ReapVerdict {
  const tolerated = toleratedUntil(book, rules);
  if (book.lastSeenAt > tolerated) return 'late';
  const isOwed = book.goneSeenAt < book.cutAt;
  if (isOwed && book.goneSeenAt + rules.epsilonMs < due(book, rules)) return 'early';
  const dueAt = surelyDue(book, rules) - rules.epsilonMs;
  if (book.lastSeenAt >= dueAt && book.goneSeenAt <= tolerated) return 'certified';
  const endedAt = streamTold(book);
  return endedAt !== null && endedAt >= dueAt && endedAt <= tolerated ? 'certified' : 'too-coarse';
}

/** When the target ended the session's last stream, if nothing is known of the session after that but its end. */
function streamTold({ streamEndedAt, lastSeenAt, goneSeenAt }: SessionBook): number | null {
  return lastSeenAt <= streamEndedAt && streamEndedAt <= goneSeenAt ? streamEndedAt : null;
}

/** The first instant at which the target may have ended the session. */
function due(book: SessionBook, rules: Rules): number {
  return Math.max(idleDue(book, rules), obligedUntil(book));
}

function idleDue(book: SessionBook, rules: Rules): number {
  const handshakeDue = book.isHandshakeDone ? NEVER : book.initializeSentAt + rules.handshakeMs;
  return Math.min(book.lastServedSentAt + book.timeoutMs, handshakeDue, book.streamLostUntil);
}

/** Until when a stream or a call in flight, too, held the session that was seen gone. */
function obligedUntil({ firmFrom, firmUntil, goneSeenAt }: SessionBook): number {
  return firmFrom <= goneSeenAt ? firmUntil : Number.NEGATIVE_INFINITY;
}

function explainDue(book: SessionBook, rules: Rules): string {
  if (obligedUntil(book) > idleDue(book, rules)) {
    return `a stream or a call in flight protected it until ${formatMoment(book.firmUntil)}`;
  }
  const sentAt = formatMoment(book.lastServedSentAt);
  return `last served request was sent at ${sentAt}, T = ${formatLength(book.timeoutMs)}`;
}

/** The same, counted from when the last use was surely over. */
function surelyDue(book: SessionBook, rules: Rules): number {
  const handshakeDue = book.isHandshakeDone ? NEVER : book.openedAt + rules.handshakeMs;
  const idle = Math.min(book.lastServedAt + book.timeoutMs, handshakeDue, book.streamLostUntil);
  return Math.max(idle, obligedUntil(book));
}

/** Which promise was the last to run out. A stream counts where it may have kept the session in use for longer. */
function ruleOf(book: SessionBook, rules: Rules): ReapRule {
  if (!book.isHandshakeDone) return 'handshake';
  return book.lastActivityAt - book.lastUseAt > rules.epsilonMs + LEAST_STREAM_MS ? 'stream' : 'idle';
}

/** A session is in use beyond its last request only for the time of an answer, unless a stream held it. */
const LEAST_STREAM_MS = 1_000;

/** Ended by neither DELETE, the target's exit nor an eviction, as far as can be known. */
function isReapable(book: SessionBook): boolean {
  if (book.initialize !== 'open' || book.isExcused) return false;
  if (book.deletion === 'sent' || book.deletion === 'lost') return false;
  if (book.knownEnd !== null && book.knownEnd !== 'not-found') return false;
  return book.goneSeenAt === NEVER || book.goneSeenAt < book.cutAt || book.cutBy === 'delete';
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}
