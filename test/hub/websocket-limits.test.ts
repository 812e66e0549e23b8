import { describe, expect, it } from 'vitest';
import type { HubOptions } from '../../hub/config.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import { TOKEN_A, TOKEN_B, TOKENS, UNKNOWN_ID } from './callers.ts';
import { C, H, inTime } from './lifecycle-stories.ts';
import { callRequest, initializeRequest, LARGE_INITIALIZE, textResult } from './raw-client.ts';
import { openSocket, refusalOf, type SocketOptions } from './socket-client.ts';

/** What an MCP server may take to connect, ms. */
const SLOW_MS = 500;

const ON = { websocket: 'on' };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('An upgrade is refused', () => {
  type Row = readonly [what: string, options: SocketOptions, status: number, hub: HubOptions];
  const rows: readonly Row[] = [
    ['for another host', { headers: { host: 'evil.example' } }, 403, {}],
    ['for the page of another origin', { headers: { origin: 'http://evil.example' } }, 403, {}],
    ['without a token', {}, 401, { authToken: TOKENS }],
    ['with a wrong token', { headers: bearer('c'.repeat(24)) }, 401, { authToken: TOKENS }],
    ['for a version nobody speaks', { headers: { 'mcp-protocol-version': '1999-01-01' } }, 400, {}],
    ['without the subprotocol', { protocols: [] }, 400, {}],
    ['with another subprotocol', { protocols: ['chat'] }, 400, {}],
    ['for a session there is not', { session: UNKNOWN_ID }, 404, {}],
    ['for an empty session id', { session: '' }, 404, {}],
  ];
  it.each(rows)('%s', (_what, options, status, more) =>
    inTime(
      async ({ target, hub, time }) => {
        const before = time.heldTimers();
        const refusal = await refusalOf(openSocket(target.dial, options));
        expect(refusal.status).toBe(status);
        expect(refusal.json).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) }, id: null });
        expect(refusal.headers['mcp-session-id']).toBeUndefined();
        expect(hub.sessions.counters().opened).toBe(0);
        expect(time.heldTimers()).toBe(before);
      },
      { ...ON, ...more },
    ),
  );

  it('with a broken key, as JSON-RPC too, and takes no slot', () =>
    inTime(
      async ({ target, hub }) => {
        for (let attempt = 0; attempt < 3; attempt += 1) {
          const { stream } = await target.dial();
          stream.write(
            'GET /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
              'sec-websocket-version: 13\r\nsec-websocket-protocol: mcp\r\nsec-websocket-key: short\r\n\r\n',
          );
          let text = '';
          for await (const chunk of stream) text += chunk;
          expect(text).toMatch(/^HTTP\/1.1 400 .*"jsonrpc":"2.0"/s);
        }
        const client = await openSocket(target.dial);
        expect(await client.handshake()).toMatchObject({ id: 1, result: {} });
        expect(hub.sessions.size).toBe(1);
      },
      { ...ON, maxSessions: 1 },
    ));

  it('for the session of somebody else as for one there is not (F32)', () =>
    inTime(
      async ({ target }) => {
        const alice = await openSocket(target.dial, { headers: bearer(TOKEN_A) });
        await alice.handshake();
        const attempts = [alice.session, UNKNOWN_ID].map((session) =>
          refusalOf(openSocket(target.dial, { session, headers: bearer(TOKEN_B) })),
        );
        const [foreign, unknown] = await Promise.all(attempts);
        expect(foreign?.status).toBe(404);
        expect(foreign?.json).toEqual(unknown?.json);
        expect(await alice.ask(callRequest(2, 'echo', { message: 'mine' }))).toEqual(textResult(2, 'mine'));
      },
      { ...ON, authToken: TOKENS },
    ));

  it('elsewhere than on the endpoint is none: the request is answered', () =>
    inTime(async ({ target }) => {
      expect(await refusalOf(openSocket(target.dial, { path: '/health' }))).toMatchObject({ status: 200 });
    }, ON));
});

describe('The first message', () => {
  const rows: readonly [what: string, message: unknown, code: number][] = [
    ['no JSON', '{', -32700],
    ['no JSON-RPC', { a: 1 }, -32600],
    ['a call', callRequest(9, 'echo', { message: '' }), -32000],
    ['a notification', { jsonrpc: '2.0', method: 'notifications/initialized' }, -32000],
    ['a batch', [initializeRequest()], -32600],
    ['an initialize that is too large to keep', LARGE_INITIALIZE, -32000],
    [
      'an initialize that makes no sense',
      { jsonrpc: '2.0', id: 9, method: 'initialize' },
      expect.any(Number),
    ],
  ];
  it.each(rows)('that is %s is answered with an error, and the WebSocket closed', (_what, message, code) =>
    inTime(
      async ({ target, hub }) => {
        for (let attempt = 0; attempt < 3; attempt += 1) {
          const client = await openSocket(target.dial);
          client.send(message);
          expect(await client.closed).toMatchObject({ code: 4400 });
          const id = Reflect.get(Object(message), 'id') ?? null;
          expect(client.received).toMatchObject([{ jsonrpc: '2.0', error: { code }, id }]);
        }
        expect(hub.sessions.counters().opened).toBe(0);
        // None of them kept the only slot.
        expect(await (await openSocket(target.dial)).handshake()).toMatchObject({ result: {} });
      },
      { ...ON, maxSessions: 1 },
    ),
  );

  it('has to come before the handshake deadline', () =>
    inTime(
      async ({ target, hub, clock }) => {
        const client = await openSocket(target.dial);
        const openedAt = clock.now();
        expect(await client.closed).toMatchObject({ code: 4408 });
        expect(clock.now() - openedAt).toBeLessThanOrEqual(H + 2 * C);
        expect(hub.sessions.counters()).toMatchObject({ opened: 0 });
        expect(await (await openSocket(target.dial)).handshake()).toMatchObject({ result: {} });
      },
      { ...ON, maxSessions: 1 },
    ));

  it('opens no session if its client leaves before the answer; what came after it waits', () =>
    inTime(
      async ({ target, hub, clock }) => {
        const gone = await openSocket(target.dial);
        gone.send(initializeRequest());
        await clock.sleep(SLOW_MS / 2);
        gone.socket.terminate();
        const patient = await openSocket(target.dial);
        const answer = patient.handshake();
        for (const id of [2, 3]) patient.send(callRequest(id, 'echo', { message: 'early' }));
        await clock.sleep(SLOW_MS / 2);
        patient.send(callRequest(4, 'echo', { message: 'early' }));
        await clock.sleep(3 * SLOW_MS);
        expect(await answer).toMatchObject({ result: {} });
        // In the order in which it came.
        expect(patient.received.slice(1)).toEqual([2, 3, 4].map((id) => textResult(id, 'early')));
        expect(hub.sessions.counters().opened).toBe(1);
      },
      { ...ON, maxSessions: 2 },
      (context) => {
        const server = createMcpServer(context);
        return {
          connect: async (transport) => {
            const later = () => new Promise((resolve) => setTimeout(resolve, SLOW_MS));
            await later();
            const send = transport.send.bind(transport);
            // Its answer to initialize takes its time, too.
            transport.send = async (...args) => {
              transport.send = send;
              await later();
              await send(...args);
            };
            await server.connect(transport);
          },
          close: () => server.close(),
        };
      },
    ));

  it('is the last that a WebSocket gets to send while its session takes too long to open', () =>
    inTime(
      async ({ target, hub }) => {
        const client = await openSocket(target.dial);
        client.send(initializeRequest());
        for (let id = 2; id < 1_000; id += 1) client.send(callRequest(id, 'echo', { message: '' }));
        expect(await client.closed).toMatchObject({ code: 4408 });
        expect(hub.sessions.counters().opened).toBe(0);
        expect(await refusalOf(openSocket(target.dial, { session: client.session }))).toMatchObject({
          status: 404,
        });
      },
      { ...ON, maxSessions: 1 },
      () => ({ connect: () => new Promise(() => undefined), close: async () => undefined }),
    ));
});

describe('On a session', () => {
  const rows: readonly [what: string, message: unknown, id: unknown, code: number][] = [
    ['what is no JSON', '{', null, -32700],
    ['what is no JSON-RPC', { id: 4 }, 4, -32600],
    ['a batch', [callRequest(1, 'echo', { message: '' })], null, -32600],
    ['a second initialize', initializeRequest(), 1, -32600],
  ];
  it.each(rows)('%s is answered with an error, and the session goes on', (_what, message, id, code) =>
    inTime(async ({ target }) => {
      const client = await openSocket(target.dial);
      await client.handshake();
      client.send(message);
      expect(await client.ask(callRequest(8, 'echo', { message: 'on' }))).toEqual(textResult(8, 'on'));
      expect(client.received[1]).toMatchObject({ id, error: { code, data: { status: 400 } } });
    }, ON),
  );

  it('a binary frame closes it with 1003, one too large with 1009; neither ends the session', () =>
    inTime(
      async ({ target, hub }) => {
        const client = await openSocket(target.dial);
        await client.handshake();
        client.socket.send(Buffer.from('{}'));
        expect(await client.closed).toMatchObject({ code: 1003 });
        const again = await openSocket(target.dial, { session: client.session });
        again.send(callRequest(2, 'echo', { message: 'x'.repeat(5_000) }));
        expect(await again.closed).toMatchObject({ code: 1009 });
        const fitting = await openSocket(target.dial, { session: client.session });
        const message = 'x'.repeat(4_000);
        expect(await fitting.ask(callRequest(3, 'echo', { message }))).toEqual(textResult(3, message));
        expect(hub.sessions.size).toBe(1);
      },
      { ...ON, maxBody: 4_400 },
    ));

  it('messages beyond the rate are refused one by one; each can be told from the others', () =>
    inTime(
      async ({ target, clock }) => {
        const client = await openSocket(target.dial);
        await client.handshake();
        await clock.sleep(2_000);
        for (let id = 10; id < 15; id += 1) client.send(callRequest(id, 'echo', { message: '' }));
        await client.next(({ id }) => id === 14);
        expect(client.received.slice(1)).toMatchObject([
          textResult(10, ''),
          textResult(11, ''),
          textResult(12, ''),
          { id: 13, error: { code: -32000, data: { status: 429, retryAfter: 1 } } },
          { id: 14, error: { data: { status: 429 } } },
        ]);
        await clock.sleep(1_000);
        expect(await client.ask(callRequest(15, 'echo', { message: 'on' }))).toEqual(textResult(15, 'on'));
      },
      // Nor does the client answer a ping meanwhile, which counts, too.
      { ...ON, rateLimit: 'on', sessionRate: 3, heartbeat: '1h' },
    ));
});

describe('The limits of all sessions hold', () => {
  it('for their number: 503 before anything is upgraded, and a slot that comes back', () =>
    inTime(
      async ({ target, raw, hub }) => {
        const [first, second] = [await openSocket(target.dial), await openSocket(target.dial)];
        await first.handshake();
        // The second has a slot though it has no session yet.
        const refusal = await refusalOf(openSocket(target.dial));
        expect([refusal.status, Number(refusal.headers['retry-after'])]).toEqual([503, 5]);
        expect((await raw.initialize()).status).toBe(503);
        second.socket.terminate();
        await second.closed;
        expect((await raw.initialize()).status).toBe(200);
        expect(hub.sessions.counters()).toMatchObject({ opened: 2, refused: 2 });
      },
      { ...ON, maxSessions: 2 },
    ));

  it('for their rate: one bucket with those that come over HTTP', () =>
    inTime(
      async ({ target, raw, hub }) => {
        await openSocket(target.dial);
        await raw.initialize();
        expect(await refusalOf(openSocket(target.dial))).toMatchObject({
          status: 429,
          headers: { 'retry-after': '60' },
        });
        expect(hub.sessions.counters().refused).toBe(1);
      },
      { ...ON, rateLimit: 'on', initializeRate: 2 },
    ));
});
