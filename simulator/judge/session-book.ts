import { NEVER } from './rules.ts';

/** Something of a session that is open: a request without its answer, or a stream. */
export interface Span {
  readonly id: number;
  /** When it began: sent, or (streams) its headers received. */
  at: number;
  readonly handshake: boolean;
  /** It left while the session was protected. Only then does waiting for it prove anything (see `covers`). */
  readonly isSound: boolean;
}

/** A look at the target: what it showed was true at some instant of `[from, to]`. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** A look that missed a session, and what spoke for its being there. */
export interface Suspicion {
  readonly window: Window;
  readonly why: string;
  /** Unless it was idle by the end of the window: then it may have been evicted. */
  readonly isExcusedIfIdle: boolean;
}

/** How it is known that a session ended. */
export type KnownEnd = 'delete' | 'not-found' | 'exit' | 'refused';

/**
 * All that the ledger keeps of one attempt at a session, while it may matter. Plain state: the rules that
 * change it are in session-rules.ts, the reading of it as must and may is in protection.ts.
 *
 *   initialize    pending ─answered→ open   pending ─lost→ lost   pending ─refused→ refused
 *   deletion      none ─sent→ sent ─2xx, 404→ (knownEnd)   sent ─other→ refused   sent ─lost→ lost
 */
export class SessionBook {
  readonly session: number;
  /** T for this client; `NEVER` when none is promised. */
  readonly timeoutMs: number;
  readonly initializeSentAt: number;
  initialize: 'pending' | 'open' | 'lost' | 'refused' = 'pending';
  /** When initialize was answered. */
  openedAt = NEVER;
  /** Latest instant at which the target can have finished initialize. */
  initializeEndAt = NEVER;
  fingerprint: string | null = null;
  /** A request that completes the handshake has left … */
  isHandshakeSent = false;
  /** … and was served. */
  isHandshakeDone = false;

  /** Last unbroken stretch [from, until) in which served requests and streams oblige the target. */
  firmFrom = NEVER;
  firmUntil = Number.NEGATIVE_INFINITY;
  /** Nothing obliges the target from here on: DELETE sent, target signalled or gone. */
  cutAt = NEVER;
  cutBy: 'delete' | 'target' = 'delete';
  /** The last stream was lost at this minus S: nothing that the client did before obliges the target beyond it. */
  streamLostUntil = NEVER;
  /** What the client sends after this the target hears after it has found out that the stream was lost. */
  streamLossKnownAt = NEVER;
  /** The same, as long as that loss is surely the last that the target heard of the client. */
  streamLossLastAt = NEVER;

  /** When the target ended its last stream; `NEVER` unless that is the last that was heard of the session. */
  streamEndedAt = NEVER;

  requests: Span[] = [];
  streams: Span[] = [];
  /** Since when there has always been a call in flight or a protecting stream; `NEVER` while idle. */
  busySince = NEVER;

  /** Latest instant at which the target can have seen activity. */
  lastActivityAt: number;
  /** Last request that the target is known to have served: sent, and answered. */
  lastServedSentAt: number;
  lastServedAt: number;
  /** Last use as the client knows it: send of a served request, or end of a stream. */
  lastUseAt: number;

  deletion: 'none' | 'sent' | 'refused' | 'lost' = 'none';
  /** The client does nothing more, from here on. */
  quietAt = NEVER;
  isFrozen = false;
  /** Latest instant at which a call that nobody waits for any longer can be running. */
  forsakenUntil = Number.NEGATIVE_INFINITY;
  knownEndAt = NEVER;
  knownEnd: KnownEnd | null = null;

  /** Number of the last sample that listed it. */
  seenIn = 0;
  /** Start of the last window that showed it alive. */
  lastSeenAt = Number.NEGATIVE_INFINITY;
  /** End of the first window (or receipt of the first 404) that showed it gone. */
  goneSeenAt = NEVER;
  /** It was missing while only unanswered requests obliged the target: decided when these are. */
  suspicion: Suspicion | null = null;
  /** Missing, but the target was allowed to evict it. */
  isExcused = false;
  isLost = false;
  isLeaked = false;
  /** A look fell into its must: had it been missing, that would have been noticed. */
  isWatched = false;
  isReapRecorded = false;
  /** Counted in `Ledger.live()`. */
  isLive = false;

  constructor(session: number, initializeSentAt: number, timeoutMs: number) {
    this.session = session;
    this.initializeSentAt = initializeSentAt;
    this.timeoutMs = timeoutMs;
    this.lastActivityAt = initializeSentAt;
    this.lastServedSentAt = initializeSentAt;
    this.lastServedAt = initializeSentAt;
    this.lastUseAt = initializeSentAt;
  }

  /** The client has said its last word on this session. */
  get isDone(): boolean {
    return this.knownEndAt !== NEVER || this.quietAt !== NEVER || this.initialize === 'lost';
  }
}
