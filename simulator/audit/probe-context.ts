import type { Clock } from '../clock/clock.ts';
import type { Policy } from '../judge/policy.ts';
import type { SessionSample } from '../judge/session-event.ts';
import { buildNotification, buildRequest, isObject, type JsonObject } from '../mcp/json-rpc.ts';
import type { SessionObserver } from '../observers/sessions.ts';
import type { Target } from '../targets/target.ts';
import { AuditSession, resultIn } from './audit-session.ts';
import type { HttpAnswer, HttpExchange } from './http-exchange.ts';
import type { Offer } from './offer.ts';
import { Peer, type SendOptions } from './peer.ts';
import { Trace } from './trace.ts';
import type { Headers, WireRequest } from './wire-request.ts';

/** What all probes of an audit share. */
export interface AuditParts {
  readonly clock: Clock;
  readonly target: Target;
  readonly policy: Policy;
  readonly offer: Offer;
  readonly sessions: SessionObserver;
  /** Sent with every request; those of another identity, where there is one. */
  readonly headers: Headers;
  readonly otherHeaders: Headers | undefined;
  /** Canaries found no session ended within this, ms; undefined when there was no need to look, or one had ended. */
  readonly endlessForMs: number | undefined;
  /** Steps the wall clock alone; absent in real time. */
  readonly stepWallClock: ((ms: number) => void) | undefined;
  /** What the simulator may be late by, ms: 0 where time is exact. */
  readonly toleranceMs: number;
  readonly tally: AuditTally;
  /** A whole number; names and tags are made from it. */
  readonly seed: number;
}

/** What became of all the sessions an audit opened. */
export interface AuditTally {
  attempted: number;
  opened: number;
  refused: number;
  deleted: number;
  left: number;
}

export interface OpenOptions {
  readonly peer?: Peer;
  readonly handshake?: 'full' | 'half';
  readonly clientName?: string;
  readonly protocolVersion?: string;
  readonly headers?: Headers;
}

/** What one probe works with: peers and sessions of its own, and the evidence it leaves. */
export class ProbeContext {
  readonly #parts: AuditParts;
  readonly #peers = new Set<Peer>();
  readonly #sessions = new Set<AuditSession>();
  readonly #trace: Trace;
  readonly signal: AbortSignal;
  #tags = 0;

  constructor(parts: AuditParts, signal: AbortSignal) {
    this.#parts = parts;
    this.signal = signal;
    this.#trace = new Trace(parts.target.endpoint, parts.headers);
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  get target(): Target {
    return this.#parts.target;
  }

  get policy(): Policy {
    return this.#parts.policy;
  }

  get offer(): Offer {
    return this.#parts.offer;
  }

  get toleranceMs(): number {
    return this.#parts.toleranceMs;
  }

  get endlessForMs(): number | undefined {
    return this.#parts.endlessForMs;
  }

  get otherHeaders(): Headers | undefined {
    return this.#parts.otherHeaders;
  }

  get stepWallClock(): ((ms: number) => void) | undefined {
    return this.#parts.stepWallClock;
  }

  /** A client host of its own. `headers`: instead of those that every request has. */
  peer({ headers = this.#parts.headers }: { headers?: Headers } = {}): Peer {
    const { target, clock } = this.#parts;
    const peer = new Peer({
      dial: target.dial,
      clock,
      endpoint: target.endpoint,
      headers,
      onExchange: (exchange) => this.#trace.add(exchange),
    });
    this.#peers.add(peer);
    return peer;
  }

  /** Sends one request from a host of its own. */
  send(request: WireRequest, options?: SendOptions): HttpExchange {
    return this.peer().send(request, options);
  }

  /** Sends `initialize`; whatever comes of it, a session that it opened will be deleted at the end of the probe. */
  async initialize({
    peer = this.peer(),
    clientName = 'mcp-soak-audit',
    protocolVersion = this.#parts.offer.protocolVersion,
    headers,
  }: OpenOptions = {}): Promise<{ answer: HttpAnswer; session: AuditSession | undefined }> {
    const { tally } = this.#parts;
    const body = initializeBody({ clientName, protocolVersion });
    tally.attempted += 1;
    const answer = await peer.send({ method: 'POST', body, ...(headers && { headers }) }).done();
    const session = this.adopt(answer, peer);
    if (!session) tally.refused += 1;
    return { answer, session };
  }

  /** The session that an answer to initialize opened, if any. */
  adopt(answer: HttpAnswer, peer: Peer): AuditSession | undefined {
    const id = answer.headers.get('mcp-session-id');
    const found = resultIn(answer);
    if (id === undefined || found?.message.kind !== 'result') return undefined;
    const { protocolVersion } = found.message.result;
    const session = new AuditSession({ id, protocolVersion: String(protocolVersion) }, peer);
    this.#sessions.add(session);
    this.#parts.tally.opened += 1;
    this.#trace.name(id);
    return session;
  }

  /**
   * Opens a session, with the handshake done unless it is to stay half.
   * @throws AuditError when the target does not let it in
   */
  async open(options: OpenOptions = {}): Promise<AuditSession> {
    const { answer, session } = await this.initialize(options);
    if (!session) {
      throw new AuditError(
        `initialize opened no session: ${answer.status ?? answer.end} ${answer.body.slice(0, 200)}`,
      );
    }
    if (options.handshake !== 'half') await session.notify('notifications/initialized').done();
    return session;
  }

  /** How many sessions the target holds now, and which where it lists them; undefined when it does not answer. */
  countSessions(): Promise<SessionSample | undefined> {
    return this.#parts.sessions.sample();
  }

  /** Waits, and ends at once when the audit is stopped. */
  sleep(ms: number): Promise<void> {
    return this.clock.sleep(ms, this.signal);
  }

  /** A text nobody else uses. */
  tag(): string {
    this.#tags += 1;
    return `tag-${this.#parts.seed}-${this.#tags}`;
  }

  /** From now on evidence begins here: what came before was preparation. */
  clearEvidence(): void {
    this.#trace.clear();
  }

  /** Something that decided the verdict and is no exchange. */
  note(line: string): void {
    this.#trace.note(line);
  }

  /** The lines that show what happened, the last ones when there are too many. */
  evidence(): string[] {
    return this.#trace.lines();
  }

  /** Deletes what it opened and closes what is open. */
  async tidy(): Promise<void> {
    const { tally } = this.#parts;
    this.#trace.stop();
    const fated = (fate: AuditSession['fate']) => [...this.#sessions].filter((each) => each.fate === fate);
    const undone = fated('ours');
    tally.left += fated('left').length;
    tally.deleted += fated('deleted').length;
    const cleaner = this.peer();
    for (const session of undone) {
      await cleaner
        .send({ method: 'DELETE', headers: session.headers }, { timeoutMs: CLEAN_WITHIN_MS })
        .done();
      tally.deleted += 1;
    }
    for (const peer of this.#peers) peer.close();
  }
}

/** What is not answered by then is left to the target. */
const CLEAN_WITHIN_MS = 2_000;

/** The audit cannot go on as it was meant to. */
export class AuditError extends Error {
  override name = 'AuditError';
}

export function initializeBody({
  clientName = 'mcp-soak-audit',
  protocolVersion = '2025-11-25',
  id = 1,
}: {
  clientName?: string;
  protocolVersion?: string;
  id?: string | number;
} = {}): string {
  return buildRequest(id, 'initialize', {
    protocolVersion,
    capabilities: {},
    clientInfo: { name: clientName, version: '1.0.0' },
  });
}

export { buildNotification, buildRequest, isObject, type JsonObject };
