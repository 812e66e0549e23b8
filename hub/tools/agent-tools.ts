import * as z from 'zod';
import { type Agent, type AgentRegistry, agentName, type RegistrationRefusal } from '../agents.ts';
import { isoTime } from '../session-manager.ts';
import { failure, structured, type Tool, tool } from './tool.ts';

const MAX_DESCRIPTION_LENGTH = 500;
const PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;
/** Names that an error lists: enough to see a typing error, too few to be a listing. */
const NAMES_IN_ERRORS = 20;

export const AGENT_TOOLS: readonly Tool[] = [
  tool(
    'register_agent',
    'Makes this session an agent under a name of its own, until the session ends. Others can send it messages ' +
      'then; they arrive as notifications/agents/message on the open stream, and are kept for get_conversation.',
    z.object({ name: agentName, description: z.string().max(MAX_DESCRIPTION_LENGTH).default('') }),
    async (args, { context: { agents, session } }) => {
      const own = session();
      if (!own) throw new Error('The session has ended.');
      const agent = agents.register(own, args);
      return typeof agent === 'string' ? failure(refusalText(agent, args.name)) : structured(describe(agent));
    },
  ),
  tool(
    'list_agents',
    'Lists the agents there are, in order of registration. `next`, where there is one, is the `after` of the ' +
      'next page; `you` is the name of the agent that asks, if it is one.',
    z.object({
      after: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(MAX_PAGE_SIZE).default(PAGE_SIZE),
    }),
    async ({ after, limit }, { context: { agents, session } }) => {
      const page: Agent[] = [];
      let next: number | undefined;
      for (const agent of agents.list(after)) {
        if (page.length === limit) {
          next = page.at(-1)?.number;
          break;
        }
        page.push(agent);
      }
      const you = agents.ofSession(session()?.id ?? '')?.name;
      return structured({
        agents: page.map(describe),
        total: agents.size,
        ...(you !== undefined && { you }),
        ...(next !== undefined && { next }),
      });
    },
  ),
];

/** What is said of an agent: nothing of its session, whose id is a credential. */
function describe({ name, description, registeredAt }: Agent) {
  return { name, description, since: isoTime(registeredAt) };
}

function refusalText(refusal: RegistrationRefusal, name: string): string {
  switch (refusal) {
    case 'name-taken':
      return `The name '${name}' is taken, until the session of that agent ends.`;
    case 'named-already':
      return 'This session is an agent under another name already. A session is one agent.';
    case 'too-many':
      return 'There are as many agents as this hub takes. Try again when one has ended.';
  }
}

/** For a name that nobody has: says which there are. */
export function unknownAgent(agents: AgentRegistry, name: string): string {
  const names: string[] = [];
  for (const agent of agents.list()) {
    if (names.length === NAMES_IN_ERRORS) break;
    names.push(agent.name);
  }
  const more = agents.size > names.length ? `, and ${agents.size - names.length} more` : '';
  const known = names.length === 0 ? 'There are none.' : `There are: ${names.join(', ')}${more}.`;
  return `There is no agent '${name}'. ${known}`;
}
