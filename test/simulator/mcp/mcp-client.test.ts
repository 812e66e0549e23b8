import { describe, expect, it } from 'vitest';
import { KEEP_ALIVE_MARGIN_MS, MAX_CONNECTIONS } from '../../../simulator/mcp/connection-pool.ts';
import { DRAIN_MS } from '../../../simulator/mcp/exchange.ts';
import { MAX_ANSWERS_IN_FLIGHT } from '../../../simulator/mcp/server-talk.ts';
import {
  connect,
  FINGERPRINT,
  inShort,
  openEvents,
  SESSION_ID,
  sendEvent,
  sendJson,
  serveMcp,
} from './fake-mcp.ts';
import { serveRaw, settle, until } from './servers.ts';

describe('McpClient', () => {
  it('knows its session, and sends it with every request', async () => {
    const server = await serveMcp();
    const { client } = connect(server, { headers: { Authorization: 'Bearer x' } });
    await client.initialize({ handshake: 'full' });
    expect(client.sessionId).toBe(SESSION_ID);
    expect(client.fingerprint).toBe(FINGERPRINT);
    await client.ping();
    await client.listen({ lastEventId: 'e7' });
    await client.delete();
    const [first, ...later] = server.requests;
    expect(first?.headers['mcp-session-id']).toBeUndefined();
    expect(later.map(({ method }) => method)).toEqual(['notifications/initialized', 'ping', 'GET', 'DELETE']);
    for (const { headers } of later) {
      expect(headers).toMatchObject({
        'mcp-session-id': SESSION_ID,
        'mcp-protocol-version': '2025-11-25',
        authorization: 'Bearer x',
        host: server.endpoint.host,
      });
    }
    expect(later[2]?.headers).toMatchObject({ accept: 'text/event-stream', 'last-event-id': 'e7' });
    client.release();
  });

  it('uses the ids it is given, equal ones too, and tells 1 from "1"', async () => {
    const server = await serveMcp({
      'tools/call': ({ id }, response) =>
        sendJson(response, 200, { jsonrpc: '2.0', id: String(id), result: {} }),
    });
    const { client } = connect(server, { nextId: () => 1 });
    await client.initialize({ handshake: 'full' });
    expect(await client.ping()).toMatchObject({ kind: 'result' });
    expect(await client.call('echo')).toMatchObject({ kind: 'wrong-answer' });
    expect(server.requests.map(({ message }) => message.id)).toEqual([1, undefined, 1, 1]);
    client.release();
  });

  const headers: readonly [why: string, headers: Record<string, string>][] = [
    ['a line break in a value', { 'X-A': 'b\r\nEvil: c' }],
    ['a name that is no token', { 'X A': 'b' }],
    ['a header that frames the message', { 'Content-Length': '3' }],
    ['the session id, which the client sets', { 'mcp-session-id': 'x' }],
  ];
  it.each(headers)('refuses %s when it is made', (_why, given) => {
    const server = {
      dial: () => Promise.reject(new Error('never')),
      endpoint: new URL('http://127.0.0.1:1/'),
    };
    expect(() => connect(server, { headers: given })).toThrow('got');
  });

  it('can be initialized once', async () => {
    const { client } = connect(await serveMcp());
    await client.initialize({ handshake: 'half' });
    await expect(client.initialize({ handshake: 'half' })).rejects.toThrow('one per McpClient');
    client.release();
  });

  it('reports that the server did not take notifications/initialized', async () => {
    const server = await serveMcp({
      'notifications/initialized': (_m, response) => response.writeHead(400).end('bad'),
    });
    const { client } = connect(server);
    expect(await client.initialize({ handshake: 'full' })).toMatchObject({
      kind: 'http-error',
      status: 400,
      body: 'bad',
    });
    expect(client.sessionId).toBe(SESSION_ID);
    client.release();
  });

  it('finds its answer in a batch', async () => {
    const server = await serveMcp({
      'tools/call': ({ id }, response) =>
        sendJson(response, 200, [
          { jsonrpc: '2.0', method: 'notifications/x', params: {} },
          { jsonrpc: '2.0', id, result: { ok: true } },
        ]),
      ping: (_message, response) => sendJson(response, 200, [{ jsonrpc: '2.0', id: 99, result: {} }]),
    });
    const heard: string[] = [];
    const { client } = connect(server, { onNotification: (method) => heard.push(method) });
    await client.initialize({ handshake: 'full' });
    expect(await client.call('echo')).toMatchObject({ kind: 'result', result: { ok: true } });
    expect(heard).toEqual(['notifications/x']);
    expect(await client.ping()).toMatchObject({ kind: 'wrong-answer' });
    client.release();
  });

  it('keeps only the beginning of an error page', async () => {
    const server = await serveMcp({
      ping: (_m, response) => response.writeHead(502).end('x'.repeat(1_000_000)),
    });
    const { client } = connect(server);
    await client.initialize({ handshake: 'full' });
    expect(await client.ping()).toMatchObject({ kind: 'http-error', status: 502, body: 'x'.repeat(4096) });
    client.release();
  });

  it('answers pings of the server, or does not, as told', async () => {
    for (const answersPings of [true, false]) {
      const server = await serveMcp({
        GET: (_message, response) => {
          openEvents(response);
          sendEvent(response, { id: 'p1', method: 'ping' });
          sendEvent(response, { id: 'r1', method: 'roots/list' });
        },
      });
      const { client, events } = connect(server, { answersPings });
      await client.initialize({ handshake: 'full' });
      await client.listen();
      await settle();
      const answers = server.requests
        .filter(({ method }) => method === 'answer')
        .map(({ message }) => message);
      const refusal = {
        jsonrpc: '2.0',
        id: 'r1',
        error: { code: -32601, message: 'no such method: roots/list' },
      };
      expect(answers).toEqual(answersPings ? [{ jsonrpc: '2.0', id: 'p1', result: {} }, refusal] : [refusal]);
      expect(inShort(events)).toContain('request-sent 3');
      client.release();
    }
  });

  it('does not let a server that pings without end make it send without end', async () => {
    const server = await serveMcp({
      answer: () => undefined,
      GET: (_message, response) => {
        openEvents(response);
        for (let id = 0; id < 100; id += 1) sendEvent(response, { id, method: 'ping' });
      },
    });
    const anomalies: string[] = [];
    const { client, events } = connect(server, { onAnomaly: (what) => anomalies.push(what) });
    await client.initialize({ handshake: 'full' });
    await client.listen();
    await until(() => anomalies.length === 100 - MAX_ANSWERS_IN_FLIGHT);
    await settle();
    expect(client.openConnections).toBe(MAX_CONNECTIONS);
    expect(inShort(events).filter((event) => event.startsWith('request-sent'))).toHaveLength(
      2 + MAX_CONNECTIONS - 1,
    );
    client.release();
  });
});

describe('The connections of McpClient', () => {
  it('carry 10,000 requests, one after the other, on one socket whose listeners do not grow', async () => {
    const server = await serveMcp({}, { keepAliveTimeout: 60_000 });
    const { client, clock, events } = connect(server);
    await client.initialize({ handshake: 'full' });
    const count = () => {
      const [socket] = server.dialled;
      return socket?.eventNames().map((name) => [name, socket.listenerCount(name)]);
    };
    await client.ping();
    const before = count();
    for (let round = 0; round < 10_000; round += 1) {
      const outcome = await client.ping();
      if (outcome.kind !== 'result') throw new Error(JSON.stringify(outcome));
      events.length = 0;
      server.requests.length = 0;
    }
    expect(count()).toEqual(before);
    expect(server.dialled).toHaveLength(1);
    expect(clock.pending).toBe(0);
    client.release();
  });

  it('are used again after an event stream that ends with its answer', async () => {
    const server = await serveMcp({
      'tools/call': ({ id }, response) => {
        openEvents(response);
        sendEvent(response, { method: 'notifications/x' });
        sendEvent(response, { id, result: {} });
        response.end();
      },
    });
    const { client } = connect(server);
    await client.initialize({ handshake: 'full' });
    for (let round = 0; round < 5; round += 1) {
      expect(await client.call('echo')).toMatchObject({ kind: 'result' });
      await settle();
    }
    expect(server.dialled).toHaveLength(1);
    client.release();
  });

  it('are dropped when an event stream goes on after its answer, and nobody waits for that', async () => {
    const server = await serveMcp({
      'tools/call': ({ id }, response) => {
        openEvents(response);
        sendEvent(response, { id, result: {} });
      },
    });
    const { client, clock, events } = connect(server);
    await client.initialize({ handshake: 'full' });
    expect(await client.call('echo')).toMatchObject({ kind: 'result', doneAt: 0 });
    expect(client.openConnections).toBe(1);
    clock.advance(DRAIN_MS);
    await until(() => client.openConnections === 0);
    expect(inShort(events).slice(-2)).toEqual(['request-sent 2 handshake', 'request-answered 2']);
    client.release();
  });

  it('are at most as many as allowed: further requests wait their turn', async () => {
    const held: (() => void)[] = [];
    const server = await serveMcp({
      'tools/call': ({ id }, response) => {
        held.push(() => sendJson(response, 200, { jsonrpc: '2.0', id, result: {} }));
      },
    });
    const { client } = connect(server);
    await client.initialize({ handshake: 'full' });
    const calls = Array.from({ length: 20 }, () => client.call('slow'));
    await until(() => held.length === MAX_CONNECTIONS);
    await settle();
    expect(held).toHaveLength(MAX_CONNECTIONS);
    for (let done = 0; done < 20; done += 1) {
      await until(() => held.length > done);
      held[done]?.();
    }
    expect((await Promise.all(calls)).map(({ kind }) => kind)).toEqual(Array(20).fill('result'));
    expect(server.dialled).toHaveLength(MAX_CONNECTIONS);
    client.release();
  });

  it('are not used in the last second that the server keeps them', async () => {
    const server = await serveMcp({}, { keepAliveTimeout: 5000 });
    const { client, clock } = connect(server);
    await client.initialize({ handshake: 'full' });
    clock.advance(5000 - KEEP_ALIVE_MARGIN_MS - 1);
    await client.ping();
    expect(server.dialled).toHaveLength(1);
    clock.advance(5000 - KEEP_ALIVE_MARGIN_MS);
    await client.ping();
    expect(server.dialled).toHaveLength(2);
    client.release();
  });

  it('that end between requests are noticed: the next request dials', async () => {
    const server = await serveMcp();
    const { client } = connect(server);
    await client.initialize({ handshake: 'full' });
    for (const socket of server.accepted) socket.end();
    await until(() => client.openConnections === 0);
    expect(await client.call('echo')).toMatchObject({ kind: 'result' });
    expect(server.dialled).toHaveLength(2);
    client.release();
  });

  const races: readonly [
    why: string,
    act: 'ping' | 'call',
    breaks: 'reset' | 'end' | 'half',
    ends: string,
    sockets: number,
  ][] = [
    ['a ping on a connection that is reset is repeated', 'ping', 'reset', 'result', 2],
    ['a ping on a connection that ends is repeated', 'ping', 'end', 'result', 2],
    ['a call is not repeated: it may have run', 'call', 'reset', 'connection', 1],
    ['a ping whose answer had begun is not repeated', 'ping', 'half', 'connection', 1],
  ];
  it.each(races)('break when used again: %s', async (_why, act, breaks, ends, sockets) => {
    const server = await serveRaw((socket, index) => {
      let count = 0;
      socket.on('data', (bytes) => {
        count += 1;
        // The third request on the first connection: initialize and initialized went well.
        if (index > 0 || count < 3) return answerRaw(socket, bytes.toString());
        if (breaks === 'half') socket.write('HTTP/1.1 2');
        if (breaks === 'reset') socket.resetAndDestroy();
        else socket.end();
      });
    });
    const { client, events } = connect(server);
    await client.initialize({ handshake: 'full' });
    expect(await (act === 'ping' ? client.ping() : client.call('echo'))).toMatchObject({ kind: ends });
    expect(server.dialled).toHaveLength(sockets);
    const told = inShort(events)
      .slice(4)
      .map((event) => event.split(' ')[0]);
    expect(told).toEqual(['request-sent', ends === 'result' ? 'request-answered' : 'request-aborted']);
    client.release();
  });

  it('are repeated once at most', async () => {
    const server = await serveRaw((socket, index) => {
      let count = 0;
      socket.on('data', (bytes) => {
        count += 1;
        if (index === 0 && count < 3) answerRaw(socket, bytes.toString());
        else socket.resetAndDestroy();
      });
    });
    const { client } = connect(server);
    await client.initialize({ handshake: 'full' });
    expect(await client.ping()).toMatchObject({ kind: 'connection', code: 'ECONNRESET' });
    expect(server.dialled).toHaveLength(2);
    client.release();
  });

  const malformed: readonly [why: string, raw: string, code: string][] = [
    ['no HTTP', 'hello\r\n\r\n', 'status-line'],
    ['a chunk that is cut off', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'chunk-size'],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(300)}`, 'too-many-headers'],
  ];
  it.each(malformed)('are given up when the server speaks %s', async (_why, raw, code) => {
    const server = await serveRaw((socket) => socket.on('data', () => socket.write(raw)));
    const { client } = connect(server);
    expect(await client.initialize({ handshake: 'full' })).toMatchObject({ kind: 'connection', code });
    await until(() => client.openConnections === 0);
    client.release();
  });

  it.each(['together with', 'after'])(
    'are given up when bytes come %s the end of an answer',
    async (when) => {
      const server = await serveRaw((socket) => {
        socket.on('data', (bytes) => {
          const request = bytes.toString();
          if (!request.includes('"ping"')) return answerRaw(socket, request);
          if (when === 'after') {
            answerRaw(socket, request);
            setImmediate(() => socket.write('HTTP/1.1 200 OK\r\n'));
          } else answerRaw(socket, request, 'HTTP/1.1 200 OK\r\n');
        });
      });
      const anomalies: string[] = [];
      const { client } = connect(server, { onAnomaly: (what) => anomalies.push(what) });
      await client.initialize({ handshake: 'full' });
      expect(await client.ping()).toMatchObject({ kind: 'result' });
      await until(() => client.openConnections === 0);
      expect(anomalies).toEqual([
        'bytes came after the answer: got "HTTP/1.1 200 OK\\r\\n", allowed: nothing until the next request',
      ]);
      client.release();
    },
  );

  it('deliver the same, byte by byte', async () => {
    const server = await serveRaw((socket) => {
      socket.setNoDelay(true);
      socket.on('data', async (bytes) => {
        for (const byte of Buffer.from(rawAnswer(bytes.toString()))) {
          socket.write(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
    });
    const { client } = connect(server);
    expect(await client.initialize({ handshake: 'full' })).toMatchObject({ kind: 'result' });
    expect(await client.call('echo')).toMatchObject({ kind: 'result' });
    expect(server.dialled).toHaveLength(1);
    client.release();
  });
});

/** One request in one read, as this client writes them and loopback delivers them. */
function rawAnswer(request: string): string {
  const body = request.slice(request.indexOf('\r\n\r\n') + 4);
  const { id } = JSON.parse(body);
  if (id === undefined) return 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n';
  const serverInfo = { name: 'raw', version: '1' };
  const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
  const text = JSON.stringify({ jsonrpc: '2.0', id, result });
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: ${SESSION_ID}\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

function answerRaw(socket: import('node:net').Socket, request: string, more = ''): void {
  socket.write(`${rawAnswer(request)}${more}`);
}
