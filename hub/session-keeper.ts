import type { Agent, AgentRegistry } from './agents.ts';
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

/**
 * Writes down what happens to sessions, and takes them up again after a restart. Without a store it does nothing:
 * sessions then live as long as the process.
 */
export class SessionKeeper {
  readonly #store: SessionStore | undefined;

  constructor(store: SessionStore | undefined) {
    this.#store = store;
  }

  /** To be called before the client is told its session id. */
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
    this.#store?.completeHandshake(session.id);
  }

  /** To be called before the client is told that its session is an agent. */
  agentRegistered({ session, number, name, description }: Agent): void {
    this.#store?.saveAgent(session.id, { number, name, description });
  }

  /** A shutdown ends the process, not the session: it is taken up by the next one. */
  sessionEnded(session: Session, reason: EndReason): void {
    if (reason !== 'shutdown') this.#store?.removeSession(session.id);
  }

  /** Keeps the streams of a session. Nothing is dropped for a shutdown: what was not read may be resumed. */
  streamKeeper(sessionId: string): StreamKeeper | undefined {
    const store = this.#store;
    if (!store) return undefined;
    return {
      appended: ({ stream, seq, json }) => store.appendEvent(sessionId, { stream, seq, json }),
      dropped: ({ stream, seq }) => store.dropEvent(sessionId, stream, seq),
      streamChanged: (stream) => store.saveStream(sessionId, stream),
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
    this.#store?.close();
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
