import { fieldsOf } from './body.ts';

/** What a tool may do besides answering. */
export interface ToolContext {
  readonly signal: AbortSignal;
  /** Resolves when the client has room for more. */
  progress(progress: number, total: number): Promise<void>;
  /** On the session's own stream. */
  notify(method: string, params: Record<string, unknown>): void;
}

interface Tool {
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  run(args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<ToolResult> | ToolResult;
}

interface ToolResult {
  readonly content: readonly { readonly type: 'text'; readonly text: string }[];
  readonly isError?: true;
}

/** A JSON-RPC error that a request is answered with. */
export class RpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
  }
}

const MAX_WAIT_MS = 24 * 3_600_000;
const MAX_EVENTS = 10_000;
const MAX_PADDING = 64 * 1_024;

const INTEGER = { type: 'integer', minimum: 0 };
const object = (properties: Record<string, unknown>, required: readonly string[]) => ({
  type: 'object',
  properties,
  required,
});

const TOOLS: Readonly<Record<string, Tool>> = {
  echo: {
    description: 'Answers with the message.',
    inputSchema: object({ message: { type: 'string' } }, ['message']),
    run: ({ message }) => {
      if (typeof message !== 'string') throw invalid('message', 'a string');
      return text(message);
    },
  },
  sleep: {
    description: 'Answers after so many milliseconds.',
    inputSchema: object({ ms: INTEGER }, ['ms']),
    run: async (args, { signal }) => {
      const ms = numberIn(args, 'ms', MAX_WAIT_MS);
      await sleep(ms, signal);
      return text(`slept ${ms} ms`);
    },
  },
  emit: {
    description:
      'Sends so many notifications, so far apart, then answers: progress of this call, or, `on: stream`, ' +
      'log messages on the stream of the session that asks, each with `tag` and `padding` bytes in it.',
    inputSchema: object(
      {
        count: INTEGER,
        intervalMs: INTEGER,
        on: { enum: ['call', 'stream'] },
        tag: { type: 'string' },
        padding: INTEGER,
      },
      ['count'],
    ),
    run: emit,
  },
  fail: {
    description: 'Fails: as a tool error the caller can read, or by throwing.',
    inputSchema: object({ how: { enum: ['result', 'throw'] } }, []),
    run: ({ how }) => {
      if (how === 'throw') throw new Error('The tool threw, as it was asked to.');
      return { ...text('The tool failed, as it was asked to.'), isError: true };
    },
  },
};

/** Built once, and shared by all sessions (F50). */
export const CATALOGUE = Object.entries(TOOLS).map(([name, { description, inputSchema }]) => ({
  name,
  description,
  inputSchema,
}));

/** @throws RpcError for a tool that does not exist, or arguments it does not take */
export async function callTool(
  params: Readonly<Record<string, unknown>>,
  context: ToolContext,
): Promise<ToolResult> {
  const name = String(params.name);
  const tool = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
  if (!tool)
    throw new RpcError(-32602, `There is no tool of that name. There are ${Object.keys(TOOLS).join(', ')}.`);
  try {
    return await tool.run(fieldsOf(params.arguments), context);
  } catch (error) {
    if (error instanceof RpcError) throw error;
    return { ...text(error instanceof Error ? error.message : String(error)), isError: true };
  }
}

async function emit(args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<ToolResult> {
  const count = numberIn(args, 'count', MAX_EVENTS);
  const intervalMs = numberIn(args, 'intervalMs', MAX_WAIT_MS, 0);
  const padding = 'x'.repeat(numberIn(args, 'padding', MAX_PADDING, 0));
  for (let sent = 1; sent <= count; sent += 1) {
    await sleep(intervalMs, context.signal);
    if (args.on !== 'stream') await context.progress(sent, count);
    else
      context.notify('notifications/message', {
        level: 'info',
        data: { n: sent, total: count, tag: args.tag, padding },
      });
  }
  return text(`emitted ${count}`);
}

function numberIn(
  args: Readonly<Record<string, unknown>>,
  name: string,
  max: number,
  fallback?: number,
): number {
  const value = args[name] ?? fallback;
  if (typeof value !== 'number' || !(value >= 0 && value <= max))
    throw invalid(name, `a number from 0 to ${max}`);
  return value;
}

function invalid(name: string, allowed: string): RpcError {
  return new RpcError(-32602, `The argument ${name} has to be ${allowed}.`);
}

function text(value: string): ToolResult {
  return { content: [{ type: 'text', text: value }] };
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
