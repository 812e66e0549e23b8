import type { JSONRPCNotification } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';

/** What an agent needs of its session. */
export interface AgentSession {
  readonly id: string;
  readonly openStreams: number;
  readonly transport: { send(message: JSONRPCNotification): Promise<void> };
}

/**
 * A participant: a name that a session gave itself, for as long as that session lives. One that takes the same
 * name later is another agent: conversations belong to agents, not to names.
 */
export interface Agent {
  /** Running number, in order of registration: the cursor of listings. */
  readonly number: number;
  readonly name: string;
  readonly description: string;
  readonly session: AgentSession;
  /** Monotonic, ms. */
  readonly registeredAt: number;
  readonly isEnded: boolean;
}

/** As many as there may be sessions by default: each session is one agent at most. */
const MAX_AGENTS = 10_000;

/** Names appear in listings, errors and logs, so they hold nothing that has to be escaped there. */
export const agentName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'expected 1 to 64 letters, digits, dots, hyphens or underscores, the first a letter or digit',
  );

/** Why a registration is refused: another session has the name, this one has another name, or there is no room. */
export type RegistrationRefusal = 'name-taken' | 'named-already' | 'too-many';

/** Every agent of the hub. An agent belongs to the session that registered it, and ends with it. */
export class AgentRegistry {
  readonly #maxAgents: number;
  readonly #onRegistered: ((agent: Agent) => void) | undefined;
  readonly #byName = new Map<string, Ending>();
  readonly #bySession = new Map<string, Ending>();
  #registered = 0;

  /** `onRegistered` is called before whoever registered is told. */
  constructor({ maxAgents = MAX_AGENTS, onRegistered }: RegistryOptions = {}) {
    this.#maxAgents = maxAgents;
    this.#onRegistered = onRegistered;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Registering again under the same name changes nothing: clients repeat calls whose answer they lost. */
  register(
    session: AgentSession,
    { name, description = '' }: { name: string; description?: string },
  ): Agent | RegistrationRefusal {
    const own = this.#bySession.get(session.id);
    if (own) return own.name === name ? own : 'named-already';
    if (this.#byName.has(name)) return 'name-taken';
    if (this.#byName.size >= this.#maxAgents) return 'too-many';
    const agent = this.#add(session, { number: this.#registered + 1, name, description });
    this.#onRegistered?.(agent);
    return agent;
  }

  /**
   * Takes up the agent of an earlier process, under its number: in order of these, before anybody registers. A name
   * that somebody has by now stays with him.
   */
  restore(session: AgentSession, known: KnownAgent): void {
    if (!this.#byName.has(known.name)) this.#add(session, known);
  }

  /** The session is over, and so is its agent, if it had one: that is returned. */
  sessionEnded(sessionId: string): Agent | undefined {
    const agent = this.#bySession.get(sessionId);
    if (!agent) return undefined;
    this.#bySession.delete(sessionId);
    this.#byName.delete(agent.name);
    agent.isEnded = true;
    return agent;
  }

  #add(session: AgentSession, { number, name, description }: KnownAgent): Ending {
    const agent = { number, name, description, session, registeredAt: performance.now(), isEnded: false };
    this.#registered = Math.max(this.#registered, number);
    this.#byName.set(name, agent);
    this.#bySession.set(session.id, agent);
    return agent;
  }

  named(name: string): Agent | undefined {
    return this.#byName.get(name);
  }

  ofSession(sessionId: string): Agent | undefined {
    return this.#bySession.get(sessionId);
  }

  /** Agents in order of registration, after the given running number. */
  *list(afterNumber = 0): Generator<Agent> {
    for (const agent of this.#byName.values()) if (agent.number > afterNumber) yield agent;
  }
}

interface RegistryOptions {
  readonly maxAgents?: number;
  readonly onRegistered?: (agent: Agent) => void;
}

/** What is known of an agent apart from its session. */
type KnownAgent = Pick<Agent, 'number' | 'name' | 'description'>;

/** An agent as its registry knows it: the one who may end it. */
interface Ending extends Agent {
  isEnded: boolean;
}
