import * as z from 'zod';
import { refusalOf } from '../first-answer.ts';
import type { RequestOptions } from '../mcp/client-options.ts';
import type { McpClient } from '../mcp/mcp-client.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Lanes } from './lanes.ts';
import { LeakError } from './leak-error.ts';
import type { LeakOptions } from './leak-options.ts';

/** What is called in a session. */
export interface ToolCall {
  readonly name: string;
  /** A tool of this target that sends events, `emit` of the reference hub or the one that was asked for. */
  readonly emitter: Emitter | undefined;
  run(client: McpClient): Promise<Outcome>;
}

/** Calls a tool that sends progress while it works. `token`: what each event carries; a long one makes large events. */
export type Emitter = (
  client: McpClient,
  request: { count: number; token: string },
  options?: RequestOptions,
) => Promise<Outcome>;

const ToolsSchema = z.object({ tools: z.array(z.looseObject({ name: z.string() })) });

/**
 * Finds out what can be called, in a session that is ended again.
 * @throws RequestError when the target does not let us in; LeakError when no session can be had, or there is no such tool
 */
export async function chooseCall(lanes: Lanes, wanted: LeakOptions['call']): Promise<ToolCall> {
  const client = lanes.loner();
  try {
    const opened = await client.initialize({ handshake: 'full' });
    const refusal = refusalOf(opened, 'initialize', lanes.letIn);
    if (refusal) throw refusal;
    if (opened.kind !== 'result') throw new LeakError(`no session can be opened: ${describe(opened)}`);
    const listed = await client.list('tools');
    const tools = listed.kind === 'result' ? ToolsSchema.safeParse(listed.result) : undefined;
    const names = tools?.data?.tools.map(({ name }) => name) ?? [];
    await client.delete();
    if (wanted) return wantedCall(wanted, names);
    const emitter = names.includes('emit') ? emitWith('emit', {}) : undefined;
    if (!names.includes('echo'))
      return { name: 'tools/list', emitter, run: (caller) => caller.list('tools') };
    return { name: 'echo', emitter, run: (caller) => caller.call('echo', { message: 'still the same' }) };
  } finally {
    client.release();
  }
}

function wantedCall(
  { tool, arguments: args }: NonNullable<LeakOptions['call']>,
  names: readonly string[],
): ToolCall {
  if (names.length > 0 && !names.includes(tool)) {
    throw new LeakError(`there is no tool '${tool}': the target lists ${names.slice(0, 20).join(', ')}`);
  }
  return { name: tool, emitter: emitWith(tool, args), run: (caller) => caller.call(tool, args) };
}

/** `count` is the argument of `emit`; another tool sends what it sends. */
function emitWith(tool: string, args: Readonly<Record<string, unknown>>): Emitter {
  return (client, { count, token }, options) => {
    const params = { name: tool, arguments: { count, ...args }, _meta: { progressToken: token } };
    return client.request('tools/call', params, options);
  };
}

function describe(outcome: Outcome): string {
  if (outcome.kind === 'http-error') return `status ${outcome.status} ${outcome.body.slice(0, 100)}`;
  return 'message' in outcome ? `${outcome.kind}, ${outcome.message}` : outcome.kind;
}
