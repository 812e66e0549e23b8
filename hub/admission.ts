import type { IncomingMessage } from 'node:http';
import { HubError } from './errors.ts';
import type { Caller, Identity } from './identity.ts';
import { noSession } from './message-rules.ts';
import type { RateLimits } from './rate-limit.ts';
import type { RefusalLog } from './refusal-log.ts';
import type { Session } from './session.ts';
import type { SessionManager } from './session-manager.ts';

export interface AdmissionParts {
  readonly identity: Identity;
  readonly sessions: SessionManager;
  readonly limits: RateLimits;
  readonly refusals: RefusalLog;
}

/**
 * Who is let in, and in which order that is asked: authentication → session → rate (F21). So a client whose
 * session is gone is told 404 and starts over, whatever its rate; only who may ask at all is told anything.
 */
export class Admission {
  readonly #identity: Identity;
  readonly #sessions: SessionManager;
  readonly #limits: RateLimits;
  readonly #refusals: RefusalLog;

  constructor({ identity, sessions, limits, refusals }: AdmissionParts) {
    this.#identity = identity;
    this.#sessions = sessions;
    this.#limits = limits;
    this.#refusals = refusals;
  }

  /** @throws HubError UNAUTHORIZED, INSUFFICIENT_SCOPE */
  caller(request: IncomingMessage): Promise<Caller> {
    return this.#identity.caller(request);
  }

  /**
   * The session that a request names, if it is the caller's. One of somebody else is answered as one that does
   * not exist, by the same path and with the same words.
   *
   * Guessing ids is bounded, too, but never by another status: beyond the bucket the answer is still 404, and
   * the connection is closed with it.
   * @throws HubError SESSION_ID_REQUIRED, SESSION_NOT_FOUND, DRAINING
   */
  async session(request: IncomingMessage, caller: Caller): Promise<Session> {
    const id = request.headers['mcp-session-id'];
    if (id === undefined) throw new HubError('SESSION_ID_REQUIRED');
    const session = typeof id === 'string' ? this.#sessions.peek(id) : undefined;
    if (session && session.identity === caller.identity) return session;
    if (this.#sessions.isShutDown) throw noSession(this.#sessions);
    if (!(await this.#limits.isProbing(caller.client))) throw new HubError('SESSION_NOT_FOUND');
    this.#refusals.note('UNKNOWN_SESSIONS');
    throw new HubError('SESSION_NOT_FOUND', { headers: { connection: 'close' } });
  }

  /**
   * The same for a request that uses the session. From here on it counts as used: it shall not be evicted while
   * the body comes in, nor because its client is told to slow down.
   * @throws HubError as above, and TOO_MANY_REQUESTS
   */
  async use(request: IncomingMessage, caller: Caller): Promise<Session> {
    const session = await this.session(request, caller);
    await this.message(session.id);
    return session;
  }

  /**
   * A message on the WebSocket of a session, whose caller was asked for when that was opened.
   * @throws HubError TOO_MANY_REQUESTS
   */
  async message(sessionId: string): Promise<void> {
    this.#sessions.updateActivity(sessionId);
    await this.#limits.session(sessionId);
  }

  /**
   * A request without a session, which may ask for one. Decided before its body is read: what is to be refused
   * shall cost nothing.
   * @throws HubError TOO_MANY_REQUESTS
   */
  async newcomer(caller: Caller): Promise<void> {
    try {
      await this.#limits.initialize(caller.client);
    } catch (refusal) {
      this.#sessions.countRefused();
      throw refusal;
    }
  }
}
