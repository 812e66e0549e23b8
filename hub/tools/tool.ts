import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import type * as z from 'zod';
import type { McpServerContext } from '../server-context.ts';

/** One call of a tool: who calls, and what the SDK knows of the request. */
export interface ToolCall {
  readonly context: McpServerContext;
  readonly extra: RequestHandlerExtra<ServerRequest, ServerNotification>;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  /** @throws ZodError for arguments that do not fit */
  run(args: unknown, call: ToolCall): Promise<CallToolResult>;
}

export function tool<Input extends z.ZodObject>(
  name: string,
  description: string,
  input: Input,
  run: (args: z.infer<Input>, call: ToolCall) => Promise<CallToolResult>,
): Tool {
  return { name, description, input, run: (args, call) => run(input.parse(args), call) };
}

export function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] };
}

/** An error that the model behind the caller can read and act on. */
export function failure(value: string): CallToolResult {
  return { ...text(value), isError: true };
}

/** An object for programs, and as text for clients from before there was structured content (2025-06-18). */
export function structured(value: Record<string, unknown>): CallToolResult {
  return { ...text(JSON.stringify(value)), structuredContent: value };
}
