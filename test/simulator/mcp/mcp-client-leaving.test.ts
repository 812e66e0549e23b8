import { describe, expect, it } from 'vitest';
import { connect, inShort, openEvents, sendEvent, serveMcp } from './fake-mcp.ts';
import { settle, until } from './servers.ts';

/** How the server's end of a connection ended: `end` for FIN, or the code of an error. */
function watchEnds(sockets: readonly import('node:net').Socket[]): string[] {
  const ends: string[] = [];
  for (const socket of sockets) {
    socket.once('end', () => ends.push('end'));
    socket.once('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? 'error'));
  }
  return ends;
}

async function openAll() {
  const streams: import('node:http').ServerResponse[] = [];
  const server = await serveMcp({
    'tools/call': () => undefined,
    GET: (_message, response) => {
      openEvents(response);
      streams.push(response);
    },
  });
  const heard = connect(server);
  await heard.client.initialize({ handshake: 'full' });
  await heard.client.listen();
  const calling = heard.client.call('slow', {}, { longestMs: 7000 });
  await until(() => server.requests.length === 4);
  // One idle, one with a call in flight, one with the stream.
  void heard.client.ping();
  await until(() => server.accepted.length === 3 && server.requests.length === 5);
  await settle();
  return { server, ...heard, calling, streams, before: heard.events.length };
}

describe('McpClient.abandon', () => {
  it('silent: every socket ends with FIN, as those of a process that exits, and no DELETE is sent', async () => {
    const { server, client, calling, events, before, clock } = await openAll();
    const ends = watchEnds(server.accepted);
    client.abandon('silent');
    expect(await calling).toMatchObject({ kind: 'aborted' });
    await until(() => ends.length === 3);
    expect(ends).toEqual(['end', 'end', 'end']);
    expect(inShort(events).slice(before)).toEqual([
      'stream-closed 1 vanished',
      'request-aborted 3 7000',
      'abandoned silent',
    ]);
    await until(() => client.openConnections === 0);
    expect(server.requests.some(({ method }) => method === 'DELETE')).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('destroyed: every socket is reset', async () => {
    const { server, client, calling, events, before } = await openAll();
    const ends = watchEnds(server.accepted);
    client.abandon('destroyed');
    expect(await calling).toMatchObject({ kind: 'aborted' });
    await until(() => ends.length === 3);
    expect(ends).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
    expect(inShort(events).slice(before)).toEqual([
      'stream-closed 1 vanished',
      'request-aborted 3 7000',
      'abandoned destroyed',
    ]);
    await until(() => client.openConnections === 0);
  });

  it('frozen: every socket stays open, unread and unanswered, until released', async () => {
    const { server, client, calling, streams, events, before, clock } = await openAll();
    const ends = watchEnds(server.accepted);
    client.abandon('frozen');
    expect(await calling).toMatchObject({ kind: 'aborted' });
    const [stream] = streams;
    if (!stream) throw new Error('no stream');
    sendEvent(stream, { id: 1, method: 'ping' });
    // More than the buffers of both ends hold: the writes must come to a stop.
    for (let count = 0; count < 200; count += 1) stream.write(`: ${'x'.repeat(100_000)}\n\n`);
    await settle();
    expect(stream.socket?.writableLength).toBeGreaterThan(1_000_000);
    expect(ends).toEqual([]);
    expect(client.openConnections).toBe(3);
    expect(server.requests).toHaveLength(5);
    clock.advance(100_000);
    expect(inShort(events).slice(before)).toEqual(['request-aborted 3 7000', 'abandoned frozen']);
    client.release();
    await until(() => ends.length === 3 && client.openConnections === 0);
    expect(inShort(events)).toHaveLength(before + 2);
  });

  it.each(['silent', 'destroyed', 'frozen'] as const)('%s: nothing can be sent afterwards', async (how) => {
    const { server, client, events } = await openAll();
    client.abandon(how);
    const told = events.length;
    const count = server.requests.length;
    const outcomes = await Promise.all([client.ping(), client.call('x'), client.listen(), client.delete()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['aborted', 'aborted', 'aborted', 'aborted']);
    client.abandon('silent');
    await settle();
    expect(server.requests).toHaveLength(count);
    expect(events).toHaveLength(told);
    client.release();
  });

  it('while a connection is being dialled: it is given up, and the session has no events', async () => {
    const server = await serveMcp();
    const { client, events } = connect(server);
    const opening = client.initialize({ handshake: 'full' });
    client.abandon('silent');
    expect(await opening).toMatchObject({ kind: 'aborted' });
    expect(inShort(events)).toEqual(['initialize-sent test', 'initialize-refused 0']);
    await settle();
    expect(server.requests).toEqual([]);
    expect(client.openConnections).toBe(0);
  });

  it('during initialize: the target may hold a session all the same', async () => {
    const server = await serveMcp({ initialize: () => undefined });
    const { client, events } = connect(server);
    const opening = client.initialize({ handshake: 'full' });
    await until(() => server.requests.length === 1);
    client.abandon('destroyed');
    expect(await opening).toMatchObject({ kind: 'aborted' });
    expect(inShort(events)).toEqual(['initialize-sent test', 'initialize-lost 5000']);
  });

  it('from within a notification: the rest of the same bytes is not delivered', async () => {
    const server = await serveMcp({
      'tools/call': ({ id }, response) => {
        openEvents(response);
        response.write(
          [
            { method: 'notifications/a' },
            { method: 'notifications/b' },
            { id: 9, method: 'ping' },
            { id, result: {} },
          ]
            .map((message) => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
            .join(''),
        );
      },
    });
    const seen: string[] = [];
    const { client, events } = connect(server, {
      onNotification: (method) => {
        seen.push(method);
        client.abandon('silent');
      },
    });
    await client.initialize({ handshake: 'full' });
    expect(await client.call('x')).toMatchObject({ kind: 'aborted' });
    await settle();
    expect(seen).toEqual(['notifications/a']);
    expect(inShort(events).slice(4)).toEqual([
      'request-sent 2 handshake',
      'request-aborted 2 5000',
      'abandoned silent',
    ]);
    expect(server.requests).toHaveLength(3);
  });
});

describe('McpClient.release', () => {
  it('frees everything without an event, however often it is called', async () => {
    const { client, calling, events, before, clock } = await openAll();
    client.release();
    client.release();
    expect(await calling).toMatchObject({ kind: 'aborted' });
    await until(() => client.openConnections === 0);
    expect(events).toHaveLength(before);
    expect(clock.pending).toBe(0);
  });
});
