import http from 'node:http';
import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Dial } from '../../../simulator/targets/target.ts';
import { connect, inShort, openEvents } from './fake-mcp.ts';
import { readBody, until } from './servers.ts';

/** A server reached over pairs of streams, as in virtual time: no socket at all. */
function serveInProcess() {
  const left: string[] = [];
  const arrived: string[] = [];
  const server = http.createServer(async (request, response) => {
    const body = await readBody(request);
    const message = body === '' ? {} : JSON.parse(body);
    const name: string = message.method ?? request.method;
    arrived.push(name);
    response.on('close', () => {
      if (!response.writableFinished) left.push(name);
    });
    if (name === 'GET') return openEvents(response);
    if (name === 'tools/call') return;
    if (message.id === undefined) return response.writeHead(202).end();
    const serverInfo = { name: 'pair', version: '1' };
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
  });
  const dial: Dial = () => {
    const [stream, far] = duplexPair();
    far.on('error', () => undefined);
    server.emit('connection', far);
    return Promise.resolve({
      stream,
      reset: () => {
        const error = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        far.destroy(error);
        stream.destroy(error);
      },
    });
  };
  return { dial, endpoint: new URL('http://in-process/mcp'), left, arrived };
}

describe('McpClient over a pair of streams', () => {
  const ways: readonly ['silent' | 'destroyed' | 'frozen', left: readonly string[]][] = [
    ['silent', ['GET', 'tools/call']],
    ['destroyed', ['GET', 'tools/call']],
    ['frozen', []],
  ];
  it.each(ways)('%s: the server learns that %j is not wanted any more', async (how, left) => {
    const server = serveInProcess();
    const { client, events, clock } = connect(server);
    await client.initialize({ handshake: 'full' });
    await client.listen();
    const calling = client.call('slow');
    await until(() => server.arrived.includes('tools/call'));
    client.abandon(how);
    expect(await calling).toMatchObject({ kind: 'aborted' });
    await until(() => server.left.length === left.length);
    expect(server.left.toSorted()).toEqual(left);
    expect(inShort(events).at(-1)).toBe(`abandoned ${how}`);
    client.release();
    await until(() => server.left.length === 2 && client.openConnections === 0);
    expect(clock.pending).toBe(0);
  });

  it('gives a call up: the server learns of it, the session goes on', async () => {
    const server = serveInProcess();
    const { client, clock } = connect(server);
    await client.initialize({ handshake: 'full' });
    const calling = client.call('slow', {}, { abortAfterMs: 100 });
    await until(() => server.arrived.includes('tools/call'));
    clock.advance(100);
    expect(await calling).toMatchObject({ kind: 'aborted', doneAt: 100 });
    await until(() => server.left.length === 1);
    expect(await client.ping()).toMatchObject({ kind: 'result' });
    client.release();
  });
});
