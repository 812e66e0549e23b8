import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withOptionals } from '../simulator/mcp/sdk-server.ts';
import { until } from '../simulator/mcp/servers.ts';
import { serveHub, WAYS } from './hub-on-loopback.ts';
import { say, serverOf, type Tool } from './polled-server.ts';

describe.each(WAYS)('A tool that sends its client away (SEP-1699), on the hub in its %s', (way) => {
  /** The SDK's client on a hub with this tool, and the `Last-Event-ID` of each GET that it sends. */
  async function connect(run: Tool, heard: unknown[] = []) {
    const parts = { createMcpServer: serverOf(run) };
    const { endpoint } = await serveHub({ streamRetry: '1ms' }, { way, parts });
    const resumedFrom: (string | null)[] = [];
    const client = new Client({ name: 'sdk', version: '1' });
    client.setNotificationHandler(
      LoggingMessageNotificationSchema,
      ({ params }) => void heard.push(params.data),
    );
    const transport = new StreamableHTTPClientTransport(endpoint, {
      fetch: (url, init) => {
        if (init?.method === 'GET') resumedFrom.push(new Headers(init.headers).get('last-event-id'));
        return fetch(url, init);
      },
    });
    onTestFinished(() => client.close());
    await client.connect(withOptionals(transport));
    await until(() => resumedFrom.length === 1);
    return { client, heard, resumedFrom };
  }

  it('answers it when it comes back, with what was said meanwhile', async () => {
    const { client, heard, resumedFrom } = await connect(async (extra) => {
      await say(extra, 'before');
      extra.closeSSEStream?.();
      await say(extra, 'meanwhile');
    });
    expect(await client.callTool({ name: 'any' })).toMatchObject({ content: [{ text: 'done' }] });
    expect(heard).toEqual(['before', 'meanwhile']);
    expect(resumedFrom).toEqual([null, expect.stringMatching(/-1-1$/)]);
  });

  it('may do so before it said anything, and again once the client is back', async () => {
    const heard: unknown[] = [];
    const { client, resumedFrom } = await connect(async (extra) => {
      extra.closeSSEStream?.();
      await say(extra, 'back');
      await until(() => heard.includes('back'));
      extra.closeSSEStream?.();
      await say(extra, 'again');
    }, heard);
    expect(await client.callTool({ name: 'any' })).toMatchObject({ content: [{ text: 'done' }] });
    expect(heard).toEqual(['back', 'again']);
    expect(resumedFrom.map((id) => id?.replace(/^.{12}/, ''))).toEqual([undefined, '-1-0', '-1-1']);
  });

  it('may do so with the stream of the session, and what is said there arrives all the same', async () => {
    const { client, heard, resumedFrom } = await connect(async (extra) => extra.closeStandaloneSSEStream?.());
    await client.callTool({ name: 'any' });
    await until(() => resumedFrom.length === 2);
    expect(resumedFrom[1]).toMatch(/-0-0$/);
    expect(heard).toEqual([]);
  });
});
