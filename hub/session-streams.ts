import type { ServerResponse } from 'node:http';
import { JSONRPCMessageSchema, type RequestId } from '@modelcontextprotocol/sdk/types.js';
import { HubError, sessionEndedError } from './errors.ts';
import { type EventKeeper, EventLog, type EventLogLimits, type StoredEvent } from './event-log.ts';
import { EventStream } from './event-stream.ts';
import { fingerprint } from './fingerprint.ts';
import type { MessageStream, StreamEnd, StreamEnding } from './message-stream.ts';
import { ResumableStream } from './resumable-stream.ts';
import type { StoredPosition, StoredSessionState, StoredStream } from './session-store.ts';

export interface SessionStreamsOptions {
  readonly sessionId: string;
  /** What the client of a stream is asked to wait before it comes back, ms. */
  readonly retryMs: number;
  readonly events: EventLogLimits;
  /** Bytes that may wait on one stream to be read. */
  readonly maxBufferedBytes: number;
  /** Keeps what is sent, where sessions outlive the process. */
  readonly keeper?: StreamKeeper | undefined;
}

/** Keeps the streams of a session beyond the life of the process. */
export interface StreamKeeper {
  appended(event: StoredEvent): void;
  dropped(event: StoredEvent): void;
  positionChanged(position: StoredPosition): void;
  /** A stream that answers a POST began or ended. */
  streamChanged(stream: StoredStream): void;
}

/** The session's GET stream begins and ends. */
export interface StreamHooks {
  opened(): void;
  ended(reason: StreamEnd): void;
}

/** The session's GET stream; streams that answer a POST count from 1. */
const MAIN_STREAM = 0;

/** The first version whose clients know events that hold only an id. */
const VERSION_WITH_PRIMING = '2025-11-25';

/** After that many pings without an answer the stream's peer counts as dead. */
export const PINGS_BEFORE_DEAD = 3;

const PING_PREFIX = 'hub-ping-';

/** Whether a message of the client answers one of the hub's own pings. */
export function isPingAnswer(id: RequestId | undefined): boolean {
  return typeof id === 'string' && id.startsWith(PING_PREFIX);
}

/**
 * All event streams of one session: the GET stream, and those that POSTs turned into. They share one bounded log,
 * and each can be resumed where it broke.
 */
export class SessionStreams {
  readonly #options: SessionStreamsOptions;
  readonly #hooks: StreamHooks;
  /** Settled by initialize. Versions are dates, so they compare as text. */
  protocolVersion = '';
  /** Made when the first event is sent: most sessions never have one. */
  #events: EventLog | undefined;
  /** Logical streams by number, as long as they can be resumed. */
  readonly #streams = new Map<number, ResumableStream>();
  #nextStream = MAIN_STREAM + 1;
  /** The response, or the WebSocket, that carries the GET stream now. */
  #main: MessageStream | undefined;
  #pingsSent = 0;
  #pingsUnanswered = 0;

  constructor(options: SessionStreamsOptions, hooks: StreamHooks) {
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Whether a GET stream is open: 0 or 1. */
  get open(): number {
    return this.#main ? 1 : 0;
  }

  /** Whether clients of this session know from where to go on when the server ends a stream. */
  get areResumable(): boolean {
    return this.protocolVersion >= VERSION_WITH_PRIMING;
  }

  /** Whether something sent now would be written at once. */
  get isListening(): boolean {
    return this.#main?.isOpen === true;
  }

  /**
   * Opens the session's GET stream. An older one is ended: its client has come back for another (F26). What was
   * never written to any is sent first; `seq` says where the client itself stopped reading.
   */
  listen(response: ServerResponse, seq?: number): void {
    // Its client left already: a stream on it would never close.
    if (!response.destroyed) this.listenOn(this.#newEventStream(response), seq);
  }

  /** The same on a stream that is there already. */
  listenOn(stream: MessageStream, seq?: number): void {
    if (!stream.isOpen) return;
    if (this.#main) this.#hooks.ended('takeover');
    const main = this.#logicalStream(MAIN_STREAM);
    this.#main = stream;
    this.#pingsUnanswered = 0;
    main.attach(stream, seq ?? this.#log.resumableFrom({ stream: MAIN_STREAM, seq: main.written }));
    // Compares the stream, not the session: the late close of an old stream must not end its successor (F18).
    stream.onClose(() => this.#endMain(stream, 'client'));
    this.#hooks.opened();
  }

  /**
   * Goes on with a stream that broke, after the event that its client saw last (2025-11-25, basic/transports,
   * "Resumability and Redelivery").
   * A server that drains lets clients come back for their answers, but not listen anew.
   * @throws HubError CANNOT_RESUME for an id of another session, or a position that is no longer kept; DRAINING
   */
  resume(lastEventId: string, response: ServerResponse, { isDraining = false } = {}): void {
    const [, owner, stream, seq] = /^([0-9a-f]{12})-(\d{1,15})-(\d{1,15})$/.exec(lastEventId) ?? [];
    const cursor = { stream: Number(stream), seq: Number(seq) };
    const isOwn = owner === fingerprint(this.#options.sessionId);
    // The GET stream is there even if nothing was sent on it yet since the session was taken up after a restart.
    const found =
      isOwn && cursor.stream === MAIN_STREAM
        ? this.#logicalStream(MAIN_STREAM)
        : this.#streams.get(cursor.stream);
    const isKnown = isOwn && found && cursor.seq <= this.#log.lastSeq(cursor.stream);
    if (!isKnown || this.#log.next(cursor) === 'lost') throw new HubError('CANNOT_RESUME');
    if (cursor.stream === MAIN_STREAM && isDraining) throw new HubError('DRAINING');
    if (cursor.stream === MAIN_STREAM) this.listen(response, cursor.seq);
    else this.#attach(found, response, cursor.seq);
  }

  /** Ends the GET stream, if its client knows how to come back for it. Does nothing else. */
  suspendMain(): void {
    if (this.#main?.isResumable) this.#endMain(this.#main, 'polling');
  }

  /** The stream that a POST turns into: its head has these headers, and it owes answers to these requests. */
  openPost(
    response: ServerResponse,
    headers: Readonly<Record<string, string>>,
    owes: readonly RequestId[],
  ): ResumableStream {
    const stream = this.#logicalStream(this.#nextStream);
    this.#nextStream += 1;
    this.#keep(stream, owes);
    this.#attach(stream, response, 0, headers);
    return stream;
  }

  /** No event comes any more on a stream that answered a POST. */
  endPost(stream: ResumableStream): void {
    stream.end();
    this.#keep(stream, []);
  }

  /** Sends on the GET stream, or keeps it for the next. Resolves when there is room for more. */
  send(json: string): Promise<void> {
    return this.#logicalStream(MAIN_STREAM).send(json);
  }

  /**
   * Asks the peer of the open stream whether it is alive. Comments cannot: kernels acknowledge them for a
   * frozen process too (F08). A dead peer costs it the stream, never the session (F16).
   */
  ping(): void {
    const stream = this.#main;
    if (!stream) return;
    if (this.#pingsUnanswered >= PINGS_BEFORE_DEAD) {
      this.#endMain(stream, 'dead-peer');
      return;
    }
    this.#pingsUnanswered += 1;
    this.#pingsSent += 1;
    stream.send(JSON.stringify({ jsonrpc: '2.0', id: `${PING_PREFIX}${this.#pingsSent}`, method: 'ping' }));
  }

  /** Keeps the session's GET stream from being cut by a proxy. */
  keepAlive(): void {
    this.#main?.comment();
  }

  /** The peer of the open stream is alive. */
  pingAnswered(): void {
    this.#pingsUnanswered = 0;
  }

  /** Takes up the streams of an earlier process. Calls that it took with it are answered with an error. */
  restore(state: StoredSessionState): void {
    this.protocolVersion = state.protocolVersion;
    for (const { stream, lastSeq } of state.positions) this.#log.restorePosition(stream, lastSeq);
    for (const { stream, seq, json } of state.events) this.#log.restore(stream, seq, json);
    if (state.positions.length + state.events.length > 0 && this.#log.knows(MAIN_STREAM)) {
      const main = state.positions.find(({ stream }) => stream === MAIN_STREAM);
      this.#logicalStream(MAIN_STREAM).restore(main?.written ?? this.#log.lastSeq(MAIN_STREAM));
    }
    for (const { stream: number, owes, isEnded } of state.streams) {
      this.#nextStream = Math.max(this.#nextStream, number + 1);
      const stream = this.#logicalStream(number);
      stream.restore(this.#log.lastSeq(number));
      if (!isEnded) this.#answerLost(stream, owes, state);
      this.endPost(stream);
    }
  }

  /** Ends the GET stream and forgets every event. `retryMs` asks the client to stay away that long. */
  end(options: { retryMs?: number }): void {
    if (this.#main) this.#endMain(this.#main, 'session-ended', options);
    // As far as it has got by now, for whoever takes the session up after a restart.
    if (this.#streams.get(MAIN_STREAM)?.isBehind) this.#keepPosition(MAIN_STREAM);
    for (const stream of this.#streams.values()) stream.forget();
    this.#streams.clear();
    this.#events?.abandon();
    this.#events = undefined;
  }

  /** Calls that the earlier process took with it; those whose answer was sent before are not among them. */
  #answerLost(stream: ResumableStream, owes: readonly RequestId[], { events }: StoredSessionState): void {
    const sent = events.filter((event) => event.stream === stream.number).map(({ json }) => answeredId(json));
    const error = sessionEndedError('the server was restarted');
    for (const id of owes.filter((owed) => !sent.includes(owed))) {
      void stream.send(JSON.stringify({ jsonrpc: '2.0', id, error }));
    }
  }

  #keep({ number, isEnded }: ResumableStream, owes: readonly RequestId[]): void {
    this.#options.keeper?.streamChanged({ stream: number, owes, isEnded });
  }

  #keepPosition(number: number): void {
    const stream = this.#streams.get(number);
    const written = number === MAIN_STREAM && stream?.isBehind ? stream.written : null;
    this.#options.keeper?.positionChanged({ stream: number, lastSeq: this.#log.lastSeq(number), written });
  }

  get #log(): EventLog {
    this.#events ??= new EventLog(this.#options.events, this.#eventKeeper());
    return this.#events;
  }

  #eventKeeper(): EventKeeper | undefined {
    const { keeper } = this.#options;
    return keeper && { ...keeper, emptied: (stream) => this.#keepPosition(stream) };
  }

  #logicalStream(number: number): ResumableStream {
    const known = this.#streams.get(number);
    if (known) return known;
    for (const old of this.#streams.values()) {
      if (!old.isEnded || this.#log.knows(old.number)) continue;
      this.#streams.delete(old.number);
      old.forget();
    }
    const isKept = number === MAIN_STREAM && this.#options.keeper !== undefined;
    const onLag = isKept ? () => this.#keepPosition(number) : undefined;
    const stream = new ResumableStream(number, this.#log, eventIdsOf(this.#options.sessionId), onLag);
    this.#streams.set(number, stream);
    return stream;
  }

  #attach(stream: ResumableStream, response: ServerResponse, seq: number, headers = {}): void {
    const eventStream = this.#newEventStream(response, headers);
    response.once('close', () => stream.detach(eventStream));
    stream.attach(eventStream, seq);
  }

  #newEventStream(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): EventStream {
    const { retryMs, maxBufferedBytes } = this.#options;
    return new EventStream(response, { retryMs, maxBufferedBytes, primes: this.areResumable, headers });
  }

  #endMain(stream: MessageStream, reason: StreamEnd, options: StreamEnding = {}): void {
    stream.end({ ...options, why: reason });
    if (this.#main !== stream) return;
    this.#streams.get(MAIN_STREAM)?.detach(stream);
    this.#main = undefined;
    this.#hooks.ended(reason);
  }
}

/** Outside of the class: a closure made beside one of the session's holds on to all of that. */
function eventIdsOf(sessionId: string): (stream: number, seq: number) => string {
  const owner = fingerprint(sessionId);
  return (stream, seq) => `${owner}-${stream}-${seq}`;
}

/** The id that a stored message answers; undefined when it is no answer. */
function answeredId(json: string): RequestId | undefined {
  const parsed = JSONRPCMessageSchema.safeParse(JSON.parse(json));
  if (!parsed.success || !('result' in parsed.data || 'error' in parsed.data)) return undefined;
  return parsed.data.id;
}
