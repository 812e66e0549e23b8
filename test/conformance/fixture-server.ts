import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { McpServerLike } from '../../hub/session.ts';
import { FIXTURE_TOOLS, PIXEL } from './fixture-tools.ts';

/** The server that the official conformance suite asks for: one per session, with all that its scenarios use. */
export function createFixtureServer(): McpServerLike {
  const mcp = new McpServer(
    { name: 'conformance-fixture', version: '1.0.0' },
    { capabilities: { logging: {}, tools: {}, resources: { subscribe: true } } },
  );
  addTools(mcp);
  addResources(mcp);
  addPrompts(mcp);
  return mcp;
}

/** Listed by hand: McpServer writes schemas from zod, and the suite wants keywords that zod never writes. */
function addTools({ server }: McpServer): void {
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.entries(FIXTURE_TOOLS).map(([name, { description, inputSchema }]) => ({
      name,
      description,
      inputSchema: inputSchema ?? { type: 'object' as const },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    const found = Object.hasOwn(FIXTURE_TOOLS, params.name) ? FIXTURE_TOOLS[params.name] : undefined;
    if (!found) throw new McpError(ErrorCode.InvalidParams, `Unknown tool '${params.name}'.`);
    return found.run(params.arguments ?? {}, extra);
  });
}

function addResources(mcp: McpServer): void {
  const described = (mimeType: string) => ({ description: 'For the conformance suite.', mimeType });
  const asText = (uri: URL, mimeType: string, text: string) => ({
    contents: [{ uri: uri.href, mimeType, text }],
  });
  mcp.registerResource('static text', 'test://static-text', described('text/plain'), (uri) =>
    asText(uri, 'text/plain', 'This is the content of the static text resource.'),
  );
  mcp.registerResource('static binary', 'test://static-binary', described('image/png'), (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'image/png', blob: PIXEL }],
  }));
  mcp.registerResource('watched', 'test://watched-resource', described('text/plain'), (uri) =>
    asText(uri, 'text/plain', 'Somebody may watch this.'),
  );
  mcp.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    described('application/json'),
    (uri, { id }) =>
      asText(uri, 'application/json', JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })),
  );
  const watched = new Set<string>();
  mcp.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    watched.add(params.uri);
    return {};
  });
  mcp.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    watched.delete(params.uri);
    return {};
  });
}

function addPrompts(mcp: McpServer): void {
  mcp.registerPrompt('test_simple_prompt', { description: 'Without arguments.' }, () =>
    fromUser({ type: 'text', text: 'This is a simple prompt for testing.' }),
  );
  mcp.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'With two arguments.',
      argsSchema: {
        arg1: completable(z.string(), (value) => [`${value}-completed`]),
        arg2: z.string(),
      },
    },
    ({ arg1, arg2 }) =>
      fromUser({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` }),
  );
  mcp.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'With a resource in it.', argsSchema: { resourceUri: z.string() } },
    ({ resourceUri: uri }) => {
      const resource = { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' };
      return fromUser(
        { type: 'resource', resource },
        { type: 'text', text: 'Please process the embedded resource above.' },
      );
    },
  );
  mcp.registerPrompt('test_prompt_with_image', { description: 'With an image in it.' }, () =>
    fromUser(
      { type: 'image', data: PIXEL, mimeType: 'image/png' },
      { type: 'text', text: 'Please analyze the image above.' },
    ),
  );
}

function fromUser<Content>(...contents: Content[]) {
  return { messages: contents.map((content) => ({ role: 'user' as const, content })) };
}
