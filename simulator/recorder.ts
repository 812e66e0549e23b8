import { type Actor, Actors } from './actors.ts';
import type { EventLog } from './event-log.ts';
import { Course } from './judge/course.ts';
import { ErrorGroups } from './judge/error-groups.ts';
import { EventCount } from './judge/event-count.ts';
import { type DrainFacts, type RunFacts, Tally } from './judge/facts.ts';
import type { Ledger } from './judge/ledger.ts';
import type { Metrics } from './judge/metrics.ts';
import type { TargetEvent } from './judge/session-event.ts';
import { TrafficCount } from './judge/traffic.ts';
import type { ClientEvent } from './mcp/client-event.ts';
import { errorClass, isLocalFailure, type Outcome } from './mcp/outcome.ts';
import { Outages, tellsOfLoss } from './outages.ts';
import { inWords, isCut, isLost, isServed, said, seconds } from './outcome-words.ts';

/** How a request is to be taken: what it was for, and when it was due. */
export interface RequestContext {
  readonly session: number;
  /** JSON-RPC method, or `DELETE`, `GET`. */
  readonly method: string;
  readonly dueAt: number;
  /** The client gave up on purpose, or expects the error: not an error of the target. */
  readonly isExpected?: boolean;
}

/** Which call it was, as `callSent` named it, and whether we made the network lose it or the target give it up. */
export interface CallContext {
  readonly call?: number;
  readonly isOurFault?: boolean;
  readonly isOvertaken?: boolean;
}

export interface RecorderOptions {
  /** How long a signal may take to arrive; what a client sends meanwhile is not judged. */
  readonly noticeMs: number;
  /** Told of every request that is over. */
  readonly onRequest?: (outcome: Outcome, context: RequestContext) => void;
}

interface OpenCall {
  readonly session: number;
  readonly sentAt: number;
}

interface SignalSeen {
  readonly name: string;
  readonly at: number;
  readonly callsInFlight: number;
  readonly streamsOpen: number;
}

/**
 * Takes down what happens in a run, once, and passes it on: to the ledger, the metrics, the event log, and the
 * facts that invariants need. Everything in it is counted or bounded; nothing is kept per event.
 */
export class Recorder {
  readonly course = new Course();
  readonly traffic = new TrafficCount();
  readonly errors = new ErrorGroups();
  readonly events = new EventCount();
  readonly #ledger: Ledger;
  readonly #metrics: Metrics;
  readonly #log: EventLog;
  readonly #noticeMs: number;
  readonly #onRequest: NonNullable<RecorderOptions['onRequest']>;
  readonly #outages: Outages;
  readonly #actors = new Actors();
  /** Session → when it was opened. */
  readonly #openedAt = new Map<number, number>();
  readonly #openCalls = new Map<number, OpenCall>();
  readonly #openStreams = new Set<string>();
  readonly #unanswered = new Tally();
  readonly #wrongAnswers = new Tally();
  readonly #goneNot404 = new Tally();
  readonly #unmetExpectations = new Tally();
  readonly #callsCut = new Tally();
  readonly #openedAfterSignal = new Tally();
  /** Requests that failed for want of ports, files or memory of our own, by error code. */
  readonly #localFailures: Record<string, number> = {};
  #callsSent = 0;
  #calls = 0;
  #goneProbes = 0;
  #expectations = 0;
  #signal: SignalSeen | undefined;
  #initializesAfterSignal = 0;
  #isClosed = false;

  constructor(
    ledger: Ledger,
    metrics: Metrics,
    log: EventLog,
    { noticeMs, onRequest = () => undefined }: RecorderOptions,
  ) {
    this.#onRequest = onRequest;
    this.#noticeMs = noticeMs;
    this.#outages = new Outages(noticeMs);
    this.#ledger = ledger;
    this.#metrics = metrics;
    this.#log = log;
    // Watched from the start: a run in which none of this happens has a zero, not a blank.
    for (const name of ['mcp_requests', 'iterations', 'dropped_iterations', 'sessions_opened'] as const) {
      metrics.count(name, 0);
    }
  }

  /** Gives the next attempt at a session its number. */
  newSession(actor: Actor): number {
    return this.#actors.add(actor);
  }

  /** As reports and logs name a session: see `Actors`. */
  readonly label = (session: number): string => this.#actors.label(session);

  sessionEvent(session: number, event: ClientEvent): void {
    if (this.#isClosed) return;
    this.#ledger.record({ ...event, session });
    if (event.kind === 'stream-opened') this.#openStreams.add(`${session}:${event.stream}`);
    if (event.kind === 'stream-closed') this.#openStreams.delete(`${session}:${event.stream}`);
    if (event.kind === 'initialize-answered' && !this.#actors.of(session)?.isCanary) {
      this.#metrics.count('sessions_opened');
      this.#openedAt.set(session, event.at);
    }
    const { at, kind, ...rest } = event;
    this.#write(at, session, kind, 'fingerprint' in rest ? {} : rest);
  }

  targetEvent(event: TargetEvent): void {
    if (this.#isClosed) return;
    this.#ledger.target(event);
    if (event.kind === 'signalled') {
      this.#signal ??= {
        name: event.signal,
        at: event.at,
        callsInFlight: this.#openCalls.size,
        streamsOpen: this.#openStreams.size,
      };
    }
    const { at, ...rest } = event;
    if (event.kind === 'signalled') this.course.phase('drain', 1, roundMs(at));
    this.course.mark(event.kind === 'signalled' ? event.signal : 'exited', roundMs(at));
    this.#log.write({ t: roundMs(at), target: true, ...rest });
  }

  /** The target is down, or stands still, because it is told to: what is lost to that is not its fault. */
  outage(kind: 'killed' | 'restarting' | 'paused', at: number): void {
    if (this.#isClosed) return;
    const losesSessions = kind !== 'paused';
    this.#outages.begin(at, { losesSessions });
    // Whoever is told to end owes nothing from here on; what follows its end is a new target.
    if (losesSessions) this.#ledger.target({ kind: 'signalled', at, signal: kind });
    this.note(kind, at);
  }

  outageOver(kind: 'started' | 'resumed', at: number): void {
    if (this.#isClosed) return;
    this.#outages.end(at);
    this.note(kind, at);
  }

  /** Something was done to the target that the log should tell of. */
  note(kind: string, at: number, rest: Readonly<Record<string, unknown>> = {}): void {
    if (this.#isClosed) return;
    this.course.mark(kind, roundMs(at));
    this.#log.write({ t: roundMs(at), target: true, kind, ...rest });
  }

  /** A call that somebody waits for has been sent. Returns its number in this run. */
  callSent(session: number, at: number): number {
    this.#callsSent += 1;
    this.#openCalls.set(this.#callsSent, { session, sentAt: at });
    return this.#callsSent;
  }

  /** A call that somebody waited for is over. */
  callDone(
    session: number,
    what: string,
    outcome: Outcome,
    { call, isOurFault, isOvertaken }: CallContext = {},
  ): void {
    if (this.#isClosed) return;
    if (call !== undefined) this.#openCalls.delete(call);
    if (isOurFault === true || isLocalFailure(outcome)) return;
    const signalledAt = this.#signal?.at;
    const isAfterSignal = signalledAt !== undefined && outcome.sentAt >= signalledAt;
    if (isAfterSignal || outcome.kind === 'aborted' || this.#isExcused(session, outcome)) return;
    this.#calls += 1;
    const line = () =>
      `${this.label(session)}: ${what} sent at ${seconds(outcome.sentAt)} ${inWords(outcome)}`;
    if (outcome.kind === 'wrong-answer') this.#wrongAnswers.add(line());
    else if (signalledAt === undefined && isCut(outcome) && isOvertaken !== true)
      this.#unanswered.add(line());
    else if (isLost(outcome)) {
      this.#unanswered.add(line());
      if (signalledAt !== undefined && outcome.doneAt >= signalledAt) this.#callsCut.add(line());
    }
  }

  /** Any request at all, for the metrics. */
  request(outcome: Outcome, context: RequestContext): void {
    if (this.#isClosed) return;
    this.#onRequest(outcome, context);
    if (this.#failedHere(outcome, context)) return;
    const isExcused = this.#isExcused(context.session, outcome);
    const isFault = context.isExpected !== true && !isExcused && !this.#isDrained(outcome);
    const fault = isFault ? errorClass(outcome) : undefined;
    this.#write(outcome.doneAt, context.session, 'outcome', {
      method: context.method,
      outcome: outcome.kind,
      fault,
    });
    // What is refused after the signal is what was asked for.
    if (this.#signal && outcome.sentAt >= this.#signal.at) {
      this.#afterSignal(outcome, context);
      return;
    }
    // Nobody is blamed for what an outage took, but who was answered late has waited: times leave nothing out.
    if (isExcused && !isServed(outcome)) return;
    this.#metrics.count('mcp_requests');
    this.#metrics.rate('mcp_request_errors', fault !== undefined);
    if (fault !== undefined) this.#fault(fault, outcome, context);
    this.traffic.add(outcome.doneAt, outcome.doneAt - context.dueAt, fault !== undefined);
    this.#metrics.trend('schedule_lag_ms', outcome.sentAt - context.dueAt);
    this.#metrics.trend('mcp_request_service_ms', outcome.doneAt - outcome.sentAt, context.method);
    this.#metrics.trend('mcp_request_duration_ms', outcome.doneAt - context.dueAt, context.method);
  }

  /** By error code; empty when there were none. */
  get localFailures(): Readonly<Record<string, number>> {
    return this.#localFailures;
  }

  /**
   * One of very many requests alike, sent by an engine: for the metrics and the invariants, but not for the log. It
   * was due when it was sent, so that it says nothing of how late the simulator was.
   */
  bulkRequest(outcome: Outcome, { session, method }: Pick<RequestContext, 'session' | 'method'>): void {
    if (this.#isClosed || outcome.kind === 'aborted') return;
    if (this.#failedHere(outcome, { session, method })) return;
    this.callDone(session, method, outcome);
    const isAfterSignal = this.#signal !== undefined && outcome.sentAt >= this.#signal.at;
    if (isAfterSignal || this.#isExcused(session, outcome)) return;
    const fault = this.#isDrained(outcome) ? undefined : errorClass(outcome);
    this.#metrics.count('mcp_requests');
    this.#metrics.rate('mcp_request_errors', fault !== undefined);
    if (fault !== undefined) this.#metrics.error(fault);
    this.#metrics.trend('mcp_request_service_ms', outcome.doneAt - outcome.sentAt, method);
    this.#metrics.trend('mcp_request_duration_ms', outcome.doneAt - outcome.sentAt, method);
  }

  expectation(session: number, expected: 'gone' | 'alive', outcome: Outcome): void {
    if (this.#isClosed || this.#signal || isLocalFailure(outcome)) return;
    if (expected === 'alive' ? this.#isExcused(session, outcome) : this.#isTouched(outcome)) return;
    this.#expectations += 1;
    const line = () =>
      `${this.label(session)}: expected ${expected} at ${seconds(outcome.sentAt)}, ${inWords(outcome)}`;
    const isGone = outcome.kind === 'http-error' && outcome.status === 404;
    if (expected === 'gone') {
      this.#goneProbes += 1;
      if (outcome.kind === 'http-error' && !isGone) this.#goneNot404.add(line());
    }
    const isMet = expected === 'gone' ? isGone : outcome.kind === 'result' || outcome.kind === 'accepted';
    if (!isMet) this.#unmetExpectations.add(line());
  }

  /** A raw request was answered; `expected`: what it was to be. */
  rawAnswered(session: number, expected: string, outcome: Outcome, isMet: boolean): void {
    if (this.#isClosed || this.#signal || isLocalFailure(outcome)) return;
    if (this.#isExcused(session, outcome)) return;
    this.#expectations += 1;
    if (isMet) return;
    const sentAt = seconds(outcome.sentAt);
    this.#unmetExpectations.add(
      `${this.label(session)}: expected ${expected} at ${sentAt}, ${inWords(outcome)}`,
    );
  }

  iterationDone(): void {
    if (!this.#isClosed) this.#metrics.count('iterations');
  }

  iterationDropped(workload: string, at: number): void {
    if (this.#isClosed) return;
    this.#metrics.count('dropped_iterations');
    this.#log.write({ t: roundMs(at), workload, kind: 'iteration-dropped' });
  }

  /** The virtual users are about to be stopped: what was in flight at the signal, and is now, was not answered. */
  loadOver(): void {
    const signal = this.#signal;
    if (!signal) return;
    for (const { session, sentAt } of this.#openCalls.values()) {
      if (sentAt < signal.at)
        this.#callsCut.add(`${this.label(session)}: call sent at ${seconds(sentAt)} still open`);
    }
  }

  /** Nothing that comes later is taken down: the run is over, what still arrives is its own tidying up. */
  close(): void {
    this.#isClosed = true;
  }

  facts(drain: Pick<DrainFacts, 'exit' | 'drainMs' | 'watchedUntil'>): RunFacts {
    return {
      calls: this.#calls,
      unanswered: this.#unanswered,
      wrongAnswers: this.#wrongAnswers,
      goneProbes: this.#goneProbes,
      goneNot404: this.#goneNot404,
      expectations: this.#expectations,
      unmetExpectations: this.#unmetExpectations,
      events: this.events,
      ...(this.#signal && { drain: this.#drainFacts(this.#signal, drain) }),
    };
  }

  /** What never left this machine is taken down by itself: neither an error of the target's nor a request to it. */
  #failedHere(outcome: Outcome, context: Pick<RequestContext, 'session' | 'method'>): boolean {
    if (!isLocalFailure(outcome)) return false;
    const { code } = outcome;
    this.#localFailures[code] = (this.#localFailures[code] ?? 0) + 1;
    const fault = errorClass(outcome) ?? code;
    this.#fault(fault, outcome, context);
    const { method, session } = context;
    this.#write(outcome.doneAt, session, 'outcome', { method, outcome: outcome.kind, fault });
    return true;
  }

  #fault(
    fault: string,
    outcome: Outcome,
    { method, session }: Pick<RequestContext, 'session' | 'method'>,
  ): void {
    this.#metrics.error(fault);
    const who = this.label(session);
    this.errors.add({ method, class: fault, at: roundMs(outcome.doneAt), said: said(outcome), who });
  }

  #drainFacts(signal: SignalSeen, drain: Pick<DrainFacts, 'exit' | 'drainMs' | 'watchedUntil'>): DrainFacts {
    return {
      signal: signal.name,
      signalledAt: signal.at,
      callsInFlight: signal.callsInFlight,
      callsUnanswered: this.#callsCut,
      streamsOpen: signal.streamsOpen,
      streamsLeft: this.#openStreams.size,
      initializesTried: this.#initializesAfterSignal,
      openedAfter: this.#openedAfterSignal,
      ...drain,
    };
  }

  /** Lost to an outage that the target was told to have, or late because of it; or on a session that went with it. */
  #isExcused(session: number, outcome: Outcome): boolean {
    if (outcome.kind === 'wrong-answer') return false;
    const openedAt = this.#openedAt.get(session);
    return (
      this.#isTouched(outcome) ||
      (tellsOfLoss(outcome) && openedAt !== undefined && this.#outages.took(openedAt))
    );
  }

  #isTouched({ sentAt, doneAt }: Outcome): boolean {
    return this.#outages.touch(sentAt, doneAt);
  }

  /** A call in flight that the target answered with an error when its drain was over: as it should. */
  #isDrained(outcome: Outcome): boolean {
    return this.#signal !== undefined && outcome.doneAt >= this.#signal.at && outcome.kind === 'rpc-error';
  }

  #afterSignal(outcome: Outcome, context: RequestContext): void {
    const noticedAt = (this.#signal?.at ?? 0) + this.#noticeMs;
    if (context.method !== 'initialize' || outcome.sentAt < noticedAt) return;
    this.#initializesAfterSignal += 1;
    if (outcome.kind === 'result') {
      this.#openedAfterSignal.add(
        `${this.label(context.session)}: opened by an initialize sent at ${seconds(outcome.sentAt)}`,
      );
    }
  }

  #write(at: number, session: number, kind: string, rest: Readonly<Record<string, unknown>>): void {
    this.#log.write({ t: roundMs(at), vu: this.label(session), kind, ...rest });
  }
}

/** Whole microseconds: more digits are noise of the machine. */
function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
