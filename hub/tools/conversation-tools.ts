import * as z from 'zod';
import { type Agent, agentName } from '../agents.ts';
import { MAX_MESSAGE_LENGTH, type Message } from '../conversations.ts';
import type { Delivery, McpServerContext } from '../server-context.ts';
import { isoTime } from '../session-manager.ts';
import { unknownAgent } from './agent-tools.ts';
import { failure, structured, type Tool, tool } from './tool.ts';

/** A notification of the hub's own: clients that do not know it ignore it, as JSON-RPC asks of them. */
const MESSAGE_METHOD = 'notifications/agents/message';

const PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 100;

export const CONVERSATION_TOOLS: readonly Tool[] = [
  tool(
    'send_message',
    'Sends a message to another agent. `delivered` says how: on its open stream, or kept until it fetches it.',
    z.object({ to: agentName, message: z.string().min(1).max(MAX_MESSAGE_LENGTH) }),
    async (args, { context }) => {
      const from = callerOf(context);
      if (!from) return failure(NO_AGENT);
      const to = context.agents.named(args.to);
      if (!to) return failure(unknownAgent(context.agents, args.to));
      if (to === from) return failure('An agent sends messages to others, not to itself.');
      const message = context.conversations.add(from, to, args.message);
      const delivered = deliver(message, context);
      context.messageSent(delivered);
      const { id, sentAt } = message;
      return structured({ id, from: from.name, to: to.name, sentAt: isoTime(sentAt), delivered });
    },
  ),
  tool(
    'get_conversation',
    'Gives what this agent and another said to each other, oldest first. `next`, where there is one, is the ' +
      '`after` of the next page; `dropped` counts older messages that are no longer kept.',
    z.object({
      with: agentName,
      after: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(MAX_PAGE_SIZE).default(PAGE_SIZE),
    }),
    async (args, { context }) => {
      const reader = callerOf(context);
      if (!reader) return failure(NO_AGENT);
      const page = context.conversations.page(reader, args.with, args);
      if (!page && !context.agents.named(args.with)) return failure(unknownAgent(context.agents, args.with));
      return structured({
        with: args.with,
        messages: (page?.messages ?? []).map(describe),
        dropped: page?.dropped ?? 0,
        ...(page?.next !== undefined && { next: page.next }),
      });
    },
  ),
];

const NO_AGENT = 'This session is no agent yet: call register_agent first.';

function callerOf({ agents, session }: McpServerContext): Agent | undefined {
  const own = session();
  return own && agents.ofSession(own.id);
}

/**
 * Hands the message to the recipient's own transport. Not awaited: that waits for room on a stream whose reader is
 * slow, and a frozen recipient must not hold up who writes to it.
 */
function deliver(message: Message, { logger }: McpServerContext): Delivery {
  const { session } = message.to;
  const delivered = session.openStreams > 0 ? 'stream' : 'kept';
  session.transport
    .send({ jsonrpc: '2.0', method: MESSAGE_METHOD, params: describe(message) })
    .catch((error: unknown) => logger.problem('message-not-delivered', error));
  return delivered;
}

function describe({ id, from, to, text, sentAt }: Message) {
  return { id, from: from.name, to: to.name, message: text, sentAt: isoTime(sentAt) };
}
