import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ListRootsRequestSchema,
  ListRootsResultSchema,
  LoggingMessageNotificationSchema,
  PingRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withOptionals } from '../simulator/mcp/sdk-server.ts';
import { until } from '../simulator/mcp/servers.ts';
import { type LoopbackHub, serveHub, WAYS } from './hub-on-loopback.ts';
import { callRequest, textResult } from './raw-client.ts';

interface Connected {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  readonly session: string;
}

async function connect(
  { endpoint }: LoopbackHub,
  prepare: (client: Client) => void = () => undefined,
): Promise<Connected> {
  const client = new Client({ name: 'sdk', version: '1' }, { capabilities: { roots: {} } });
  prepare(client);
  const transport = new StreamableHTTPClientTransport(endpoint);
  onTestFinished(() => client.close());
  await client.connect(withOptionals(transport));
  return { client, transport, session: String(transport.sessionId) };
}

const text = (value: string) => [{ type: 'text', text: value }];

describe.each(WAYS)('The official client on the hub in its %s', (way) => {
  it('opens a session, and sees the server and its tools', async () => {
    const hub = await serveHub({}, { way });
    const { client, session } = await connect(hub);
    expect(client.getServerVersion()).toEqual({ name: 'mcp-soak-hub', version: '0.1.0' });
    expect(client.getServerCapabilities()).toEqual({ tools: {} });
    expect(hub.hub.sessions.peek(session)).toMatchObject({
      clientInfo: { name: 'sdk', version: '1' },
      protocolVersion: '2025-11-25',
      isHandshakeDone: true,
    });
    expect(await client.ping()).toEqual({});
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'echo',
      'sleep',
      'emit',
      'fail',
      'register_agent',
      'list_agents',
      'send_message',
      'get_conversation',
    ]);
    for (const { description, inputSchema } of tools) {
      expect(description).not.toBe('');
      expect(inputSchema.type).toBe('object');
    }
  });

  it('gets from each tool what it promises', async () => {
    const { client } = await connect(await serveHub({}, { way }));
    const call = (name: string, args: Record<string, unknown>) => client.callTool({ name, arguments: args });
    expect(await call('echo', { message: 'é€😀' })).toEqual({ content: text('é€😀') });
    expect(await call('sleep', { ms: 5 })).toEqual({ content: text('slept 5 ms') });
    expect(await call('emit', { count: 2 })).toEqual({ content: text('emitted 2') });
    expect(await call('fail', {})).toMatchObject({ isError: true });
    const failures: readonly [name: string, args: Record<string, unknown>, code: number][] = [
      ['fail', { how: 'throw' }, -32603],
      ['no such tool', {}, -32602],
      ['echo', {}, -32602],
      ['echo', { message: 7 }, -32602],
      ['sleep', { ms: -1 }, -32602],
      ['sleep', { ms: 25 * 3_600_000 }, -32602],
      ['emit', { count: 1e9 }, -32602],
      ['fail', { how: 'loudly' }, -32602],
    ];
    for (const [name, args, code] of failures) {
      await expect(call(name, args), `${name} ${JSON.stringify(args)}`).rejects.toMatchObject({ code });
    }
  });

  it('hears all progress before the result, in order', async () => {
    const { client } = await connect(await serveHub({}, { way }));
    const heard: unknown[] = [];
    const result = await client.callTool({ name: 'emit', arguments: { count: 100 } }, undefined, {
      onprogress: (progress) => heard.push(progress),
    });
    expect(result).toEqual({ content: text('emitted 100') });
    expect(heard).toEqual(Array.from({ length: 100 }, (_, index) => ({ progress: index + 1, total: 100 })));
  });

  it('ends its session; what comes after that is 404 (F05, F20)', async () => {
    const hub = await serveHub({}, { way });
    const { client, transport } = await connect(hub);
    await until(() => [...hub.hub.sessions.list()][0]?.openStreams === 1);
    const raw = transport.sessionId;
    await transport.terminateSession();
    expect(hub.hub.sessions.size).toBe(0);
    expect(hub.hub.sessions.counters().ended.client).toBe(1);
    // The official client forgets the id then; one that does not gets 404.
    await expect(client.ping()).rejects.toMatchObject({ code: 400 });
    expect((await hub.raw.ping(String(raw))).status).toBe(404);
  });
});

describe('The GET stream of the official client', () => {
  it('is open after the handshake, carries notifications, and outlasts heartbeats', async () => {
    const hub = await serveHub({
      heartbeat: '20ms',
      keepAlive: '10ms',
      sessionTimeout: '30ms',
      cleanupInterval: '10ms',
    });
    const heard: unknown[] = [];
    let pings = 0;
    const { client, session } = await connect(hub, (own) => {
      own.setNotificationHandler(
        LoggingMessageNotificationSchema,
        ({ params }) => void heard.push(params.data),
      );
      own.setRequestHandler(PingRequestSchema, () => {
        pings += 1;
        return {};
      });
    });
    await until(() => hub.hub.sessions.peek(session)?.openStreams === 1);
    const transport = hub.hub.sessions.peek(session)?.transport;
    for (const data of [1, 2, 3]) {
      await transport?.send({
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level: 'info', data },
      });
    }
    // Far beyond the four heartbeats that a silent peer has, and the session timeout.
    await until(() => pings >= 10);
    expect(heard).toEqual([1, 2, 3]);
    expect(hub.hub.sessions.peek(session)?.openStreams).toBe(1);
    expect(await client.ping()).toEqual({});
  });

  it('is opened again when the server ends it', async () => {
    const hub = await serveHub();
    const { session } = await connect(hub);
    const streams = () => hub.hub.sessions.peek(session)?.openStreams;
    await until(() => streams() === 1);
    const other = await hub.raw.stream(session);
    expect(other.status).toBe(200);
    expect(streams()).toBe(1);
    other.close();
    await until(() => streams() === 0);
  });
});

describe('A tool that asks its client back', () => {
  it('gets the answer on the way of the call, with streams of other clients about', async () => {
    const createServer = () => {
      const server = new Server({ name: 'curious', version: '1' }, { capabilities: { tools: {} } });
      server.setRequestHandler(CallToolRequestSchema, async (_request, extra) => {
        const { roots } = await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema);
        return { content: [{ type: 'text', text: roots.map(({ uri }) => uri).join() }] };
      });
      return server;
    };
    const hub = await serveHub({}, { parts: { createMcpServer: createServer } });
    const clients = await Promise.all(
      ['file:///a', 'file:///b', 'file:///c'].map(async (uri) => {
        const { client } = await connect(hub, (own) =>
          own.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri }] })),
        );
        return { client, uri };
      }),
    );
    const answers = await Promise.all(clients.map(({ client }) => client.callTool({ name: 'any' })));
    expect(answers).toEqual(clients.map(({ uri }) => ({ content: text(uri) })));
  });
});

describe('Calls of several clients, all under way at once', () => {
  it('cross nowhere: every tag and every progress comes to its own (F29)', async () => {
    const hub = await serveHub();
    const clients = await Promise.all(['a', 'b'].map(async (tag) => ({ tag, ...(await connect(hub)) })));
    const foreign: unknown[] = [];
    const done = clients.flatMap(({ client, tag }, index) =>
      Array.from({ length: 30 }, async (_, number) => {
        const message = `${tag} ${number}`;
        const count = 3 + index;
        const [echo] = await Promise.all([
          client.callTool({ name: 'echo', arguments: { message } }),
          client.callTool({ name: 'emit', arguments: { count, intervalMs: 1 } }, undefined, {
            onprogress: ({ total }) => {
              if (total !== count) foreign.push([tag, total]);
            },
          }),
        ]);
        if (JSON.stringify(echo.content) !== JSON.stringify(text(message))) foreign.push([tag, echo]);
      }),
    );
    await Promise.all(done);
    expect(foreign).toEqual([]);
  });

  it('with one id for all 12 of them on one session get 12 results, each its own (F28)', async () => {
    const { raw } = await serveHub();
    const session = await raw.open();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, number) =>
        number % 2 === 0
          ? raw.call(session, 'echo', { message: `own ${number}` }, { id: 1 })
          : raw.call(session, 'sleep', { ms: 30 - number }, { id: 1 }),
      ),
    );
    expect(answers.map(({ json }) => json)).toEqual(
      answers.map((_, number) =>
        textResult(1, number % 2 === 0 ? `own ${number}` : `slept ${30 - number} ms`),
      ),
    );
  });

  it('with number 1 and text "1" for ids are two different calls (F28)', async () => {
    const { raw } = await serveHub();
    const session = await raw.open();
    const [number, string] = await Promise.all([
      raw.call(session, 'sleep', { ms: 10 }, { id: 1 }),
      raw.call(session, 'sleep', { ms: 5 }, { id: '1' }),
    ]);
    expect(number.json).toEqual(textResult(1, 'slept 10 ms'));
    expect(string.json).toEqual(textResult('1', 'slept 5 ms'));
  });

  it('and one progress token for all hear only their own progress (F28)', async () => {
    const { raw } = await serveHub();
    const session = await raw.open();
    const streams = await Promise.all(
      [2, 3, 4].map((count) => {
        const call = callRequest(1, 'emit', { count, intervalMs: 1 });
        return raw.streamedCall(session, {
          ...call,
          params: { ...call.params, _meta: { progressToken: 'one' } },
        });
      }),
    );
    await Promise.all(streams.map(({ ended }) => ended));
    for (const [index, stream] of streams.entries()) {
      const totals = stream
        .messages()
        .slice(0, -1)
        .map((message) => Reflect.get(Reflect.get(Object(message), 'params'), 'total'));
      expect(totals).toEqual(Array(index + 2).fill(index + 2));
      expect(stream.messages().at(-1)).toEqual(textResult(1, `emitted ${index + 2}`));
    }
  });
});

describe('A cancelled call', () => {
  it('of the official client is over for the hub too', async () => {
    const hub = await serveHub();
    const { client, session } = await connect(hub);
    const giveUp = new AbortController();
    const call = client.callTool({ name: 'sleep', arguments: { ms: 60_000 } }, undefined, {
      signal: giveUp.signal,
    });
    await until(() => hub.hub.sessions.peek(session)?.callsInFlight === 1);
    giveUp.abort('enough');
    await expect(call).rejects.toThrow('enough');
    await until(() => hub.hub.sessions.peek(session)?.callsInFlight === 0);
    expect(await client.ping()).toEqual({});
  });

  it('has its POST released without a result, which a cancelled call must not get', async () => {
    const { raw, hub } = await serveHub();
    const session = await raw.open();
    const cancelled = raw.call(session, 'sleep', { ms: 60_000 }, { id: 'mine' });
    const other = raw.call(session, 'sleep', { ms: 50 }, { id: 'other' });
    await until(() => hub.sessions.peek(session)?.callsInFlight === 2);
    const note = await raw.notify(session, 'notifications/cancelled', { requestId: 'mine' });
    expect(note.status).toBe(202);
    const answer = await cancelled;
    expect([answer.status, answer.json]).toEqual([200, undefined]);
    expect((await other).json).toEqual(textResult('other', 'slept 50 ms'));
    expect(hub.sessions.peek(session)?.callsInFlight).toBe(0);
  });
});
