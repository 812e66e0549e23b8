import { connect } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fingerprint } from '../../hub/fingerprint.ts';
import { type LoopbackHub, serveHub, startHub, WAYS } from './hub-on-loopback.ts';
import { callRequest, initializeRequest, type RawRequest, textResult } from './raw-client.ts';

/** The sessions a request may name. */
interface Ids {
  readonly live: string;
  readonly ended: string;
}

interface Refusal {
  readonly what: string;
  readonly ask: RawRequest | ((ids: Ids) => RawRequest);
  readonly status: number;
  /** Of the JSON-RPC error. */
  readonly code: number;
}

const UNKNOWN = '4c1ec0ff-0000-4000-8000-000000000000';
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };
const FIVE_MIB = JSON.stringify(callRequest(1, 'echo', { message: 'x'.repeat(5 * 1_024 * 1_024) }));

const invalidRequest = -32600;
const parseError = -32700;
const serverError = -32000;
const sessionNotFound = -32001;

const refuse = (status: number, code: number, rows: readonly [what: string, ask: Refusal['ask']][]) =>
  rows.map(([what, ask]): Refusal => ({ what, ask, status, code }));

const SESSION_REFUSALS: readonly Refusal[] = [
  ...refuse(400, serverError, [
    ['POST of a request without session id', { body: LIST }],
    ['POST of notifications/initialized without session id (F04)', { body: INITIALIZED }],
    ['POST of an answer without session id', { body: { jsonrpc: '2.0', id: 1, result: {} } }],
    ['POST of a batch without session id', { body: [LIST, INITIALIZED] }],
    ['initialize as a notification', { body: { ...initializeRequest(), id: undefined } }],
    ['GET without session id', { method: 'GET' }],
    ['DELETE without session id', { method: 'DELETE' }],
    [
      'the probe of a 2026-07-28 client (F51)',
      { body: { jsonrpc: '2.0', id: 1, method: 'server/discover' } },
    ],
    [
      'a request of a 2026-07-28 client (F51)',
      {
        body: {
          ...LIST,
          params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
        },
      },
    ],
  ]),
  ...refuse(404, sessionNotFound, [
    ['POST with an unknown session id (F20)', { session: UNKNOWN, body: LIST }],
    ['POST with an ended one', ({ ended }) => ({ session: ended, body: LIST })],
    ['GET with an unknown one', { method: 'GET', session: UNKNOWN }],
    ['GET with an ended one', ({ ended }) => ({ method: 'GET', session: ended })],
    [
      'GET with an unknown one and Last-Event-ID',
      { method: 'GET', session: UNKNOWN, headers: { 'last-event-id': '1' } },
    ],
    ['DELETE with an unknown one', { method: 'DELETE', session: UNKNOWN }],
    ['DELETE with an ended one (F05)', ({ ended }) => ({ method: 'DELETE', session: ended })],
    ['a dead session before its bad body (F22)', { session: UNKNOWN, body: '{' }],
    ['an empty session id', { session: '', body: LIST }],
    ['a session id of 8 KB (F34)', { session: 'x'.repeat(8_192), body: LIST }],
    ['a session id beyond ASCII (F34)', { session: 'é', body: LIST }],
    ['the name of a property for a session id', { session: '__proto__', body: LIST }],
    ['the live id in capitals', ({ live }) => ({ session: live.toUpperCase(), body: LIST })],
    ['two ids, one of them live', ({ live }) => ({ session: `${live}, ${UNKNOWN}`, body: LIST })],
    ['the fingerprint of a live session (F33)', ({ live }) => ({ session: fingerprint(live), body: LIST })],
    ['initialize with an id of its own choice (F34)', { session: UNKNOWN, body: initializeRequest() }],
  ]),
  ...refuse(400, invalidRequest, [
    ['initialize on a live session (F56)', ({ live }) => ({ session: live, body: initializeRequest() })],
    ['a batch on 2025-11-25', ({ live }) => ({ session: live, body: [LIST] })],
    ['initialize in a batch', { body: [initializeRequest()] }],
    ['initialize among others in a batch', { body: [LIST, initializeRequest()] }],
  ]),
];

const BODY_REFUSALS: readonly Refusal[] = [
  ...refuse(400, parseError, [
    ['half a JSON document', { body: '{"jsonrpc":"2.0",' }],
    ['no JSON', { body: 'hello' }],
    ['an empty body', { body: '' }],
    ['half a JSON document on a live session', ({ live }) => ({ session: live, body: '{' })],
  ]),
  ...refuse(400, invalidRequest, [
    ['an empty object', { body: {} }],
    ['null', { body: 'null' }],
    ['a number', { body: 7 }],
    ['an empty batch', { body: [] }],
    ['a batch of 101', { body: Array.from({ length: 101 }, () => LIST) }],
    ['a batch in a batch', { body: [[LIST]] }],
    ['another version of JSON-RPC', { body: { ...LIST, jsonrpc: '1.0' } }],
    ['null for an id', { body: { ...LIST, id: null } }],
    ['a fraction for an id', { body: { ...LIST, id: 1.5 } }],
    ['an object for an id', { body: { ...LIST, id: {} } }],
    ['a list for params', { body: { ...LIST, params: [1] } }],
    ['a number for a method', { body: { ...LIST, method: 1 } }],
    ['100,000 brackets (F49)', { body: '['.repeat(100_000) + ']'.repeat(100_000) }],
  ]),
  ...refuse(413, serverError, [
    ['a body of 5 MiB', { body: FIVE_MIB }],
    ['a body of 5 MiB without Content-Length (F49)', { body: FIVE_MIB, isChunked: true }],
    ['a body of 5 MiB on a live session', ({ live }) => ({ session: live, body: FIVE_MIB, isChunked: true })],
  ]),
];

const wrongAccept = ['application/json', 'text/event-stream', 'text/html', 'application/xml, text/plain', ''];
const wrongVersion = ['2026-07-28', '2025-11-24', 'DRAFT-2026', '', '2025-06-18, 2025-11-25'];

const HEADER_REFUSALS: readonly Refusal[] = [
  ...refuse(406, serverError, [
    ...wrongAccept.map((accept): [string, RawRequest] => [
      `initialize with Accept: ${accept}`,
      { body: initializeRequest(), headers: { accept } },
    ]),
    ['GET with Accept: application/json', ({ live }) => get(live, { accept: 'application/json' })],
    ['GET with Accept: text/html', ({ live }) => get(live, { accept: 'text/html' })],
  ]),
  ...refuse(
    415,
    serverError,
    ['text/plain', 'application/json-seq', 'application/x-www-form-urlencoded', undefined].map((type) => [
      `initialize with Content-Type: ${type}`,
      { body: initializeRequest(), headers: { 'content-type': type } },
    ]),
  ),
  ...refuse(400, serverError, [
    ...wrongVersion.map((version): [string, RawRequest] => [
      `initialize with MCP-Protocol-Version: ${version}`,
      { body: initializeRequest(), headers: { 'mcp-protocol-version': version } },
    ]),
    [
      'POST with an unsupported MCP-Protocol-Version',
      ({ live }) => ({ session: live, body: LIST, headers: { 'mcp-protocol-version': '2026-07-28' } }),
    ],
    [
      'GET with an unsupported MCP-Protocol-Version',
      ({ live }) => get(live, { 'mcp-protocol-version': '2026-07-28' }),
    ],
    [
      'DELETE with an unsupported MCP-Protocol-Version',
      ({ live }) => ({ method: 'DELETE', session: live, headers: { 'mcp-protocol-version': '2026-07-28' } }),
    ],
  ]),
  ...refuse(
    405,
    serverError,
    ['OPTIONS', 'PUT', 'PATCH', 'PROPFIND'].map((method) => [`${method}`, { method }]),
  ),
];

function get(session: string, headers: Record<string, string>): RawRequest {
  return { method: 'GET', session, headers };
}

const INTRUDERS: readonly Record<string, string>[] = [
  { host: 'evil.example' },
  { host: 'localhost.evil.example:80' },
  { host: '127.0.0.1.evil.example' },
  { origin: 'https://evil.example' },
  { origin: 'http://localhost.evil.example' },
  { origin: 'null' },
  { origin: 'localhost' },
];

/** Requests that would be granted if they came from elsewhere. */
const GUARDED: readonly [what: string, ask: Refusal['ask']][] = [
  ['initialize', { body: initializeRequest() }],
  ['POST', ({ live }) => ({ session: live, body: LIST })],
  ['GET', ({ live }) => get(live, {})],
  ['DELETE', ({ live }) => ({ method: 'DELETE', session: live })],
  ['OPTIONS', { method: 'OPTIONS' }],
  ['GET /health', { method: 'GET', path: '/health' }],
  ['GET /sessions', { method: 'GET', path: '/sessions' }],
  ['GET of what is not there', { method: 'GET', path: '/nothing' }],
];

describe.each(WAYS)('The hub in its %s', (way) => {
  let started: LoopbackHub & { stop(): Promise<void> };
  let ids: Ids;

  beforeAll(async () => {
    started = await startHub({}, { way });
    const { raw } = started;
    ids = { live: await raw.open(), ended: await raw.open() };
    await raw.delete(ids.ended);
  });

  afterAll(() => started.stop());

  /** Sends what must be refused: no id is given, and the sessions there are stay as they are. */
  async function refused(ask: Refusal['ask'], extra: Record<string, string> = {}) {
    const { hub, raw } = started;
    const before = hub.sessions.counters();
    const request = typeof ask === 'function' ? ask(ids) : ask;
    const answer = await raw.send({ ...request, headers: { ...request.headers, ...extra } });
    expect(answer.headers['mcp-session-id']).toBeUndefined();
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(hub.sessions.size).toBe(1);
    expect(hub.sessions.counters()).toEqual(before);
    return answer;
  }

  const refusals = [...SESSION_REFUSALS, ...BODY_REFUSALS, ...HEADER_REFUSALS];
  it.each(refusals)('refuses $what: $status, $code', async ({ ask, status, code }) => {
    const answer = await refused(ask);
    expect([answer.status, answer.json]).toEqual([
      status,
      { jsonrpc: '2.0', id: null, error: { code, message: expect.any(String) } },
    ]);
    expect(answer.headers.allow).toBe(status === 405 ? 'GET, POST, DELETE' : undefined);
  });

  it('refuses HEAD with 405 and no body (F02)', async () => {
    const answer = await refused({ method: 'HEAD' });
    expect([answer.status, answer.text, answer.headers.allow]).toEqual([405, '', 'GET, POST, DELETE']);
  });

  it.each(INTRUDERS)('refuses %j on every route with 403 (F35)', async (headers) => {
    for (const [what, ask] of GUARDED) {
      const answer = await refused(ask, headers);
      expect(answer.status, what).toBe(403);
      expect(answer.text, what).toMatch(/(Host|Origin) is not allowed here/);
    }
  });

  it.each([
    { origin: 'http://localhost:3000' },
    { origin: 'https://127.0.0.1' },
    { origin: 'http://[::1]:5173' },
    { host: 'LOCALHOST:80' },
    { host: '[::1]:8000' },
    { host: '127.0.0.1' },
  ])('lets %j in', async (headers) => {
    for (const path of ['/health', '/sessions']) {
      expect((await started.raw.send({ method: 'GET', path, headers })).status, path).toBe(200);
    }
    expect((await started.raw.send({ session: ids.live, body: LIST, headers })).status).toBe(200);
  });

  const elsewhere = ['/', '/mcpx', '/mcp/more', '/health/more', '/sessions/1', '/favicon.ico', '/%zz'];
  it.each(elsewhere)('has nothing at %s: 404, in JSON but not JSON-RPC (F52)', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await refused({ method, path });
      expect(answer.status).toBe(404);
      expect(answer.json).toEqual({ error: expect.stringContaining('There is nothing here') });
    }
  });

  it.each(['/mcp/', '/mcp?x=1', '/mcp?'])('takes %s for its endpoint', async (path) => {
    expect(await refused({ method: 'DELETE', path })).toMatchObject({ status: 400 });
    expect(await started.raw.send({ path, session: ids.live, body: LIST })).toMatchObject({ status: 200 });
  });

  it('holds nothing back after hundreds of refusals: the session lives, a new one can be had (F02)', async () => {
    const asks: RawRequest[] = [
      { method: 'GET', headers: { accept: undefined } },
      { method: 'HEAD' },
      { method: 'OPTIONS' },
      { body: 'x' },
      { body: LIST },
      { body: initializeRequest(), headers: { accept: 'text/html' } },
    ];
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(asks.map((ask) => started.raw.send(ask)));
    }
    expect(started.hub.sessions.size).toBe(1);
    expect((await started.raw.ping(ids.live)).status).toBe(200);
    await started.raw.delete(await started.raw.open());
  });

  describe('to a client that keeps to the specification', () => {
    const versions = ['2025-03-26', '2025-06-18', '2025-11-25'];
    it.each(versions)('speaks %s: 200 with an id, 202, 200, 200, then 404', async (protocolVersion) => {
      const { raw } = started;
      const opened = await raw.initialize({ protocolVersion });
      expect(opened).toMatchObject({ status: 200, json: { id: 1, result: { protocolVersion } } });
      const session = String(opened.headers['mcp-session-id']);
      expect(session).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const headers = { 'mcp-protocol-version': protocolVersion };
      const initialized = await raw.send({ session, headers, body: INITIALIZED });
      expect([initialized.status, initialized.text]).toEqual([202, '']);
      const listed = await raw.send({ session, headers, body: LIST });
      expect([listed.status, listed.headers['mcp-session-id']]).toEqual([200, undefined]);
      expect(listed.headers['content-type']).toBe('application/json');
      expect((await raw.send({ method: 'DELETE', session, headers })).status).toBe(200);
      for (const method of ['GET', 'DELETE', 'POST']) {
        const body = method === 'POST' ? { body: LIST } : {};
        expect((await raw.send({ method, session, headers, ...body })).status, method).toBe(404);
      }
    });

    it.each([
      '*/*',
      undefined,
      'application/*, text/*',
      'text/event-stream;q=0.9, application/json;charset=utf-8',
      'APPLICATION/JSON,TEXT/EVENT-STREAM',
    ])('takes Accept: %s', async (accept) => {
      const answer = await started.raw.send({ session: ids.live, body: LIST, headers: { accept } });
      expect(answer.status).toBe(200);
    });

    it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON'])(
      'takes Content-Type: %s',
      async (type) => {
        const answer = await started.raw.send({
          session: ids.live,
          body: LIST,
          headers: { 'content-type': type },
        });
        expect(answer.status).toBe(200);
      },
    );

    it.each([false, true])('takes an argument of 1 MB (chunked is %s) (F49)', async (isChunked) => {
      const message = 'é'.repeat(500_000);
      const body = callRequest(9, 'echo', { message });
      const answer = await started.raw.send({ session: ids.live, body, isChunked });
      expect([answer.status, answer.json]).toEqual([200, textResult(9, message)]);
    });

    it('reads JSON that is 10,000 levels deep, and answers it (F49)', async () => {
      const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
      const body = JSON.stringify(callRequest(9, 'echo', {})).replace('{}', `{"message":${deep}}`);
      const answer = await started.raw.send({ session: ids.live, body });
      expect([answer.status, answer.json]).toMatchObject([200, { id: 9, error: { code: -32602 } }]);
    });

    it('answers an unknown method on a live session with 200 and -32601 (F52)', async () => {
      const body = { jsonrpc: '2.0', id: 'x', method: 'no/such' };
      const answer = await started.raw.send({ session: ids.live, body });
      expect([answer.status, answer.json]).toMatchObject([200, { id: 'x', error: { code: -32601 } }]);
    });

    it('takes answers and unknown notifications with 202', async () => {
      const answers = [
        { jsonrpc: '2.0', id: 77, result: {} },
        { jsonrpc: '2.0', id: 77, error: { code: 1, message: 'no' } },
        { jsonrpc: '2.0', method: 'notifications/no-such' },
      ];
      for (const body of answers) {
        const answer = await started.raw.send({ session: ids.live, body });
        expect([answer.status, answer.text]).toEqual([202, '']);
      }
    });

    it('answers a batch of 2025-03-26, each request under its own id', async () => {
      const { raw } = started;
      const session = await raw.open({ protocolVersion: '2025-03-26' });
      const body = [
        callRequest(1, 'sleep', { ms: 5 }),
        INITIALIZED,
        callRequest('1', 'echo', { message: 'a' }),
        { jsonrpc: '2.0', id: 1, method: 'no/such' },
      ];
      const answer = await raw.send({ session, body });
      expect(answer.status).toBe(200);
      expect(answer.json).toHaveLength(3);
      expect(answer.json).toEqual(
        expect.arrayContaining([
          textResult(1, 'slept 5 ms'),
          textResult('1', 'a'),
          expect.objectContaining({ id: 1, error: expect.objectContaining({ code: -32601 }) }),
        ]),
      );
      const quiet = await raw.send({ session, body: [INITIALIZED, INITIALIZED] });
      expect([quiet.status, quiet.text]).toEqual([202, '']);
      const hundred = Array.from({ length: 100 }, (_, id) => callRequest(id, 'echo', { message: `${id}` }));
      expect((await raw.send({ session, body: hundred })).json).toHaveLength(100);
      await raw.delete(session);
    });

    it('opens a stream on GET that may not be held back (F25, F44)', async () => {
      const { raw } = started;
      const session = await raw.open();
      const stream = await raw.stream(session);
      expect(stream.status).toBe(200);
      expect(stream.headers).toMatchObject({
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      });
      await raw.delete(session);
      await stream.ended;
      expect(stream.text()).toMatch(/^retry: \d+\n\n/);
    });

    it('gives 50 clients that come at once 50 sessions (F56)', async () => {
      const { raw, hub } = started;
      const before = hub.sessions.size;
      const opened = await Promise.all(Array.from({ length: 50 }, () => raw.open()));
      expect(new Set(opened).size).toBe(50);
      expect(hub.sessions.size).toBe(before + 50);
      await Promise.all(opened.map((session) => raw.delete(session)));
      expect(hub.sessions.size).toBe(before);
    });
  });
});

describe('The hub behind an app that reads bodies itself', () => {
  it('takes the body that the app has read', async () => {
    const { hub, raw } = await serveHub({}, { way: 'http server' });
    expect((await raw.initialize()).status).toBe(200);
    const outer = express().use(express.json()).use(hub.app).listen(0, '127.0.0.1');
    onTestFinished(() => void outer.close());
    await new Promise((resolve) => outer.once('listening', resolve));
    const address = outer.address();
    if (address === null || typeof address === 'string') throw new Error(`no port: ${address}`);
    const answer = await fetch(`http://127.0.0.1:${address.port}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(initializeRequest()),
    });
    expect([answer.status, await answer.json()]).toMatchObject([200, { id: 1, result: {} }]);
    expect(hub.sessions.size).toBe(2);
  });
});

/** What is written on a socket, and all that comes back until the server closes it. */
async function talk(endpoint: URL, text: string): Promise<string> {
  const socket = connect(Number(endpoint.port), endpoint.hostname);
  socket.write(text);
  let received = '';
  for await (const chunk of socket) received += chunk;
  return received;
}

const HEAD = 'POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\ncontent-type: application/json\r\n';

describe('A request that never finishes', () => {
  const halves: readonly [what: string, text: string][] = [
    ['nothing at all', ''],
    ['half a request line', 'POST /mc'],
    ['half its headers', HEAD],
    ['half its body', `${HEAD}content-length: 100\r\n\r\n{"jsonrpc":`],
    ['half its chunks', `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"jso\r\n`],
  ];
  it.concurrent.each(halves)(
    '%s: is closed with a JSON-RPC 408, and held no slot (F47, F49)',
    async (_what, text) => {
      const times = { headersTimeout: '100ms', requestTimeout: '200ms', maxSessions: 1 };
      const { hub, endpoint, stop } = await startHub(times);
      try {
        const closed = talk(endpoint, text);
        expect(hub.sessions.counters()).toMatchObject({ opened: 0, refused: 0 });
        const answer = await closed;
        expect(answer).toMatch(/^HTTP\/1\.1 408 /);
        expect(answer).toContain('content-type: application/json\r\n');
        expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({
          jsonrpc: '2.0',
          id: null,
          error: { code: serverError },
        });
        expect(hub.sessions.size).toBe(0);
      } finally {
        await stop();
      }
    },
  );

  it.concurrent('behind an open stream: ends the connection, without a word into the stream', async () => {
    const times = { headersTimeout: '100ms', requestTimeout: '200ms', keepAlive: '50ms' };
    const { raw, endpoint, stop } = await startHub(times);
    try {
      const call = JSON.stringify(callRequest(1, 'sleep', { ms: 60_000 }));
      const opens = [
        (session: string) => `GET /mcp HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: ${session}\r\n\r\n`,
        (session: string) =>
          `${HEAD}mcp-session-id: ${session}\r\ncontent-length: ${call.length}\r\n\r\n${call}`,
      ];
      const halves = ['POST /mc', `${HEAD}content-length: 100\r\n\r\n{`];
      const answers = opens.flatMap((open) =>
        halves.map(async (half) => talk(endpoint, open(await raw.open()) + half)),
      );
      for (const answer of await Promise.all(answers)) {
        expect(answer).toContain('text/event-stream');
        expect(answer).not.toContain(' 408 ');
      }
    } finally {
      await stop();
    }
  });
});

describe('What is not HTTP', () => {
  const rows: readonly [what: string, status: number, text: string][] = [
    ['no HTTP at all', 400, 'hello\r\n\r\n'],
    ['a header line without a colon', 400, 'GET /mcp HTTP/1.1\r\nhost localhost\r\n\r\n'],
    ['headers of 20 KB', 431, `GET /mcp HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['two lengths', 400, `${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\n`],
    ['a bad chunk', 400, `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`],
  ];
  it.each(rows)('%s: is refused in JSON-RPC with %i', async (_what, status, text) => {
    const { endpoint } = await serveHub();
    const answer = await talk(endpoint, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ jsonrpc: '2.0', id: null });
    expect(answer.toLowerCase()).not.toContain('html');
  });
});
