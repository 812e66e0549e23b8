import { formatLength, formatMoment } from './format.ts';
import { NEVER, type Rules } from './rules.ts';
import type { SessionBook, Window } from './session-book.ts';

/**
 * How far the reading of *must* trusts requests that have no answer yet:
 * `firm` not at all · `sound` those that left while the session was protected, as calls in flight ·
 * `hopeful` all of them, as if they were going to be served.
 */
export type Trust = 'firm' | 'sound' | 'hopeful';

/** Adds an obligation of the target, [from, until), to what the book already holds. */
export function oblige(book: SessionBook, from: number, until: number, rules: Rules): void {
  const end = Math.min(until, obligationCap(book, rules));
  if (end <= from) return;
  if (from >= book.firmUntil) {
    book.firmFrom = from;
    book.firmUntil = end;
  } else if (end >= book.firmFrom) {
    book.firmFrom = Math.min(book.firmFrom, from);
    book.firmUntil = Math.max(book.firmUntil, end);
  }
  // An older stretch, apart from the last one, is dropped: it can only make the ledger more lenient.
}

/** Until when a request sent at `sentAt`, once served, obliges the target to hold the session that is idle then. */
export function idleObligation(book: SessionBook, sentAt: number, rules: Rules): number {
  const until = sentAt + book.timeoutMs;
  return isAfterLoss(book, sentAt, rules) ? until : Math.min(until, book.streamLostUntil);
}

/** Whether the target hears what is sent now after it has found out that the stream was lost. */
export function isAfterLoss(book: SessionBook, sentAt: number, rules: Rules): boolean {
  return sentAt > book.streamLossKnownAt + rules.epsilonMs;
}

/**
 * Whether the target is obliged to hold the session at every instant of the window. Obligations that
 * run out by time must outlast it by ε. One that begins at an instant does not yet hold at it: what the
 * clock calls one instant the target may have done in the other order.
 */
export function covers(book: SessionBook, window: Window, rules: Rules, trust: Trust): boolean {
  if (book.cutAt <= window.to) return false;
  const goal = window.to + rules.epsilonMs;
  let reach = window.from;
  // Each turn adds one obligation that touches what is covered so far; there are only a handful.
  for (;;) {
    const next = Math.max(reach, farthest(book, reach, rules, trust));
    if (next > goal) return true;
    if (next === reach) return false;
    reach = next;
  }
}

/** The latest instant at which the target is tolerated to hold the session; `NEVER` when there is none. */
export function mayUntil(book: SessionBook, rules: Rules): number {
  return book.knownEndAt === NEVER ? toleratedUntil(book, rules) : book.knownEndAt;
}

/** The same by the rules of time alone, whatever is known of the session's end. */
export function toleratedUntil(book: SessionBook, rules: Rules): number {
  if (book.initialize === 'pending') return NEVER;
  const slack = rules.cleanupMs + rules.epsilonMs;
  const handshakeEnd = book.initializeEndAt + rules.handshakeMs + slack;
  if (!book.isHandshakeSent && rules.handshakeMs !== NEVER) return handshakeEnd;
  if (book.deletion === 'sent' || book.requests.length > 0 || book.streams.length > 0) return NEVER;
  const idleEnd = idleSince(book) + idleLimit(book, rules) + slack;
  // What completes the handshake may never have arrived: then H decides.
  const isHandshakeOpen = !book.isHandshakeDone && rules.handshakeMs !== NEVER;
  return isHandshakeOpen ? Math.max(idleEnd, handshakeEnd) : idleEnd;
}

/** From when on the client may be idle at the latest, and how long it may be: T, or S where its stream was lost then. */
function idleSince(book: SessionBook): number {
  return book.streamLossLastAt === NEVER ? book.lastActivityAt : book.streamLossLastAt;
}

function idleLimit(book: SessionBook, rules: Rules): number {
  return book.streamLossLastAt === NEVER ? book.timeoutMs : Math.min(book.timeoutMs, rules.streamLostMs);
}

/** Whether the window has an instant at which the target is tolerated to hold the session. */
export function mayWithin(book: SessionBook, window: Window, rules: Rules): boolean {
  return book.initializeSentAt <= window.to && mayUntil(book, rules) >= window.from;
}

/** Why the session had to live, in words. */
export function explainMust(book: SessionBook, window: Window): string {
  const call = book.requests.find((span) => span.at <= window.from);
  if (call) return `a call was in flight, sent at ${formatMoment(call.at)}`;
  const stream = book.streams.find((span) => span.at <= window.from);
  if (stream) return `its stream was open since ${formatMoment(stream.at)}`;
  if (book.timeoutMs === NEVER) return 'no idle timeout is promised';
  const served = `last served request was sent at ${formatMoment(book.lastServedSentAt)}`;
  return `${served}, T = ${formatLength(book.timeoutMs)}, protected until ${formatMoment(book.firmUntil)}`;
}

/** Why the session had to be gone, in words. */
export function explainMay(book: SessionBook, rules: Rules): string {
  const end = formatMoment(book.knownEndAt);
  if (book.knownEnd === 'delete') return `DELETE was answered 2xx at ${end}`;
  if (book.knownEnd === 'not-found') return `it was answered 404 at ${end}`;
  if (book.knownEnd === 'exit') return `the target exited at ${end}`;
  if (book.knownEnd === 'refused') return `its initialize was refused at ${end}`;
  const cleanup = formatLength(rules.cleanupMs);
  if (!book.isHandshakeSent && rules.handshakeMs !== NEVER) {
    const opened = formatMoment(book.initializeEndAt);
    return `handshake never completed since ${opened}, H = ${formatLength(rules.handshakeMs)}, C = ${cleanup}`;
  }
  const last = formatMoment(idleSince(book));
  if (idleLimit(book, rules) < book.timeoutMs) {
    const window = formatLength(rules.streamLostMs);
    return `its last stream was lost by ${last}, nothing came since, S = ${window}, C = ${cleanup}`;
  }
  return `last possible activity at ${last}, T = ${formatLength(book.timeoutMs)}, C = ${cleanup}`;
}

/** Whether the target is obliged to hold the session for a request that leaves now: all that is known happened before. */
export function holdsFor(book: SessionBook, at: number, rules: Rules): boolean {
  if (book.cutAt <= at) return false;
  if (book.firmFrom <= at && book.firmUntil > at + rules.epsilonMs) return true;
  const limit = Math.min(obligationCap(book, rules), book.quietAt);
  if (limit <= at + rules.epsilonMs) return false;
  const isCalled = rules.callProtects && book.requests.some((span) => span.isSound);
  return isCalled || (rules.openStreamProtects && book.streams.length > 0);
}

/** Until when obligations hold that began before `reach`. */
function farthest(book: SessionBook, reach: number, rules: Rules, trust: Trust): number {
  let until = book.firmFrom < reach ? book.firmUntil : Number.NEGATIVE_INFINITY;
  const end = trust === 'firm' ? obligationCap(book, rules) : hopefulCap(book, rules);
  if (rules.openStreamProtects) {
    for (const span of book.streams) if (span.at < reach) until = Math.max(until, end);
  }
  if (trust === 'firm') return until;
  for (const span of book.requests) {
    if (span.at >= reach || (trust === 'sound' && !span.isSound)) continue;
    if (rules.callProtects) until = Math.max(until, Math.min(end, book.quietAt));
    if (trust === 'hopeful') until = Math.max(until, Math.min(end, idleObligation(book, span.at, rules)));
  }
  return until;
}

/** No obligation outlasts H while the handshake is not known to be complete. */
function obligationCap(book: SessionBook, rules: Rules): number {
  return book.isHandshakeDone ? NEVER : book.initializeSentAt + rules.handshakeMs;
}

function hopefulCap(book: SessionBook, rules: Rules): number {
  const cap = obligationCap(book, rules);
  return book.requests.some((span) => span.handshake && span.at <= cap) ? NEVER : cap;
}
