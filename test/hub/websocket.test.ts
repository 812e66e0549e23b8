import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListRootsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { openAgent } from './agent-calls.ts';
import { expectGone, inTime } from './lifecycle-stories.ts';
import { callRequest, initializeRequest, textResult } from './raw-client.ts';
import { openSocket, refusalOf, type SocketClient } from './socket-client.ts';

const ON = { websocket: 'on' };

describe('A WebSocket', () => {
  it('opens a session with its first message, and carries calls', () =>
    inTime(async ({ target, hub }) => {
      const client = await openSocket(target.dial);
      expect(client.socket.protocol).toBe('mcp');
      expect(client.session).toMatch(/^[0-9a-f-]{36}$/);
      expect(hub.sessions.size).toBe(0);
      expect(await client.handshake()).toMatchObject({ id: 1, result: { serverInfo: {} } });
      expect(hub.sessions.peek(client.session)).toMatchObject({
        openStreams: 1,
        clientInfo: { name: 'socket' },
      });
      expect(await client.ask(callRequest(7, 'echo', { message: 'hi' }))).toEqual(textResult(7, 'hi'));
      expect(await client.ask({ id: 'l', method: 'tools/list', ...{ jsonrpc: '2.0' } })).toMatchObject({
        result: { tools: expect.any(Array) },
      });
      expect(hub.sessions.peek(client.session)?.isHandshakeDone).toBe(true);
    }, ON));

  it('is listed and counted as any session, by its fingerprint', () =>
    inTime(async ({ target, raw }) => {
      const client = await openSocket(target.dial);
      await client.handshake('lister');
      const { json, text } = await raw.get('/sessions');
      expect(json).toMatchObject({
        total: 1,
        sessions: [{ clientName: 'lister', state: 'live', openStreams: 1, callsInFlight: 0 }],
      });
      expect(text).not.toContain(client.session);
    }, ON));

  it('carries notifications of a call before its answer, in order', () =>
    inTime(async ({ target }) => {
      const client = await openSocket(target.dial);
      await client.handshake();
      const call = callRequest(2, 'emit', { count: 50 });
      await client.ask({ ...call, ...{ params: { ...call.params, _meta: { progressToken: 9 } } } });
      const progress = client.received.filter(({ method }) => method === 'notifications/progress');
      expect(progress.map(({ params }) => Reflect.get(Object(params), 'progress'))).toEqual(
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      expect(client.received.at(-1)).toEqual(textResult(2, 'emitted 50'));
    }, ON));

  it('gives calls in flight with one id an answer each (F28), and none to a cancelled one', () =>
    inTime(async ({ target, hub, clock }) => {
      const client = await openSocket(target.dial);
      await client.handshake();
      client.send(callRequest(5, 'sleep', { ms: 200 }));
      client.send(callRequest(5, 'sleep', { ms: 100 }));
      client.send(callRequest(6, 'sleep', { ms: 5_000 }));
      await clock.sleep(10);
      expect(hub.sessions.peek(client.session)?.callsInFlight).toBe(3);
      client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 6 } });
      await clock.sleep(1_000);
      expect(hub.sessions.peek(client.session)?.callsInFlight).toBe(0);
      expect(client.received.slice(1)).toEqual([
        textResult(5, 'slept 100 ms'),
        textResult(5, 'slept 200 ms'),
      ]);
    }, ON));

  it('carries messages of other agents, and those that came while nobody listened', () =>
    inTime(async ({ target, raw, clock }) => {
      const alice = await openAgent(raw, 'alice');
      const bob = await openSocket(target.dial);
      await bob.handshake();
      await bob.ask(callRequest(2, 'register_agent', { name: 'bob' }));
      const isMessage = ({ method }: Record<string, unknown>) => method === 'notifications/agents/message';
      await raw.call(alice, 'send_message', { to: 'bob', message: 'one' });
      await clock.sleep(1);
      bob.socket.terminate();
      await bob.closed;
      await clock.sleep(1);
      await raw.call(alice, 'send_message', { to: 'bob', message: 'two' });
      const again = await openSocket(target.dial, { session: bob.session });
      await clock.sleep(1);
      const texts = [bob, again].map(({ received }) =>
        received.filter(isMessage).map(({ params }) => Reflect.get(Object(params), 'message')),
      );
      expect(texts).toEqual([['one'], ['two']]);
    }, ON));

  it('carries requests of the server, and their answers', () =>
    inTime(
      async ({ target }) => {
        const client = await openSocket(target.dial);
        await client.handshake();
        const asked = client.next(({ method }) => method === 'roots/list');
        const answer = client.ask(callRequest(2, 'roots', {}));
        client.send({
          jsonrpc: '2.0',
          id: Reflect.get(Object(await asked), 'id'),
          result: { roots: [{ uri: 'file:///a' }] },
        });
        expect(await answer).toEqual(textResult(2, 'file:///a'));
      },
      ON,
      () => {
        const server = new Server({ name: 'asks', version: '1' }, { capabilities: { tools: {} } });
        server.setRequestHandler(CallToolRequestSchema, async (_request, { sendRequest }) => {
          const { roots } = await sendRequest({ method: 'roots/list' }, ListRootsResultSchema);
          return { content: [{ type: 'text', text: roots.map(({ uri }) => uri).join() }] };
        });
        return server;
      },
    ));

  it('takes messages one after the other, in the order in which they came', () =>
    inTime(async ({ target }) => {
      const client = await openSocket(target.dial);
      client.send(initializeRequest());
      for (let id = 2; id < 40; id += 1) client.send(callRequest(id, 'echo', { message: '' }));
      await client.next(({ id }) => id === 39);
      expect(client.received.map(({ id }) => id)).toEqual(
        Array.from({ length: 39 }, (_, index) => index + 1),
      );
    }, ON));
});

describe('What a client closes', () => {
  const closes: readonly [what: string, leave: (client: SocketClient) => void, ended: number][] = [
    ['with 1000', ({ socket }) => socket.close(1000), 1],
    ['without a code, as the SDK does', ({ socket }) => socket.close(), 1],
    ['with 1001, as browsers do when a page is left', ({ socket }) => socket.close(1001), 0],
    ['with a code of its own', ({ socket }) => socket.close(4000), 0],
    ['by breaking the connection', ({ socket }) => socket.terminate(), 0],
  ];
  it.each(closes)('%s: is the session over at once?', (_what, leave, ended) =>
    inTime(async ({ target, hub, clock }) => {
      const client = await openSocket(target.dial);
      await client.handshake();
      leave(client);
      await client.closed;
      expect(hub.sessions.counters().ended.client).toBe(ended);
      await clock.sleep(1);
      expect(hub.sessions.size).toBe(1 - ended);
      expect(hub.sessions.peek(client.session)?.openStreams).toBe(ended === 1 ? undefined : 0);
    }, ON),
  );

  it('is gone for everything else, too; and DELETE closes it with 4404', () =>
    inTime(async (world) => {
      const { target, raw } = world;
      const [one, other] = [await openSocket(target.dial), await openSocket(target.dial)];
      await one.handshake();
      await other.handshake();
      one.socket.close(1000);
      await one.closed;
      await expectGone(world, one.session);
      expect((await raw.delete(other.session)).status).toBe(200);
      expect(await other.closed).toMatchObject({ code: 4404 });
      expect(await refusalOf(openSocket(target.dial, { session: other.session }))).toMatchObject({
        status: 404,
        json: { error: { code: -32001 } },
      });
    }, ON));
});

describe('A second WebSocket of a session', () => {
  it('takes over: the first is closed with 4409, the session goes on', () =>
    inTime(async ({ target, hub }) => {
      const first = await openSocket(target.dial);
      await first.handshake();
      const second = await openSocket(target.dial, { session: first.session });
      expect(await first.closed).toMatchObject({ code: 4409 });
      expect(second.session).toBe(first.session);
      expect(await second.ask(callRequest(3, 'echo', { message: 'on' }))).toEqual(textResult(3, 'on'));
      expect(hub.sessions.peek(first.session)?.openStreams).toBe(1);
      expect(hub.sessions.counters()).toMatchObject({ opened: 1, ended: { client: 0, error: 0 } });
    }, ON));

  it('and a GET stream take over from each other; POST and DELETE go on working', () =>
    inTime(async ({ target, raw, hub }) => {
      const session = await raw.open();
      const stream = await raw.stream(session);
      const socket = await openSocket(target.dial, { session });
      await stream.ended;
      expect(await socket.ask(callRequest(1, 'echo', { message: 'a' }))).toEqual(textResult(1, 'a'));
      expect((await raw.call(session, 'echo', { message: 'b' })).json).toEqual(textResult(2, 'b'));
      await raw.stream(session);
      expect(await socket.closed).toMatchObject({ code: 4409 });
      expect(hub.sessions.peek(session)?.openStreams).toBe(1);
    }, ON));
});

describe('A hub that was not asked for WebSockets', () => {
  it('answers an upgrade as the GET that it is', () =>
    inTime(async ({ target, raw }) => {
      expect(await refusalOf(openSocket(target.dial))).toMatchObject({ status: 400 });
      const session = await raw.open();
      expect((await raw.ping(session)).status).toBe(200);
    }));
});
