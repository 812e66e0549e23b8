import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { PlannedRaw, PlannedStep } from '../../../simulator/scenario/step.ts';
import type { Launch } from '../../../simulator/targets/in-process.ts';
import { smallServer } from './small-server.ts';
import { call, initialize, type Line, outcomes, play } from './stage.ts';

const echo = call('echo', { message: 'hello' });
const end: PlannedStep = { kind: 'delete' };

describe('raw', () => {
  const raw = (method: string, settings: Partial<PlannedRaw> = {}): PlannedStep => ({
    kind: 'raw',
    method,
    path: null,
    headers: [],
    body: null,
    statuses: [400],
    timeoutMs: 1_000,
    ...settings,
  });
  const headers = (entries: Record<string, string>): PlannedRaw['headers'] =>
    Object.entries(entries).map(([name, text]) => [name, { text, times: 1 }]);
  const json = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
  const body = (text: string, times = 1) => ({ text, times });
  const ping = body('{"jsonrpc":"2.0","id":1,"method":"ping"}');
  const hello = body(
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}',
  );
  const ours = { ...json, 'Mcp-Session-Id': '$session' };

  it.each<[string, PlannedStep, boolean]>([
    [
      'a bad host',
      raw('POST', { headers: headers({ ...ours, Host: 'evil.example' }), body: ping, statuses: [403] }),
      true,
    ],
    ['a method that is none', raw('BREW', { statuses: [405, 400] }), true],
    ['no id', raw('POST', { headers: headers(json), body: ping, statuses: [400] }), true],
    ['another path', raw('GET', { path: '/nowhere', headers: headers(ours), statuses: [404] }), true],
    ['no JSON', raw('POST', { headers: headers(ours), body: body('{'), statuses: [400] }), true],
    [
      'JSON that is too deep',
      raw('POST', { headers: headers(ours), body: body('[', 100_000), statuses: [400] }),
      true,
    ],
    [
      'a body too large',
      raw('POST', { headers: headers(ours), body: body('x', 9_000_000), statuses: [413, 'closed'] }),
      true,
    ],
    ['a good request', raw('POST', { headers: headers(ours), body: ping, statuses: [200] }), true],
    ['a good request that is not to be answered', raw('POST', { headers: headers(ours), body: ping }), false],
    [
      'a stream',
      raw('GET', { headers: headers({ ...ours, Accept: 'text/event-stream' }), statuses: [200] }),
      true,
    ],
  ])('holds the reference hub to the status of its answer: %s', async (_, step, isMet) => {
    const { facts, lines } = await play([initialize, step, echo, end]);
    expect([facts.expectations, facts.unmetExpectations.count]).toEqual([1, isMet ? 0 : 1]);
    expect(outcomes(lines).slice(-2)).toEqual(['tools/call result at 0', 'DELETE accepted at 0']);
    expect(outcomes(lines)[1]?.includes('(')).toBe(
      !isMet && outcomes(lines)[1]?.includes('http-error') === true,
    );
  });

  it('says what it expected, and what it got', async () => {
    const { facts } = await play([initialize, raw('GET', { path: '/nowhere', statuses: [200, 204] })]);
    expect(facts.unmetExpectations.evidence).toEqual([
      'w/0#0: expected GET to be answered 200 or 204 at 0.000 s, got 404',
    ]);
  });

  it('sends headers and body as they are', async () => {
    let seen: unknown;
    const launch = smallServer({
      odd: (_, request) => {
        seen = [request.url, request.rawHeaders];
        return 400;
      },
    });
    const written = headers({ 'X-Odd': 'a, b', 'Mcp-Session-Id': 'not-$session', HOST: 'other' });
    const step = raw('POST', { path: '/x?y', headers: written, body: body('{"method":"odd"}') });
    const { facts } = await play([initialize, step], { launch });
    expect(seen).toEqual([
      '/x?y',
      ['Content-Length', '16', 'X-Odd', 'a, b', 'Mcp-Session-Id', 'not-session-1', 'HOST', 'other'],
    ]);
    expect(facts.unmetExpectations.count).toBe(0);
  });

  it('that nobody answers is an unmet expectation, and one that is cut off may be what was wanted', async () => {
    const silent = smallServer({ odd: () => 'never' });
    const step = raw('POST', { body: body('{"method":"odd"}'), statuses: [400, 'closed'] });
    const first = await play([initialize, step], { launch: silent });
    expect(first.facts.unmetExpectations.evidence[0]).toMatch(/had no answer by 1\.000 s$/);
    const cutting = smallServer({ odd: () => (response) => void response.destroy() });
    const second = await play([initialize, step], { launch: cutting });
    expect([second.facts.expectations, second.facts.unmetExpectations.count]).toEqual([1, 0]);
  });

  const told = (lines: readonly Line[]) =>
    lines
      .filter(({ kind }) => kind !== 'outcome')
      .map(({ vu, kind, gone, longestMs }) => [vu, kind, gone ?? longestMs].join(' ').trim())
      .slice(4);

  it.each<[string, PlannedStep[], string[]]>([
    ['nothing of what concerns no session', [raw('GET', { path: '/x', statuses: [404] })], []],
    [
      'that a request was served',
      [raw('POST', { headers: headers(ours), body: ping, statuses: [200] })],
      ['w/0#0 request-sent', 'w/0#0 request-answered false'],
    ],
    [
      'that a refusal proves nothing, not even 404',
      [raw('POST', { path: '/x', headers: headers(ours), body: ping, statuses: [404] })],
      ['w/0#0 request-sent', 'w/0#0 request-aborted 0'],
    ],
    [
      'that a DELETE ended the session',
      [raw('DELETE', { headers: headers(ours), statuses: [200] })],
      ['w/0#0 delete-sent', 'w/0#0 delete-answered'],
    ],
    [
      'that nobody knows what a refused DELETE did',
      [raw('DELETE', { headers: headers({ ...ours, Host: 'evil.example' }), statuses: [403] })],
      ['w/0#0 delete-sent', 'w/0#0 delete-lost'],
    ],
    [
      'of a stream, which is closed at once',
      [raw('GET', { headers: headers({ ...ours, Accept: 'text/event-stream' }), statuses: [200] })],
      ['w/0#0 request-sent', 'w/0#0 request-answered false', 'w/0#0 stream-opened', 'w/0#0 stream-closed'],
    ],
    [
      'of a session that it opened, as one more',
      [raw('POST', { headers: headers(json), body: hello, statuses: [200] })],
      ['w/0#0.2 initialize-sent', 'w/0#0.2 initialize-answered', 'w/0#0.2 abandoned'],
    ],
    [
      'of a session that it did not get',
      [
        raw('POST', {
          headers: headers({ ...json, Origin: 'http://evil.example' }),
          body: hello,
          statuses: [403],
        }),
      ],
      ['w/0#0.2 initialize-sent', 'w/0#0.2 initialize-refused'],
    ],
  ])('tells the ledger %s', async (_, steps, expected) => {
    const { lines, facts } = await play([initialize, ...steps]);
    expect(facts.unmetExpectations.evidence).toEqual([]);
    expect(told(lines).slice(0, -1)).toEqual(expected);
  });

  it('needs no session at all', async () => {
    const { facts, lines } = await play([
      { kind: 'repeat', times: 20, steps: [raw('POST', { body: ping, headers: headers(json) })] },
    ]);
    expect([facts.expectations, facts.unmetExpectations.count]).toEqual([20, 0]);
    expect(lines.every(({ kind }) => kind === 'outcome')).toBe(true);
  });
});

it('sends a body that opens and closes as often', async () => {
  const bodies: unknown[] = [];
  const launch: Launch = () => {
    const server = createServer(async (request, response) => {
      let text = '';
      for await (const piece of request) text += piece;
      bodies.push(text);
      response.writeHead(400).end();
    });
    return { server, shutdown: async () => void server.close() };
  };
  const raw: PlannedStep = {
    kind: 'raw',
    method: 'POST',
    path: null,
    headers: [],
    body: { text: '[', times: 3, close: ']' },
    statuses: [400],
    timeoutMs: 1_000,
  };
  const { facts } = await play([raw], { launch });
  expect(bodies).toEqual(['[[[]]]']);
  expect([facts.expectations, facts.unmetExpectations.count]).toEqual([1, 0]);
});
