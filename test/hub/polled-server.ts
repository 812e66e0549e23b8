import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CallToolRequestSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;
export type Tool = (extra: Extra) => Promise<void>;

/** Makes servers whose every tool does this, and answers `done`. */
export const serverOf = (run: Tool) => () => {
  const server = new Server({ name: 'polled', version: '1' }, { capabilities: { tools: {}, logging: {} } });
  server.setRequestHandler(CallToolRequestSchema, async (_request, extra) => {
    await run(extra);
    return { content: [{ type: 'text', text: 'done' }] };
  });
  return server;
};

/** Sends a notification that belongs to the call. */
export const say = (extra: Extra, data: string) =>
  extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
