import type { Agent, AgentRegistry } from './agents.ts';
import type { HubLogger } from './logger.ts';
import type { McpServerLike, Session, SessionParts } from './session.ts';
import type { EndReason, SessionManager } from './session-manager.ts';
import type { SessionStore, StoredSessionState } from './session-store.ts';
import type { StreamKeeper } from './session-streams.ts';
import type { SessionTransport } from './transport.ts';

/** Whom a restored session belongs to, as caps count clients: the address it came from is not kept. */
const RESTORED_CLIENT = 'restored';

/** How a restored session gets its MCP server and its transport. */
export interface Makers {
  readonly createMcpServer: (sessionId: string) => McpServerLike;
  readonly createTransport: (sessionId: string) => SessionTransport;
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
    this.#attempt((store) => store.completeHandshake(session.id));
  }

  /** To be called before the client is told that its session is an agent. */
  agentRegistered({ session, number, name, description }: Agent): void {
    this.#attempt((store) => store.saveAgent(session.id, { number, name, description }));
  }

  /** A shutdown ends the process, not the session: it is taken up by the next one. */
  sessionEnded(session: Session, reason: EndReason): void {
    if (reason === 'shutdown' || !this.#store) return;
    this.#unremoved.add(session.id);
    const [oldest] = this.#unremoved;
    if (this.#unremoved.size > MAX_UNREMOVED && oldest !== undefined) this.#unremoved.delete(oldest);
    this.#removeEnded();
  }

  /** Keeps the streams of a session. Nothing is dropped for a shutdown: what was not read may be resumed. */
  streamKeeper(sessionId: string): StreamKeeper | undefined {
    if (!this.#store) return undefined;
    return {
      appended: ({ stream, seq, json }) =>
        this.#attempt((store) => store.appendEvent(sessionId, { stream, seq, json })),
      dropped: ({ stream, seq }) => this.#attempt((store) => store.dropEvent(sessionId, stream, seq)),
      streamChanged: (stream) => this.#attempt((store) => store.saveStream(sessionId, stream)),
    };
  }

  /** Takes up every kept session, and its agent: a fresh MCP server each, with the old initialize replayed into it. */
  async restore(sessions: SessionManager, agents: AgentRegistry, makers: Makers): Promise<number> {
    const kept = this.#store?.load() ?? [];
    for (const state of kept) await restoreSession(state, sessions, makers);
    const named = kept.flatMap(({ id, agent }) => (agent ? [{ id, agent }] : []));
    for (const { id, agent } of named.sort((a, b) => a.agent.number - b.agent.number)) {
      const session = sessions.peek(id);
      if (session) agents.restore(session, agent);
    }
    return kept.length;
  }

  close(): void {
    this.#removeEnded();
    this.#attempt((store) => store.close());
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

async function restoreSession(
  state: StoredSessionState,
  sessions: SessionManager,
  { createMcpServer, createTransport }: Makers,
): Promise<void> {
  const { id, clientInfo, protocolVersion, identity, initializeParams } = state;
  const transport = createTransport(id);
  const server = createMcpServer(id);
  await server.connect(transport);
  const { onclose } = transport;
  transport.onclose = () => {
    onclose?.();
    sessions.removeSession(id, 'error');
  };
  sessions.registerSession(id, {
    transport,
    server,
    clientInfo,
    protocolVersion,
    client: identity ?? RESTORED_CLIENT,
    identity: identity ?? undefined,
    initializeParams,
  });
  if (state.isHandshakeDone) sessions.completeHandshake(id);
  transport.restore(state);
}
