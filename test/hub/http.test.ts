import express from 'express';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  BODY_REFUSALS,
  GUARDED,
  HEADER_REFUSALS,
  type Ids,
  INITIALIZED,
  INTRUDERS,
  LIST,
  type Refusal,
  SESSION_REFUSALS,
} from './http-refusals.ts';
import { type LoopbackHub, serveHub, startHub, WAYS } from './hub-on-loopback.ts';
import { callRequest, initializeRequest, type RawRequest, textResult } from './raw-client.ts';

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
      '*/*, text/html;q=0',
      '*/*;q=0, application/json;q=0.05, text/event-stream',
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
