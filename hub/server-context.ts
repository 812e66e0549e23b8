import type { AgentRegistry } from './agents.ts';
import type { Conversations } from './conversations.ts';
import type { HubLogger } from './logger.ts';
import type { Session } from './session.ts';

/** What the MCP server of one session may know of the hub around it. */
export interface McpServerContext {
  /** The session it serves; undefined until that is registered, and once it has ended. */
  readonly session: () => Session | undefined;
  readonly agents: AgentRegistry;
  readonly conversations: Conversations;
  readonly logger: HubLogger;
  /** Told of each message between agents. */
  readonly messageSent: (delivered: Delivery) => void;
}

/** How far a message got: onto the recipient's open stream, or to where it can be fetched from later. */
export const DELIVERIES = ['stream', 'kept'] as const;
export type Delivery = (typeof DELIVERIES)[number];
