import { holdsFor, idleObligation, isAfterLoss, oblige } from './protection.ts';
import { NEVER, type Rules } from './rules.ts';
import type { KnownEnd, SessionBook, Span } from './session-book.ts';

/** Real clocks move on a little within one act of a client, ms. */
const SAME_MOMENT_MS = 1;

/*
 * What each event does to a book. `must` is fed by `oblige`, `may` by `lastActivityAt`:
 *
 *   event                          must                          last possible activity
 *   initialize answered            [answered, sent + T)          answered
 *   initialize lost                –                             sent + longest
 *   request served                 [sent, max(answered, sent+T)) answered
 *   request answered 404           –                             – (the session is over)
 *   request aborted                [sent, min(aborted, longest)) sent + longest
 *   stream closed by the client    [opened, closed)              closed
 *   stream vanished, abandoned     [opened, closed)              closed + D (or S alone)
 *   stream ended by the target     [opened, ended + T)           ended
 *   … where S ends sessions        what was before ends at + S   closed (+ D), and T becomes S
 *   DELETE sent                    ends for good                 –
 *   DELETE refused, lost           –                             that moment
 */

export function opened(book: SessionBook, at: number, fingerprint: string, rules: Rules): void {
  book.initialize = 'open';
  book.openedAt = at;
  book.initializeEndAt = at;
  book.fingerprint = fingerprint;
  book.lastServedAt = at;
  active(book, at);
  oblige(book, at, book.initializeSentAt + book.timeoutMs, rules);
}

export function initializeLost(book: SessionBook, at: number, longestMs: number): void {
  book.initialize = 'lost';
  book.initializeEndAt = Math.max(at, book.initializeSentAt + longestMs);
  active(book, book.initializeEndAt);
}

export function requestSent(
  book: SessionBook,
  { id, at, handshake, isPartial }: { id: number; at: number; handshake: boolean; isPartial: boolean },
  rules: Rules,
): void {
  const isSound = !isPartial && holdsFor(book, at, rules);
  if (handshake) book.isHandshakeSent = true;
  book.streamLossLastAt = NEVER;
  busy(book, at);
  book.requests.push({ id, at, handshake, isSound });
}

/** The request was answered, and not with 404: the target held the session when the request arrived. */
export function requestServed(book: SessionBook, request: Span, at: number, rules: Rules): void {
  if (request.handshake && !book.isHandshakeDone) handshakeDone(book, request.at, rules);
  const answered = request.at <= book.quietAt ? Math.min(at, book.quietAt) : at;
  const inFlightUntil = rules.callProtects ? answered : request.at;
  oblige(book, request.at, Math.max(inFlightUntil, idleObligation(book, request.at, rules)), rules);
  if (isAfterLoss(book, request.at, rules)) forgetLoss(book);
  book.lastServedSentAt = Math.max(book.lastServedSentAt, request.at);
  book.lastServedAt = Math.max(book.lastServedAt, at);
  book.lastUseAt = Math.max(book.lastUseAt, request.at);
  if (request.at >= book.streamEndedAt) book.streamEndedAt = NEVER;
  active(book, at);
}

/** Nobody waits any longer. Whether the request ever arrived is unknown, so it obliges only while waited for. */
export function requestAborted(
  book: SessionBook,
  request: Span,
  at: number,
  longestMs: number,
  rules: Rules,
): void {
  const isOfFormerLife = request.at <= book.quietAt;
  const waitedUntil = isOfFormerLife ? Math.min(at, book.quietAt) : at;
  const longest = request.at + longestMs;
  if (rules.callProtects && request.isSound) {
    oblige(book, request.at, Math.min(waitedUntil, longest), rules);
  }
  const end = Math.max(waitedUntil, longest);
  active(book, end + (book.isFrozen && isOfFormerLife ? rules.callGraceMs : 0));
  if (isOfFormerLife) book.forsakenUntil = Math.max(book.forsakenUntil, end);
}

export function streamOpened(book: SessionBook, id: number, at: number, rules: Rules): void {
  forgetLoss(book);
  book.streamEndedAt = NEVER;
  if (rules.openStreamProtects) busy(book, at);
  book.streams.push({ id, at, handshake: false, isSound: true });
}

export function streamClosed(
  book: SessionBook,
  stream: Span,
  at: number,
  by: 'client' | 'server' | 'vanished',
  rules: Rules,
): void {
  if (rules.openStreamProtects) {
    // A target that ignores streams ends one by ending its session: that must not pass for the stream's own end.
    oblige(book, stream.at, by === 'server' ? at + book.timeoutMs : at, rules);
    book.lastUseAt = Math.max(book.lastUseAt, at);
  }
  // A call that may still be running can be heard of after the loss; so can the end of one answered this moment.
  const isQuiet = book.requests.length === 0 && book.lastActivityAt + rules.epsilonMs < at;
  active(book, at + (by === 'vanished' ? rules.streamGraceMs : 0));
  book.streamEndedAt = by === 'server' && book.streams.length === 0 ? at : NEVER;
  if (book.streams.length > 0 || rules.streamLostMs === NEVER) return;
  book.streamLostUntil = at + rules.streamLostMs;
  book.firmUntil = Math.min(book.firmUntil, book.streamLostUntil);
  book.streamLossKnownAt = at + (by === 'vanished' ? rules.deadPeerMs : 0);
  // A target that ended the stream itself has lost nobody by that.
  book.streamLossLastAt = isQuiet && by !== 'server' ? book.streamLossKnownAt : NEVER;
}

export function deleteSent(book: SessionBook, at: number): void {
  book.streamLossLastAt = NEVER;
  book.deletion = 'sent';
  if (at < book.cutAt) {
    book.cutAt = at;
    book.cutBy = 'delete';
  }
}

/** The DELETE did not end the session, or nobody knows: the idle rule goes on from here. */
export function deleteFailed(book: SessionBook, at: number, outcome: 'refused' | 'lost'): void {
  book.deletion = outcome;
  active(book, at);
}

export function abandoned(book: SessionBook, at: number, isFrozen: boolean, rules: Rules): void {
  book.quietAt = Math.min(book.quietAt, at);
  book.isFrozen ||= isFrozen;
  for (let stream = book.streams.pop(); stream; stream = book.streams.pop()) {
    streamClosed(book, stream, at, 'vanished', rules);
  }
  // Clients forsake their calls first and freeze in the same breath.
  if (isFrozen && book.forsakenUntil >= at - SAME_MOMENT_MS) {
    active(book, book.forsakenUntil + rules.callGraceMs);
    book.streamLossLastAt = NEVER;
  }
  book.busySince = NEVER;
}

/** The target was signalled, or is gone: it owes nothing from here on. */
export function released(book: SessionBook, at: number): void {
  if (at < book.cutAt) {
    book.cutAt = at;
    book.cutBy = 'target';
  }
}

export function ended(book: SessionBook, at: number, how: KnownEnd): void {
  book.knownEndAt = at;
  book.knownEnd = how;
}

/** Takes one span out of an open list. */
export function take(spans: Span[], id: number): Span | undefined {
  const index = spans.findIndex((span) => span.id === id);
  return index < 0 ? undefined : spans.splice(index, 1)[0];
}

/** To be called after a request or stream went: an idle session is no longer busy. */
export function settleBusy(book: SessionBook, rules: Rules): void {
  const isBusy = book.requests.length > 0 || (rules.openStreamProtects && book.streams.length > 0);
  if (!isBusy) book.busySince = NEVER;
}

function forgetLoss(book: SessionBook): void {
  book.streamLostUntil = NEVER;
  book.streamLossKnownAt = NEVER;
  book.streamLossLastAt = NEVER;
}

function busy(book: SessionBook, at: number): void {
  book.busySince = Math.min(book.busySince, at);
}

function active(book: SessionBook, at: number): void {
  book.lastActivityAt = Math.max(book.lastActivityAt, at);
}

/** From the send of the request that completed it, H caps nothing. Before that send it still does. */
function handshakeDone(book: SessionBook, sentAt: number, rules: Rules): void {
  book.isHandshakeDone = true;
  if (sentAt <= book.initializeSentAt + rules.handshakeMs) return;
  for (const span of [...book.streams, ...book.requests]) span.at = Math.max(span.at, sentAt);
}
