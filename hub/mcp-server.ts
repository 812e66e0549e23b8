import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  type ListToolsResult,
  McpError,
  ToolSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import * as z from 'zod';
import type { McpServerContext } from './server-context.ts';
import { AGENT_TOOLS } from './tools/agent-tools.ts';
import { CONVERSATION_TOOLS } from './tools/conversation-tools.ts';
import { TEST_TOOLS } from './tools/test-tools.ts';
import type { ToolCall } from './tools/tool.ts';

const TOOLS = [...TEST_TOOLS, ...AGENT_TOOLS, ...CONVERSATION_TOOLS];

type InputSchema = ListToolsResult['tools'][number]['inputSchema'];

function toInputSchema(input: z.ZodObject): InputSchema {
  const { properties, required } = z.toJSONSchema(input, { io: 'input' });
  return ToolSchema.shape.inputSchema.parse({ type: 'object', properties, required });
}

/** Built once and shared by all sessions: a catalogue of its own per session costs 18 KiB per tool (F50). */
const CATALOGUE: ListToolsResult = {
  tools: TOOLS.map(({ name, description, input }) => ({
    name,
    description,
    inputSchema: toInputSchema(input),
  })),
};

const TOOLS_BY_NAME = new Map(TOOLS.map((entry) => [entry.name, entry]));

/** Likewise: a validator of its own per session costs 247 µs and 18.7 kB. */
const VALIDATOR = new AjvJsonSchemaValidator();

/** A fresh MCP server with the hub's tools, for one session: the SDK connects a server to one transport only. */
export function createMcpServer(context: McpServerContext): Server {
  const server = new Server(
    { name: 'mcp-soak-hub', version: '0.1.0' },
    { capabilities: { tools: {} }, jsonSchemaValidator: VALIDATOR },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => CATALOGUE);
  server.setRequestHandler(CallToolRequestSchema, (request, extra) =>
    callTool(request.params, { context, extra }),
  );
  return server;
}

async function callTool(
  params: { name: string; arguments?: unknown },
  call: ToolCall,
): Promise<CallToolResult> {
  const found = TOOLS_BY_NAME.get(params.name);
  if (!found) {
    const names = [...TOOLS_BY_NAME.keys()].join(', ');
    throw new McpError(ErrorCode.InvalidParams, `Unknown tool '${params.name}'. There are: ${names}.`);
  }
  try {
    return await found.run(params.arguments ?? {}, call);
  } catch (error) {
    if (error instanceof z.ZodError) throw new McpError(ErrorCode.InvalidParams, z.prettifyError(error));
    throw error;
  }
}
