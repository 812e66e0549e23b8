import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { EmptyResultSchema, McpError, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { McpClientOptions } from '../../../simulator/mcp/client-options.ts';
import type { JsonObject } from '../../../simulator/mcp/json-rpc.ts';
import { McpClient } from '../../../simulator/mcp/mcp-client.ts';
import type { Outcome } from '../../../simulator/mcp/outcome.ts';
import { RealClock } from './clocks.ts';
import { type SdkServer, serveSdk, withOptionals } from './sdk-server.ts';
import { until } from './servers.ts';

const VERSIONS = ['2025-03-26', '2025-06-18', '2025-11-25'] as const;
const MODES = [
  { mode: 'event streams', json: false },
  { mode: 'JSON', json: true },
];

interface Answer {
  readonly result?: unknown;
  readonly code?: number;
}

async function connectSdk(server: SdkServer): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(server.endpoint);
  onTestFinished(() => client.close());
  await client.connect(withOptionals(transport));
  return client;
}

async function connectOurs(server: SdkServer, options: Partial<McpClientOptions> = {}): Promise<McpClient> {
  const client = new McpClient({
    dial: server.dial,
    endpoint: server.endpoint,
    clock: new RealClock(),
    emit: () => undefined,
    protocolVersion: '2025-11-25',
    clientInfo: { name: 'test', version: '1' },
    requestTimeoutMs: 20_000,
    ...options,
  });
  onTestFinished(() => client.release());
  expect(await client.initialize({ handshake: 'full' })).toMatchObject({ kind: 'result' });
  return client;
}

async function askSdk(client: Client, method: string, params: JsonObject | undefined): Promise<Answer> {
  try {
    return { result: await client.request({ method, ...(params ? { params } : {}) }, ResultSchema) };
  } catch (error) {
    if (error instanceof McpError) return { code: error.code };
    throw error;
  }
}

function asAnswer(outcome: Outcome): Answer {
  if (outcome.kind === 'result') return { result: outcome.result };
  if (outcome.kind === 'rpc-error') return { code: outcome.code };
  throw new Error(`neither a result nor an error: ${JSON.stringify(outcome)}`);
}

const CALLS: readonly [why: string, method: string, params?: JsonObject][] = [
  ['ping', 'ping'],
  ['the list of tools', 'tools/list'],
  ['a call', 'tools/call', { name: 'echo', arguments: { text: 'hello' } }],
  ['characters of all lengths', 'tools/call', { name: 'echo', arguments: { text: 'é€😀\u2028\n"\\' } }],
  ['a large text', 'tools/call', { name: 'echo', arguments: { text: 'ü'.repeat(300_000) } }],
  ['a tool that fails', 'tools/call', { name: 'fail', arguments: {} }],
  ['arguments of the wrong type', 'tools/call', { name: 'echo', arguments: { text: 1 } }],
  ['a tool that does not exist', 'tools/call', { name: 'nothing', arguments: {} }],
  ['a method that does not exist', 'no/such'],
  [
    'a call with progress',
    'tools/call',
    { name: 'count', arguments: { to: 3 }, _meta: { progressToken: 'p' } },
  ],
];

describe.each(MODES)('McpClient beside the official client, answered by $mode', ({ json }) => {
  it.each(CALLS)('gets the same from %s', async (_why, method, params) => {
    const server = await serveSdk({ json });
    const theirs = await askSdk(await connectSdk(server), method, params);
    for (const protocolVersion of VERSIONS) {
      const client = await connectOurs(server, { protocolVersion });
      expect(asAnswer(await client.request(method, params))).toEqual(theirs);
      expect(client.protocolVersion).toBe(protocolVersion);
    }
  });

  it('opens a session of the same capabilities, and sends the same headers', async () => {
    const server = await serveSdk({ json });
    const sdk = await connectSdk(server);
    await sdk.ping();
    const theirs = server.headers.at(-1);
    const ours = await connectOurs(server);
    await ours.ping();
    const sent = server.headers.at(-1);
    for (const name of ['host', 'accept', 'content-type', 'mcp-protocol-version']) {
      expect(sent?.[name], name).toBe(theirs?.[name]);
    }
    expect(sent?.['mcp-session-id']).toBe(ours.sessionId);
    expect(sent?.['user-agent']).toBe('mcp-soak');
    expect(await ours.list('tools')).toMatchObject({ result: await sdk.listTools() });
  });

  it.each(VERSIONS)('ends a session of %s: DELETE, then 404', async (protocolVersion) => {
    const server = await serveSdk({ json });
    const client = await connectOurs(server, { protocolVersion });
    expect(await client.probe()).toMatchObject({ kind: 'result' });
    expect(await client.delete()).toMatchObject({ kind: 'accepted', status: 200 });
    expect(server.sessions.size).toBe(0);
    expect(await client.probe()).toMatchObject({ kind: 'http-error', status: 404, rpcCode: -32001 });
  });

  it('names the protocol version from 2025-06-18 on', async () => {
    const server = await serveSdk({ json });
    const named: unknown[] = [];
    for (const protocolVersion of VERSIONS) {
      const client = await connectOurs(server, { protocolVersion });
      await client.ping();
      named.push(server.headers.at(-1)?.['mcp-protocol-version']);
    }
    expect(named).toEqual([undefined, '2025-06-18', '2025-11-25']);
  });

  it('hears what the server says on a GET stream, and answers its pings', async () => {
    const server = await serveSdk({ json });
    const heard: unknown[] = [];
    const client = await connectOurs(server, {
      onNotification: (method, params) => heard.push([method, params]),
    });
    expect(await client.listen()).toMatchObject({ kind: 'accepted', status: 200 });
    const session = server.sessions.get(client.sessionId ?? '');
    if (!session) throw new Error('no session');
    await session.mcp.sendLoggingMessage({ level: 'info', data: 'hello' });
    await until(() => heard.length === 1);
    expect(heard).toEqual([['notifications/message', { level: 'info', data: 'hello' }]]);
    expect(await session.mcp.server.request({ method: 'ping' }, EmptyResultSchema)).toEqual({});
    await expect(session.mcp.server.request({ method: 'roots/list' }, ResultSchema)).rejects.toMatchObject({
      code: -32601,
    });
    // The SDK allows one stream per session.
    expect(await client.listen()).toMatchObject({ kind: 'http-error', status: 409 });
    await session.transport.close();
    await until(() => client.openStreams === 0);
  });
});

describe('McpClient on an event stream', () => {
  it('hears the progress that the official client hears', async () => {
    const server = await serveSdk({ json: false });
    const theirs: unknown[] = [];
    const sdk = await connectSdk(server);
    await sdk.callTool({ name: 'count', arguments: { to: 5 } }, undefined, {
      onprogress: (progress) => theirs.push(progress),
    });
    const ours: unknown[] = [];
    const client = await connectOurs(server, { onNotification: (_method, params) => ours.push(params) });
    const _meta = { progressToken: 7 };
    expect(await client.request('tools/call', { name: 'count', arguments: { to: 5 }, _meta })).toMatchObject({
      kind: 'result',
    });
    expect(ours).toEqual(theirs.map((progress) => Object.assign({ progressToken: 7 }, progress)));
    expect(ours).toHaveLength(5);
  });
});
