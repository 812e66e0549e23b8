import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { type JSONRPCMessage, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { describe, expect, it } from 'vitest';
import type { McpServerLike, Session } from '../../hub/session.ts';
import { inTime } from './lifecycle-stories.ts';
import type { VirtualWorld } from './virtual-world.ts';

const SESSIONS = 5;

/** The objects, not their text, that the sessions of a hub answer from. */
async function sharedBy({ raw, hub }: VirtualWorld) {
  const lists = new Set<unknown>();
  const tools = new Set<unknown>();
  const schemas = new Set<unknown>();
  const validators = new Set<unknown>();
  for (let n = 0; n < SESSIONS; n += 1) {
    const id = await raw.open();
    const session = hub.sessions.peek(id);
    if (!session) throw new Error('the session is not there');
    // By the name that SDK 1.32 has for it: nothing else shows which one a server has.
    validators.add(Reflect.get(session.server, '_jsonSchemaValidator'));
    const answers = heardFrom(session);
    for (let ask = 1; ask <= 2; ask += 1) {
      await raw.send({ session: id, body: { jsonrpc: '2.0', id: ask, method: 'tools/list' } });
    }
    for (const answer of answers) {
      const list = 'result' in answer ? answer.result.tools : undefined;
      if (!Array.isArray(list)) throw new Error('no list of tools');
      lists.add(list);
      for (const tool of list) tools.add(tool);
      for (const { inputSchema } of list) schemas.add(inputSchema);
    }
  }
  return { lists, tools, schemas, validators };
}

/** The messages as the MCP server hands them over to be sent. */
function heardFrom({ transport }: Session): JSONRPCMessage[] {
  const messages: JSONRPCMessage[] = [];
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    messages.push(message);
    return send(message, options);
  };
  return messages;
}

describe('What is the same for all sessions of a hub is there once (F50)', () => {
  const TOOLS = 8;

  it('the list of tools, each tool, its schema, and what validates', () =>
    inTime(async (world) => {
      const { lists, tools, schemas, validators } = await sharedBy(world);
      expect([lists.size, tools.size, schemas.size]).toEqual([1, TOOLS, TOOLS]);
      expect([...validators]).toEqual([expect.any(AjvJsonSchemaValidator)]);
    }));

  /** Broken on purpose: builds both for each session. */
  const building = (): McpServerLike => {
    const own = new Server({ name: 'own', version: '1' }, { capabilities: { tools: {} } });
    const newTool = (name: string) => ({ name, inputSchema: { type: 'object' as const } });
    const list = { tools: Array.from({ length: TOOLS }, (_, n) => newTool(`tool-${n}`)) };
    own.setRequestHandler(ListToolsRequestSchema, () => list);
    return own;
  };

  it('is seen to be there as often as there are sessions, where each builds its own', () =>
    inTime(
      async (world) => {
        const each = TOOLS * SESSIONS;
        const { lists, tools, schemas, validators } = await sharedBy(world);
        expect([lists.size, tools.size, schemas.size]).toEqual([SESSIONS, each, each]);
        expect(validators.size).toBe(SESSIONS);
      },
      {},
      building,
    ));
});
