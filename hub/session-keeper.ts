import type { Agent, AgentRegistry } from './agents.ts';
import { clientOf } from './identity.ts';
import type { HubLogger } from './logger.ts';
import type { McpServerLike, Session, SessionParts } from './session.ts';
import type { EndReason, SessionManager } from './session-manager.ts';
import { closeServer, connectServer } from './session-opening.ts';
import type { SessionStore, StoredSessionState } from './session-store.ts';
import type { StreamKeeper } from './session-streams.ts';
import type { SessionTransport } from './transport.ts';

/** Whom a restored session without an identity belongs to, as caps count clients: its address is not kept. */
const RESTORED_CLIENT = 'restored';

/** How a restored session gets its MCP server and its transport. */
export interface Makers {
  readonly createMcpServer: (sessionId: string) => McpServerLike;
  readonly createTransport: (sessionId: string) => SessionTransport;
}

interface RestoreParts {
  readonly sessions: SessionManager;
  readonly agents: AgentRegistry;
  readonly makers: Makers;
  /** How long their MCP servers may take to connect, all at once. */
  readonly deadlineMs: number;
}

/** A store that fails does so for every event: its log gets a line in so many ms. */
const FAILURE_LOG_MS = 60_000;
/** Ended sessions that could not be removed yet; beyond that the oldest comes back at a restart, until it is idle. */
const MAX_UNREMOVED = 10_000;

/**
 * Writes down what happens to sessions, and takes them up again after a restart. Without a store it does nothing:
 * sessions then live as long as the process.
 *
 * A store may fail (a full disk, a file that somebody locks). No session is opened then, since its client would be
 * told of one that is not kept; those there are go on, and only their resuming after a restart is lost.
 */
export class SessionKeeper {
  readonly #store: SessionStore | undefined;
  readonly #logger: HubLogger;
  readonly #unremoved = new Set<string>();
  /** The session that is being registered for the second time: it is in the store as it should be. */
  #restoring: string | undefined;
  #isClosed = false;
  #failures = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(store: SessionStore | undefined, logger: HubLogger) {
    this.#store = store;
    this.#logger = logger;
  }

  /**
   * To be called before the client is told its session id.
   * @throws what the store throws: the session must not be opened
   */
  sessionOpened(session: Session, { initializeParams }: SessionParts): void {
    const { id, clientInfo, protocolVersion, identity = null, isHandshakeDone } = session;
    if (id === this.#restoring) return;
    this.#store?.saveSession({
      id,
      clientInfo,
      protocolVersion,
      initializeParams,
      identity,
      isHandshakeDone,
    });
  }

  handshakeCompleted(session: Session): void {
    if (session.id !== this.#restoring) this.#attempt((store) => store.completeHandshake(session.id));
  }

  /** To be called before the client is told that its session is an agent. */
  agentRegistered({ session, number, name, description }: Agent): void {
    this.#attempt((store) => store.saveAgent(session.id, { number, name, description }));
  }

  /** A shutdown ends the process, not the session: it is taken up by the next one. */
  sessionEnded(session: Session, reason: EndReason): void {
    if (reason !== 'shutdown' && this.#store) this.#removeFromStore(session.id);
  }

  /** Keeps the streams of a session. Nothing is dropped for a shutdown: what was not read may be resumed. */
  streamKeeper(sessionId: string): StreamKeeper | undefined {
    if (!this.#store) return undefined;
    return {
      appended: ({ stream, seq, json }) =>
        this.#attempt((store) => store.appendEvent(sessionId, { stream, seq, json })),
      dropped: ({ stream, seq }) => this.#attempt((store) => store.dropEvent(sessionId, stream, seq)),
      positionChanged: (position) => this.#attempt((store) => store.savePosition(sessionId, position)),
      streamChanged: (stream) => this.#attempt((store) => store.saveStream(sessionId, stream)),
    };
  }

  /**
   * Takes up every kept session, and its agent: a fresh MCP server each, with the old initialize replayed into it. One
   * whose MCP server fails, or is not there by the deadline, is ended: it takes no other along, and its client is
   * told 404 and starts over.
   */
  async restore(parts: RestoreParts): Promise<void> {
    const kept = this.#store?.load() ?? [];
    if (kept.length === 0) return;
    const connecting = new Set<SessionTransport>();
    const timer = setTimeout(() => {
      for (const transport of connecting) transport.end('restore');
    }, parts.deadlineMs);
    const problems: unknown[] = [];
    const restored = kept.map((state) =>
      this.#restoreSession(state, parts, connecting).catch((error: unknown) => {
        problems.push(error);
        if (!this.#isClosed) this.#removeFromStore(state.id);
      }),
    );
    await Promise.all(restored);
    clearTimeout(timer);
    if (problems.length > 0) this.#logger.notRestored(problems[0], problems.length);
    const named = kept.flatMap(({ id, agent }) => (agent ? [{ id, agent }] : []));
    for (const { id, agent } of named.sort((a, b) => a.agent.number - b.agent.number)) {
      const session = parts.sessions.peek(id);
      if (session) parts.agents.restore(session, agent);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#removeEnded();
    this.#attempt((store) => store.close());
  }

  async #restoreSession(
    state: StoredSessionState,
    { sessions, makers }: RestoreParts,
    connecting: Set<SessionTransport>,
  ): Promise<void> {
    const { id, clientInfo, protocolVersion, initializeParams } = state;
    const server = makers.createMcpServer(id);
    const transport = makers.createTransport(id);
    connecting.add(transport);
    await connectServer(server, transport, this.#logger);
    connecting.delete(transport);
    try {
      if (this.#isClosed) throw new Error('The hub was shut down.');
      const identity = state.identity ?? undefined;
      const client = identity === undefined ? RESTORED_CLIENT : clientOf(identity);
      const owner = { client, identity, clientInfo, protocolVersion, initializeParams };
      this.#restoring = id;
      sessions.registerSession(id, { transport, server, ...owner });
      if (state.isHandshakeDone) sessions.completeHandshake(id);
      transport.whenEnded(() => sessions.removeSession(id, 'error'));
      transport.restore(state);
    } catch (error) {
      if (!sessions.removeSession(id, 'error')) closeServer(server, this.#logger);
      throw error;
    } finally {
      this.#restoring = undefined;
    }
  }

  #removeFromStore(sessionId: string): void {
    this.#unremoved.add(sessionId);
    const [oldest] = this.#unremoved;
    if (this.#unremoved.size > MAX_UNREMOVED && oldest !== undefined) this.#unremoved.delete(oldest);
    this.#removeEnded();
  }

  /** What ended while the store failed is removed with the next that ends: it must not come back at a restart. */
  #removeEnded(): void {
    this.#attempt((store) => {
      for (const id of this.#unremoved) {
        store.removeSession(id);
        this.#unremoved.delete(id);
      }
    });
  }

  #attempt(write: (store: SessionStore) => void): void {
    if (!this.#store) return;
    try {
      write(this.#store);
    } catch (error) {
      this.#failures += 1;
      const now = performance.now();
      if (now - this.#loggedAt < FAILURE_LOG_MS) return;
      this.#loggedAt = now;
      this.#logger.storeFailed(error, this.#failures);
      this.#failures = 0;
    }
  }
}
