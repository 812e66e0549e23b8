import type { AgentSession } from '../../hub/agents.ts';
import type { RawClient } from './raw-client.ts';

/** What a tool answered: the object in it, or the text of its error. */
export type Answered =
  | { readonly value: Record<string, unknown> }
  | { readonly error: string }
  | { readonly code: unknown };

/** Calls a tool, and takes its answer apart. */
export async function ask(
  raw: RawClient,
  session: string,
  tool: string,
  args: Record<string, unknown> = {},
): Promise<Answered> {
  const { json } = await raw.call(session, tool, args);
  const answer = Object(json);
  if (answer.error) return { code: answer.error.code };
  const [{ text }] = answer.result.content;
  if (answer.result.isError) return { error: text };
  const value = answer.result.structuredContent;
  // Clients from before structured content read the text.
  if (text !== JSON.stringify(value)) throw new Error(`text and object differ: ${text}`);
  return { value };
}

/** Opens a session that is an agent at once. */
export async function openAgent(raw: RawClient, name: string): Promise<string> {
  const session = await raw.open();
  const answer = await ask(raw, session, 'register_agent', { name });
  if (!('value' in answer)) throw new Error(`${name} was not registered: ${JSON.stringify(answer)}`);
  return session;
}

/** A session as far as agents care, without a hub. */
export function bareSession(id: string): AgentSession {
  return { id, openStreams: 0, transport: { send: async () => undefined } };
}
