import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { DefectName } from '../defects.ts';
import { PINGS_BEFORE_DEAD } from '../heartbeat.ts';
import type { Call } from './call.ts';
import { EventStream } from './event-stream.ts';
import { RateWindow } from './rate-window.ts';
import { Refusal } from './refusal.ts';

/** The session's own stream, which clients open with GET; those of POSTs are numbered from 1. */
const GET_STREAM = 0;
/** Ended streams that can still be resumed. */
const MAX_ENDED_STREAMS = 8;
/** Since this version a stream begins with an event that has an id and nothing else. */
const VERSION_WITH_PRIMING = '2025-11-25';

export type EndReason = 'client' | 'idle' | 'handshake' | 'stream-lost' | 'shutdown';

/** What only a broken server shares between its sessions. */
export interface Latest {
  stream?: EventStream;
  /** Which call of all sessions an id means (F28). */
  readonly callsById: Map<string | number, Call>;
  readonly notified: { readonly by: PlainSession; readonly params: Record<string, unknown> }[];
}

export interface SessionParts {
  readonly id: string;
  /** Running number, in order of opening: the cursor of listings. */
  readonly number: number;
  readonly owner: string;
  readonly clientName: string;
  readonly clientVersion: string;
  readonly protocolVersion: string;
  readonly timeoutMs: number;
  readonly requestsPerSecond: number | undefined;
  /** Where its streams are kept; a map of its own, so that nothing can be replayed to another session (F30). */
  readonly streams: Map<number, EventStream>;
  /** One of its calls is over. */
  readonly onSettled: () => void;
  /** Shared by all sessions of the server. */
  readonly latest: Latest;
  readonly defect: DefectName | undefined;
}

/** One session. Times are `performance.now()`. */
export class PlainSession {
  readonly parts: SessionParts;
  /** What may be shown of the id, which is a credential. */
  readonly fingerprint: string;
  readonly createdAt = performance.now();
  readonly rate: RateWindow;
  /** Not answered yet: each protects the session, also where its client has left and may resume (F12). */
  readonly calls = new Set<Call>();
  /** Which call an id means, where ids are taken for unique (F28). */
  readonly callsById: Map<string | number, Call>;
  /** A call that ended took the protection of the others with it (F12). */
  isCallForgotten = false;
  /** What a leak keeps. */
  readonly kept: unknown[] = [];
  lastActivity: number;
  isHandshakeDone = false;
  isEnded = false;
  /** When its stream was lost, unless its client was heard of since. */
  streamLostAt: number | undefined;
  #lastStream = GET_STREAM;
  #lastPing = 0;
  #unansweredPings = 0;

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.fingerprint = createHash('sha256').update(parts.id).digest('hex').slice(0, 12);
    this.rate = new RateWindow(parts.requestsPerSecond);
    this.lastActivity = this.now();
    this.callsById = parts.defect === 'ids-of-all-sessions-crossed' ? parts.latest.callsById : new Map();
    parts.streams.set(GET_STREAM, new EventStream(GET_STREAM, parts.defect));
  }

  get isListening(): boolean {
    return this.getStream.isOpen;
  }

  get getStream(): EventStream {
    const stream = this.parts.streams.get(GET_STREAM);
    if (!stream) throw new Error('A session without its stream is over.');
    return stream;
  }

  /** Wall-clock time is no measure of idleness: it can be stepped (F19). */
  now(): number {
    return this.parts.defect === 'idle-by-wall-clock' ? Date.now() : performance.now();
  }

  touch(): void {
    this.lastActivity = this.now();
    this.streamLostAt = undefined;
  }

  onSettled(): void {
    this.isCallForgotten = this.parts.defect === 'short-call-unprotects-long-one' && this.calls.size > 0;
    this.parts.onSettled();
  }

  /** The answer to a POST, as a stream. */
  openPost(response: ServerResponse): EventStream {
    const { streams, defect } = this.parts;
    this.#lastStream += 1;
    const stream = new EventStream(this.#lastStream, defect);
    streams.set(stream.number, stream);
    this.#forgetOldStreams();
    this.#attach(stream, response, 0);
    response.once('close', () => stream.detach(response));
    return stream;
  }

  /** A GET. The newest takes the stream over: whoever comes again has no use for the old one (F26). */
  listen(response: ServerResponse, lastEventId: string | undefined): void {
    const { defect } = this.parts;
    if (defect === 'second-stream-409' && this.isListening) throw new Refusal('second-stream');
    const { stream, seq } = lastEventId
      ? this.#cursor(lastEventId)
      : { stream: this.getStream, seq: undefined };
    const isOwn = stream.number === GET_STREAM;
    if (isOwn) {
      this.#unansweredPings = 0;
      this.parts.latest.stream = stream;
    }
    response.once('close', () => this.#streamClosed(stream, response));
    this.#attach(stream, response, seq ?? stream.position);
    if (seq !== undefined) for (const text of this.#foreignEvents(stream)) response.write(text);
    if (defect === 'stream-ends-at-once') response.end();
  }

  /** One beat: asks the listener whether it is there; one that left three unanswered is cut off, not the session. */
  beat(): void {
    if (!this.isListening) return;
    if (this.#unansweredPings >= PINGS_BEFORE_DEAD) {
      this.#unansweredPings = 0;
      this.getStream.close();
      this.#streamLost();
      return;
    }
    this.#unansweredPings += 1;
    this.#lastPing += 1;
    const ping = JSON.stringify({ jsonrpc: '2.0', method: 'ping', id: this.#lastPing });
    this.getStream.write(`event: message\ndata: ${ping}\n\n`);
  }

  /** A message that belongs to no call: on the session's own stream, or kept for it. */
  notify(method: string, params: Record<string, unknown>): void {
    const { latest, defect } = this.parts;
    const stream = defect === 'messages-to-latest-stream' ? latest.stream : this.getStream;
    if (defect === 'shared-event-store') latest.notified.push({ by: this, params });
    // Not waited for: a listener that reads slowly must not hold up the calls.
    void stream?.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  pingAnswered(): void {
    this.#unansweredPings = 0;
  }

  /** So that no proxy cuts what is silent (F43). */
  keepAlive(): void {
    for (const stream of this.parts.streams.values()) {
      const isSilent =
        this.parts.defect === 'silent-streams' ||
        (this.parts.defect === 'silent-calls' && stream.number !== GET_STREAM);
      if (!isSilent) stream.write(': keep-alive\n\n');
    }
  }

  /** Answers what is in flight with an error and ends all streams. `retryMs` asks listeners to stay away that long. */
  close(reason: EndReason, retryMs: number | undefined): void {
    if (this.parts.defect !== 'delete-hangs-calls' || reason !== 'client') {
      for (const call of this.calls) call.giveUp(reason);
    }
    this.calls.clear();
    if (retryMs !== undefined) this.getStream.write(`retry: ${retryMs}\n\n`);
    this.getStream.close();
    this.parts.streams.clear();
  }

  #attach(stream: EventStream, response: ServerResponse, seq: number): void {
    const { id, protocolVersion, defect } = this.parts;
    const headers = { 'mcp-session-id': id };
    const prime = protocolVersion >= VERSION_WITH_PRIMING && defect !== 'stream-ends-at-once';
    stream.attach(response, { seq, headers, prime });
  }

  #streamClosed(stream: EventStream, response: ServerResponse): void {
    const isCurrent = stream.isWrittenTo(response);
    stream.detach(response);
    if (!isCurrent || stream.number !== GET_STREAM) return;
    this.#streamLost();
  }

  #streamLost(): void {
    this.touch();
    this.streamLostAt = this.lastActivity;
  }

  /** @throws Refusal cannot-resume */
  #cursor(lastEventId: string): { stream: EventStream; seq: number } {
    const [, number, seqText] = /^(\d{1,9})-(\d{1,9})$/.exec(lastEventId) ?? [];
    const stream = number === undefined ? undefined : this.parts.streams.get(Number(number));
    if (!stream) throw new Refusal('cannot-resume');
    const seq = Number(seqText);
    stream.checkResumable(seq);
    if (this.parts.defect === 'resume-loses-events')
      return { stream, seq: Math.min(seq + 1, stream.lastSeq) };
    if (this.parts.defect === 'resume-doubles-events') return { stream, seq: Math.max(seq - 1, 0) };
    return { stream, seq };
  }

  /** What a broken store replays besides: other streams of this session, or those of other sessions. */
  #foreignEvents(stream: EventStream): readonly string[] {
    const { streams, latest, defect } = this.parts;
    if (defect === 'resume-crosses-streams') {
      return [...streams.values()].flatMap((other) => (other === stream ? [] : other.eventsAfter(0)));
    }
    if (defect !== 'shared-event-store') return [];
    const foreign = latest.notified.filter(({ by }) => by !== this);
    return foreign.map(({ params }) => {
      const message = { jsonrpc: '2.0', method: 'notifications/message', params };
      return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
    });
  }

  #forgetOldStreams(): void {
    if (this.parts.defect === 'events-kept-for-ever') return;
    const ended = [...this.parts.streams.values()].filter((stream) => stream.isEnded && !stream.isOpen);
    for (const { number } of ended.slice(0, -MAX_ENDED_STREAMS)) this.parts.streams.delete(number);
  }
}
