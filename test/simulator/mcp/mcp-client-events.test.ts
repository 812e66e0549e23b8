import { describe, expect, it } from 'vitest';
import type { McpClient } from '../../../simulator/mcp/mcp-client.ts';
import { errorClass, type Outcome } from '../../../simulator/mcp/outcome.ts';
import {
  type Behaviour,
  connect,
  FINGERPRINT,
  inShort,
  openEvents,
  sendEvent,
  sendJson,
  serveMcp,
} from './fake-mcp.ts';
import { settle, until } from './servers.ts';

const OPENED = [
  'initialize-sent test',
  `initialize-answered ${FINGERPRINT}`,
  'request-sent 1 handshake',
  'request-answered 1',
];

const gone: Behaviour[string] = ({ id }, response) =>
  sendJson(response, 404, { jsonrpc: '2.0', id, error: { code: -32001, message: 'Session not found' } });
const hang: Behaviour[string] = () => undefined;
const cut: Behaviour[string] = (_message, response) => response.destroy();
const emptyEvents: Behaviour[string] = (_message, response) => {
  openEvents(response);
  response.end();
};

interface Row {
  readonly why: string;
  readonly behaviour: Behaviour;
  readonly act: (client: McpClient) => Promise<Outcome>;
  /** Ms that pass once the server has the request. */
  readonly passes?: number;
  readonly ends: string;
  readonly events: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    why: 'an answered call',
    behaviour: {},
    act: (client) => client.call('echo'),
    ends: 'result',
    events: ['request-sent 2 handshake', 'request-answered 2'],
  },
  {
    why: 'a call answered with a JSON-RPC error',
    behaviour: {
      'tools/call': ({ id }, response) =>
        sendJson(response, 200, { jsonrpc: '2.0', id, error: { code: -32602, message: 'no' } }),
    },
    act: (client) => client.call('echo'),
    ends: 'rpc_error',
    events: ['request-sent 2 handshake', 'request-answered 2'],
  },
  {
    why: 'a call on a session that is gone',
    behaviour: { 'tools/call': gone },
    act: (client) => client.call('echo'),
    ends: 'http_404',
    events: ['request-sent 2 handshake', 'request-answered 2 gone'],
  },
  {
    why: 'a probe, which completes no handshake',
    behaviour: { ping: gone },
    act: (client) => client.probe(),
    ends: 'http_404',
    events: ['request-sent 2', 'request-answered 2 gone'],
  },
  {
    why: 'an answer that the server cuts off',
    behaviour: { 'tools/call': cut },
    act: (client) => client.call('echo'),
    ends: 'connection_closed',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'a call that times out',
    behaviour: { 'tools/call': hang },
    act: (client) => client.call('slow', {}, { timeoutMs: 300, longestMs: 9000 }),
    passes: 300,
    ends: 'timeout',
    events: ['request-sent 2 handshake', 'request-aborted 2 9000'],
  },
  {
    why: 'a call that we give up on purpose',
    behaviour: { 'tools/call': hang },
    act: (client) => client.call('slow', {}, { abortAfterMs: 200 }),
    passes: 200,
    ends: 'aborted',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'a call answered 200 with an empty stream',
    behaviour: { 'tools/call': emptyEvents },
    act: (client) => client.call('echo'),
    ends: 'empty_answer',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'a call answered 200 with an empty body',
    behaviour: { 'tools/call': (_message, response) => response.writeHead(200).end() },
    act: (client) => client.call('echo'),
    ends: 'empty_answer',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'an answer to another request',
    behaviour: {
      'tools/call': (_message, response) => sendJson(response, 200, { jsonrpc: '2.0', id: 77, result: {} }),
    },
    act: (client) => client.call('echo'),
    ends: 'wrong_answer',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'an answer to another request on a stream',
    behaviour: {
      'tools/call': (_message, response) => {
        openEvents(response);
        sendEvent(response, { id: '2', result: {} });
      },
    },
    act: (client) => client.call('echo'),
    ends: 'wrong_answer',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'an answer that is no JSON-RPC',
    behaviour: { 'tools/call': (_message, response) => sendJson(response, 200, { ok: true }) },
    act: (client) => client.call('echo'),
    ends: 'wrong_answer',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'an answer larger than allowed',
    behaviour: {
      'tools/call': ({ id }, response) =>
        sendJson(response, 200, { jsonrpc: '2.0', id, result: { text: 'x'.repeat(20_000) } }),
    },
    act: (client) => client.call('echo'),
    ends: 'wrong_answer',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'a web page instead of an answer',
    behaviour: {
      'tools/call': (_message, response) => response.setHeader('content-type', 'text/html').end('<p>'),
    },
    act: (client) => client.call('echo'),
    ends: 'wrong_answer',
    events: ['request-sent 2 handshake', 'request-aborted 2 5000'],
  },
  {
    why: 'DELETE answered 200',
    behaviour: {},
    act: (client) => client.delete(),
    ends: 'none',
    events: ['delete-sent', 'delete-answered 200'],
  },
  {
    why: 'DELETE answered 405',
    behaviour: { DELETE: (_message, response) => response.writeHead(405).end() },
    act: (client) => client.delete(),
    ends: 'http_405',
    events: ['delete-sent', 'delete-answered 405'],
  },
  {
    why: 'DELETE that is never answered',
    behaviour: { DELETE: hang },
    act: (client) => client.delete(),
    passes: 5000,
    ends: 'timeout',
    events: ['delete-sent', 'delete-lost'],
  },
  {
    why: 'a stream',
    behaviour: {},
    act: (client) => client.listen(),
    ends: 'none',
    events: ['request-sent 2', 'request-answered 2', 'stream-opened 1'],
  },
  {
    why: 'a stream that we close',
    behaviour: {},
    act: async (client) => {
      const outcome = await client.listen();
      client.closeStream();
      return outcome;
    },
    ends: 'none',
    events: ['request-sent 2', 'request-answered 2', 'stream-opened 1', 'stream-closed 1 client'],
  },
  {
    why: 'a stream that the server ends',
    behaviour: { GET: emptyEvents },
    act: async (client) => {
      const outcome = await client.listen();
      await until(() => client.openStreams === 0);
      return outcome;
    },
    ends: 'none',
    events: ['request-sent 2', 'request-answered 2', 'stream-opened 1', 'stream-closed 1 server'],
  },
  {
    why: 'a stream that the server cuts off',
    behaviour: {
      GET: (_message, response) => {
        openEvents(response);
        setImmediate(() => response.destroy());
      },
    },
    act: async (client) => {
      const outcome = await client.listen();
      await until(() => client.openStreams === 0);
      return outcome;
    },
    ends: 'none',
    events: ['request-sent 2', 'request-answered 2', 'stream-opened 1', 'stream-closed 1 server'],
  },
  {
    why: 'a server without streams',
    behaviour: { GET: (_message, response) => response.writeHead(405).end() },
    act: (client) => client.listen(),
    ends: 'http_405',
    events: ['request-sent 2', 'request-aborted 2 0'],
  },
  {
    why: 'GET answered with JSON',
    behaviour: { GET: (_message, response) => sendJson(response, 200, {}) },
    act: (client) => client.listen(),
    ends: 'wrong_answer',
    events: ['request-sent 2', 'request-aborted 2 5000'],
  },
  {
    why: 'GET whose headers never come',
    behaviour: { GET: hang },
    act: (client) => client.listen({ timeoutMs: 100 }),
    passes: 100,
    ends: 'timeout',
    events: ['request-sent 2', 'request-aborted 2 5000'],
  },
];

describe('McpClient tells the ledger', () => {
  it.each(ROWS)('of $why: $ends', async ({ behaviour, act, passes, ends, events: expected }) => {
    const server = await serveMcp(behaviour);
    const { client, clock, events } = connect(server, { maxAnswerBytes: 10_000 });
    await client.initialize({ handshake: 'full' });
    expect(inShort(events)).toEqual(OPENED);
    const acting = act(client);
    if (passes !== undefined) {
      await until(() => server.requests.length === 3);
      clock.advance(passes);
    }
    const outcome = await acting;
    await settle();
    const failure = errorClass(outcome) ?? 'none';
    expect(failure, JSON.stringify(outcome)).toBe(ends === 'result' ? 'none' : ends);
    expect(inShort(events)).toEqual([...OPENED, ...expected]);
    client.release();
    expect(inShort(events)).toEqual([...OPENED, ...expected]);
    expect(clock.pending).toBe(0);
  });

  const initializations: readonly [why: string, behaviour: Behaviour, ends: string, event: string][] = [
    [
      '503 at the cap',
      { initialize: (_m, response) => response.writeHead(503).end() },
      'http_503',
      'initialize-refused 503',
    ],
    [
      'a JSON-RPC error',
      {
        initialize: ({ id }, response) =>
          sendJson(response, 200, { jsonrpc: '2.0', id, error: { code: -32000, message: 'full' } }),
      },
      'rpc_error',
      'initialize-refused 200',
    ],
    ['a connection that breaks', { initialize: cut }, 'connection_closed', 'initialize-lost 5000'],
    ['200 without an answer', { initialize: emptyEvents }, 'empty_answer', 'initialize-lost 5000'],
    [
      'a result that is no InitializeResult',
      { initialize: ({ id }, response) => sendJson(response, 200, { jsonrpc: '2.0', id, result: {} }) },
      'wrong_answer',
      'initialize-lost 5000',
    ],
    [
      'a session id with a blank in it',
      { initialize: answerInitialize({ 'mcp-session-id': 'a b' }) },
      'wrong_answer',
      'initialize-lost 5000',
    ],
    ['no session id', { initialize: answerInitialize({}) }, 'none', 'initialize-refused 200'],
  ];
  it.each(initializations)('of initialize answered by %s', async (_why, behaviour, ends, event) => {
    const { client, events } = connect(await serveMcp(behaviour));
    const outcome = await client.initialize({ handshake: 'full' });
    expect(errorClass(outcome) ?? 'none').toBe(ends);
    expect(client.sessionId).toBeUndefined();
    expect(inShort(events)).toEqual(['initialize-sent test', event]);
    await client.ping();
    expect(inShort(events)).toEqual(['initialize-sent test', event]);
    client.release();
  });

  it('of an initialize that times out', async () => {
    const server = await serveMcp({ initialize: hang });
    const { client, clock, events } = connect(server);
    const opening = client.initialize({ handshake: 'full' }, { longestMs: 60_000 });
    await until(() => server.requests.length === 1);
    clock.advance(5000);
    expect(await opening).toEqual({ kind: 'timeout', sentAt: 0, doneAt: 5000 });
    expect(inShort(events)).toEqual(['initialize-sent test', 'initialize-lost 60000']);
    client.release();
  });

  it('that a target which refuses connections holds no session', async () => {
    const refusal = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const { client, events } = connect({
      dial: () => Promise.reject(refusal),
      endpoint: new URL('http://127.0.0.1:1/mcp'),
    });
    const outcome = await client.initialize({ handshake: 'full' });
    expect(outcome).toMatchObject({ kind: 'connection', code: 'ECONNREFUSED' });
    expect(errorClass(outcome)).toBe('connection_refused');
    expect(inShort(events)).toEqual(['initialize-sent test', 'initialize-refused 0']);
    client.release();
  });

  it('nothing of a request that could not be sent, since it reached nobody', async () => {
    const server = await serveMcp();
    let isRefusing = false;
    const { client, events } = connect({
      endpoint: server.endpoint,
      dial: (signal) =>
        isRefusing
          ? Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))
          : server.dial(signal),
    });
    await client.initialize({ handshake: 'full' });
    isRefusing = true;
    for (const socket of server.accepted) socket.destroy();
    await until(() => client.openConnections === 0);
    expect(errorClass(await client.call('echo'))).toBe('connection_refused');
    expect(inShort(events)).toEqual(OPENED);
    client.release();
  });

  it('of half a handshake, which a first request completes', async () => {
    const server = await serveMcp();
    const { client, events } = connect(server);
    expect(await client.initialize({ handshake: 'half' })).toMatchObject({ kind: 'result' });
    await client.ping();
    await client.list('tools');
    expect(server.requests.map(({ method }) => method)).toEqual(['initialize', 'ping', 'tools/list']);
    expect(inShort(events).slice(2)).toEqual([
      'request-sent 1',
      'request-answered 1',
      'request-sent 2 handshake',
      'request-answered 2',
    ]);
    client.release();
  });

  it('the times on its clock: just before the write, just after the answer', async () => {
    const server = await serveMcp({ 'tools/call': hang });
    const { client, clock, events } = connect(server);
    clock.advance(10);
    await client.initialize({ handshake: 'full' });
    clock.advance(20);
    const calling = client.call('slow', {}, { timeoutMs: 100 });
    await until(() => server.requests.length === 3);
    clock.advance(100);
    expect(await calling).toEqual({ kind: 'timeout', sentAt: 30, doneAt: 130 });
    expect(events.map(({ at }) => at)).toEqual([10, 10, 10, 10, 30, 130]);
    client.release();
  });
});

function answerInitialize(headers: Record<string, string>): Behaviour[string] {
  return ({ id }, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const serverInfo = { name: 'fake', version: '1' };
    sendJson(response, 200, {
      jsonrpc: '2.0',
      id,
      result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo },
    });
  };
}
