import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject } from '../../../simulator/mcp/json-rpc.ts';
import type { PlannedCall, PlannedStep } from '../../../simulator/scenario/step.ts';
import { smallServer } from './small-server.ts';
import { call, initialize, type Line, outcomes, play, think } from './stage.ts';

const echo = call('echo', { message: 'hello' });
const listen: PlannedStep = { kind: 'listen' };
const reset: PlannedStep = { kind: 'reset' };
const reopen = (kind: 'reconnect' | 'resume', afterMs = 0): PlannedStep => ({ kind, afterMs });
const reinitialize: PlannedStep = { kind: 'reinitialize' };
const end: PlannedStep = { kind: 'delete' };
const atOnce = (...calls: PlannedCall[]): PlannedStep => ({ kind: 'concurrent', calls });

/** What the ledger hears, without requests: `stream-opened 1 at 0`. */
function streams(lines: readonly Line[]): string[] {
  return lines
    .filter(({ kind }) => kind.startsWith('stream-'))
    .map(({ kind, stream, by, t }) => `${kind} ${stream}${by ? ` by ${by}` : ''} at ${t}`);
}

function textOf({ arguments: args }: JsonObject): JsonObject {
  const text = isObject(args) ? String(args.message) : '';
  return { content: [{ type: 'text', text }] };
}

describe('ping', () => {
  it('is answered, and is no call', async () => {
    const { lines, facts } = await play([initialize, { kind: 'ping' }]);
    expect(outcomes(lines).at(-1)).toBe('ping result at 0');
    expect(facts.calls).toBe(0);
  });

  it('on a session that is gone ends the flow', async () => {
    const { lines } = await play([initialize, think(400_000), { kind: 'ping' }, echo]);
    expect(outcomes(lines).slice(1)).toEqual(['ping http-error at 400000 (http_404)']);
  });
});

describe('concurrent', () => {
  const sleeps = [300, 100, 200].map((ms) => call('sleep', { ms }));

  it('sends all calls at once and waits for each', async () => {
    const { lines, facts } = await play([initialize, atOnce(...sleeps), echo]);
    const sent = lines.filter(({ kind, request }) => kind === 'request-sent' && Number(request) > 1);
    expect(sent.map(({ t }) => t)).toEqual([0, 0, 0, 300]);
    expect(outcomes(lines).slice(1).toSorted()).toEqual([
      'tools/call result at 100',
      'tools/call result at 200',
      'tools/call result at 300',
      'tools/call result at 300',
    ]);
    expect(facts.calls).toBe(4);
  });

  it('gives each call of a hundred a connection of its own, beside the stream', async () => {
    const calls = Array.from({ length: 100 }, () => call('sleep', { ms: 50 }));
    await play([initialize, listen, atOnce(...calls)], {
      story: async ({ fleet, dials, time }) => {
        await fleet.runCycle();
        expect([dials(), time.clock.now()]).toEqual([101, 50]);
      },
    });
  });

  it('knows each answer by its own tag', async () => {
    const echoes = Array.from({ length: 5 }, () => echo);
    const right = await play([initialize, atOnce(...echoes)]);
    expect([right.facts.calls, right.facts.wrongAnswers.count]).toEqual([5, 0]);
    let before: JsonObject | undefined;
    const crossing = smallServer({
      'tools/call': (params) => {
        const said = before ?? textOf(params);
        before = textOf(params);
        return said;
      },
    });
    const { facts } = await play([initialize, atOnce(...echoes)], { launch: crossing });
    expect(facts.wrongAnswers.count).toBe(4);
    expect(facts.wrongAnswers.evidence[0]).toMatch(/the echo lacks its tag \[w\/0#0 call 2\]$/);
  });

  it('counts each call that stays without an answer', async () => {
    let asked = 0;
    const launch = smallServer({
      'tools/call': () => {
        asked += 1;
        return asked % 2 === 0 ? 'never' : { content: [] };
      },
    });
    const work = call('work', {}, { timeoutMs: 500 });
    const { facts } = await play([initialize, atOnce(work, work, work, work)], { launch });
    expect([facts.calls, facts.unanswered.count]).toEqual([4, 2]);
  });

  it('ends the flow when the session is gone', async () => {
    const { lines } = await play([initialize, think(400_000), atOnce(echo, echo), echo]);
    expect(outcomes(lines)).toHaveLength(3);
  });
});

describe('reset', () => {
  it('breaks every connection, and the session goes on', async () => {
    const resets: string[] = [];
    const launch = async () => {
      const server = await smallServer({ GET: () => openStream })();
      server.server.on('connection', (socket) => socket.on('error', (error) => resets.push(error.message)));
      return server;
    };
    const work = call('work', {});
    const { lines, facts } = await play([initialize, listen, work, reset, think(10), work], {
      launch,
      story: async ({ fleet, dials }) => {
        await fleet.runCycle();
        expect(dials()).toBe(3);
      },
    });
    expect(resets).toEqual(['read ECONNRESET', 'read ECONNRESET']);
    expect(streams(lines)).toEqual(['stream-opened 1 at 0', 'stream-closed 1 by vanished at 0']);
    expect([facts.calls, facts.unanswered.count]).toEqual([2, 0]);
  });

  it('loses nothing on the reference hub', async () => {
    const { lines } = await play([initialize, listen, echo, reset, echo, listen, end]);
    expect(outcomes(lines).slice(1)).toEqual([
      'GET accepted at 0',
      'tools/call result at 0',
      'tools/call result at 0',
      'GET accepted at 0',
      'DELETE accepted at 0',
    ]);
  });
});

function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('id: event-7\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n');
}

describe('reconnect and resume', () => {
  it('close the stream and open it again, so much later', async () => {
    const { lines } = await play([initialize, listen, think(100), reopen('reconnect', 1_000), echo]);
    expect(streams(lines).slice(0, 3)).toEqual([
      'stream-opened 1 at 0',
      'stream-closed 1 by client at 100',
      'stream-opened 2 at 1100',
    ]);
  });

  it('say the last event id, or say nothing', async () => {
    const ids: unknown[] = [];
    const launch = smallServer({
      GET: (_, { headers }) => {
        ids.push(headers['last-event-id']);
        return openStream;
      },
    });
    await play([initialize, listen, think(10), reopen('resume'), think(10), reopen('reconnect')], { launch });
    expect(ids).toEqual([undefined, 'event-7', undefined]);
  });

  it('also open a stream that is no longer there', async () => {
    const { lines } = await play([initialize, listen, reset, reopen('resume', 50)]);
    expect(outcomes(lines).at(-1)).toBe('GET accepted at 50');
  });

  it('end the flow when the session is gone, and go on after any other refusal', async () => {
    let opened = 0;
    const refusing = (status: number) =>
      smallServer({
        GET: () => {
          opened += 1;
          return opened > 1 ? status : openStream;
        },
      });
    const gone = await play([initialize, listen, reopen('reconnect'), echo], { launch: refusing(404) });
    expect(outcomes(gone.lines).at(-1)).toBe('GET http-error at 0 (http_404)');
    opened = 0;
    const busy = await play([initialize, listen, reopen('resume'), end], { launch: refusing(503) });
    expect(outcomes(busy.lines).slice(-2)).toEqual([
      'GET http-error at 0 (http_503)',
      'DELETE accepted at 0',
    ]);
  });
});

describe('reinitialize', () => {
  it('leaves its session without a word and opens another, with a name of its own', async () => {
    const { lines } = await play([initialize, echo, think(10), reinitialize, echo, end]);
    const said = lines
      .filter(({ kind }) => !['request-sent', 'request-answered', 'outcome'].includes(kind))
      .map(({ vu, kind, t }) => `${vu} ${kind} at ${t}`);
    expect(said).toEqual([
      'w/0#0 initialize-sent at 0',
      'w/0#0 initialize-answered at 0',
      'w/0#0 abandoned at 10',
      'w/0#0.2 initialize-sent at 10',
      'w/0#0.2 initialize-answered at 10',
      'w/0#0.2 delete-sent at 10',
      'w/0#0.2 delete-answered at 10',
      'w/0#0.2 abandoned at 10',
    ]);
  });

  it('asks without the id of the session that it leaves', async () => {
    const ids: unknown[] = [];
    const launch = smallServer({
      initialize: (_, { headers }) => {
        ids.push(headers['mcp-session-id']);
        return { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
      },
    });
    await play([initialize, reinitialize, reinitialize], { launch });
    expect(ids).toEqual([undefined, undefined, undefined]);
  });

  it('ends the flow when there is no other session to be had', async () => {
    let opened = 0;
    const launch = smallServer({
      initialize: () => {
        opened += 1;
        return opened > 1
          ? 500
          : { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
      },
    });
    const { lines } = await play([initialize, reinitialize, echo], { launch });
    expect(outcomes(lines)).toEqual(['initialize result at 0', 'initialize http-error at 0 (http_500)']);
  });

  it('leaves every session to be asked for, where the target lists none', async () => {
    await play([initialize, reinitialize, reinitialize], {
      remembersSessions: true,
      story: async ({ fleet }) => {
        await fleet.runCycle();
        for (const session of [0, 1, 2]) expect(await fleet.probe(session)).toMatchObject({ kind: 'result' });
      },
    });
  });
});
