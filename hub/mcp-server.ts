import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  type ListToolsResult,
  McpError,
  type ServerNotification,
  type ServerRequest,
  ToolSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import * as z from 'zod';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  run(args: unknown, extra: Extra): Promise<CallToolResult>;
}

/** The longest a test tool waits or works, so that no call outlives its day. */
const MAX_WAIT_MS = 24 * 3_600_000;
const MAX_EVENTS = 10_000;

function tool<Input extends z.ZodObject>(
  name: string,
  description: string,
  input: Input,
  run: (args: z.infer<Input>, extra: Extra) => Promise<CallToolResult>,
): Tool {
  return { name, description, input, run: (args, extra) => run(input.parse(args), extra) };
}

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });

const waitMs = z.number().min(0).max(MAX_WAIT_MS);

/** Tools to test sessions with: an answer at once, a late one, one with events before it, and none that is good. */
const TOOLS: readonly Tool[] = [
  tool(
    'echo',
    'Answers with the message it was given.',
    z.object({ message: z.string() }),
    async ({ message }) => text(message),
  ),
  tool('sleep', 'Answers after so many milliseconds.', z.object({ ms: waitMs }), async ({ ms }, extra) => {
    await sleep(ms, extra.signal);
    return text(`slept ${ms} ms`);
  }),
  tool(
    'emit',
    'Sends progress notifications, so many and so far apart, then answers.',
    z.object({ count: z.number().int().min(0).max(MAX_EVENTS), intervalMs: waitMs.default(0) }),
    async ({ count, intervalMs }, extra) => {
      for (let progress = 1; progress <= count; progress += 1) {
        await sleep(intervalMs, extra.signal);
        await sendProgress(extra, progress, count);
      }
      return text(`emitted ${count}`);
    },
  ),
  tool(
    'fail',
    'Fails: as a tool error the caller can read, or by throwing.',
    z.object({ how: z.enum(['result', 'throw']).default('result') }),
    async ({ how }) => {
      if (how === 'throw') throw new Error('The tool threw, as it was asked to.');
      return { ...text('The tool failed, as it was asked to.'), isError: true };
    },
  ),
];

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

/** A fresh MCP server with the test tools, for one session: the SDK connects a server to one transport only. */
export function createMcpServer(): Server {
  const server = new Server(
    { name: 'mcp-soak-hub', version: '0.1.0' },
    { capabilities: { tools: {} }, jsonSchemaValidator: VALIDATOR },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => CATALOGUE);
  server.setRequestHandler(CallToolRequestSchema, (request, extra) => callTool(request.params, extra));
  return server;
}

async function callTool(
  params: { name: string; arguments?: unknown },
  extra: Extra,
): Promise<CallToolResult> {
  const found = TOOLS_BY_NAME.get(params.name);
  if (!found) {
    const names = [...TOOLS_BY_NAME.keys()].join(', ');
    throw new McpError(ErrorCode.InvalidParams, `Unknown tool '${params.name}'. There are: ${names}.`);
  }
  try {
    return await found.run(params.arguments ?? {}, extra);
  } catch (error) {
    if (error instanceof z.ZodError) throw new McpError(ErrorCode.InvalidParams, z.prettifyError(error));
    throw error;
  }
}

async function sendProgress(extra: Extra, progress: number, total: number): Promise<void> {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return;
  await extra.sendNotification({
    method: 'notifications/progress',
    params: { progressToken, progress, total },
  });
}

/** Waits, or throws as soon as the call is cancelled or its session ends. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(new Error('The call was cancelled.'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
