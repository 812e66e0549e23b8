import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../simulator/fleet/profiles/profile.ts';
import { MOST_ASKED_MS, waitMs } from '../../../simulator/fleet/profiles/waiting.ts';
import type { ClientProfile } from '../../../simulator/scenario/client-profile.ts';
import { createRandom } from '../../../simulator/scenario/random.ts';
import type { PlannedStep } from '../../../simulator/scenario/step.ts';
import type { Launch } from '../../../simulator/targets/in-process.ts';
import { smallServer } from './small-server.ts';
import { call, initialize, type Line, outcomes, play, think } from './stage.ts';

const echo = call('echo', { message: 'hello' });
const listen: PlannedStep = { kind: 'listen' };
const reset: PlannedStep = { kind: 'reset' };
/** The default hub reaps what is idle for five minutes. */
const reaped = think(400_000);

const attempts = (lines: readonly Line[]) =>
  lines.filter(({ kind }) => kind === 'initialize-sent').map(({ vu, t }) => `${vu} at ${t}`);

describe('a client whose session is gone', () => {
  const after404: Record<ClientProfile, { calls: string[]; sessions: string[] }> = {
    plain: { calls: ['http-error at 400000 (http_404)'], sessions: ['w/0#0 at 0'] },
    'claude-like': { calls: ['http-error at 400000 (http_404)'], sessions: ['w/0#0 at 0'] },
    stuck: { calls: ['http-error at 400000', 'http-error at 400000'], sessions: ['w/0#0 at 0'] },
    'sdk-like': { calls: ['http-error at 400000', 'http-error at 400000'], sessions: ['w/0#0 at 0'] },
    compliant: {
      calls: ['http-error at 400000', 'result at 400000', 'result at 400000'],
      sessions: ['w/0#0 at 0', 'w/0#0.2 at 400000'],
    },
    herd: {
      calls: ['http-error at 400000', 'result at 401000', 'result at 401000'],
      sessions: ['w/0#0 at 0', 'w/0#0.2 at 401000'],
    },
  };

  it.each(Object.entries(after404))('%s', async (name, { calls, sessions }) => {
    const profile = Object.keys(PROFILES).find((known): known is ClientProfile => known === name) ?? 'plain';
    const { lines, facts } = await play([initialize, reaped, echo, echo], { profile });
    const called = outcomes(lines).filter((line) => line.startsWith('tools/call'));
    expect(called).toEqual(calls.map((said) => `tools/call ${said}`));
    expect(attempts(lines)).toEqual(sessions);
    // A call that was repeated is one call.
    expect([facts.calls, facts.unanswered.count]).toEqual([
      profile === 'plain' || profile === 'claude-like' ? 1 : 2,
      0,
    ]);
  });

  it('initializes anew once for all calls that were in flight together', async () => {
    const calls = Array.from({ length: 4 }, () => echo);
    const { lines, facts } = await play([initialize, reaped, { kind: 'concurrent', calls }], {
      profile: 'compliant',
    });
    expect(attempts(lines)).toHaveLength(2);
    expect([facts.calls, facts.wrongAnswers.count]).toEqual([4, 0]);
  });

  it('initializes anew once for each request, and gives up on the second 404', async () => {
    const launch = smallServer({ 'tools/call': () => 404 });
    const { lines } = await play([initialize, echo, echo], { profile: 'compliant', launch });
    expect(outcomes(lines).filter((line) => line.startsWith('tools/call'))).toHaveLength(2);
    expect(attempts(lines)).toHaveLength(2);
  });
});

/** Answers 503 so many times before it works. */
function busy(times: number, method: string, headers: Record<string, string> = {}): Launch {
  let refused = 0;
  return smallServer({
    [method]: (params) => {
      if (refused >= times) return method === 'initialize' ? opened() : { content: [params] };
      refused += 1;
      return (response: ServerResponse) => void response.writeHead(503, headers).end();
    },
  });
}

const opened = () => ({
  protocolVersion: '2025-11-25',
  capabilities: {},
  serverInfo: { name: 'small', version: '1' },
});
const work = call('work', {});

describe('a client that is refused', () => {
  it.each(['plain', 'sdk-like', 'stuck', 'claude-like'] as const)(
    'does not ask again: %s',
    async (profile) => {
      const { lines } = await play([initialize, work], { profile, launch: busy(1, 'tools/call') });
      expect(outcomes(lines).slice(1)).toEqual(['tools/call http-error at 0 (http_503)']);
    },
  );

  it('backs off with jitter, as the seed says, and longer each time', async () => {
    const run = () => play([initialize, work], { profile: 'compliant', launch: busy(4, 'tools/call') });
    const { lines, facts } = await run();
    const times = lines.filter(({ method }) => method === 'tools/call').map(({ t }) => t);
    expect(times).toHaveLength(5);
    const waits = times.slice(1).map((t, index) => t - (times[index] ?? 0));
    waits.forEach((ms, attempt) => {
      expect(ms).toBeLessThanOrEqual(500 * 2 ** attempt);
    });
    expect(Math.max(...waits)).toBeGreaterThan(500);
    expect(new Set(waits).size).toBe(4);
    expect([facts.calls, facts.unanswered.count]).toEqual([1, 0]);
    const again = await run();
    expect(again.lines).toEqual(lines);
  });

  it('stays away as long as it is asked to', async () => {
    const launch = busy(1, 'tools/call', { 'retry-after': '7' });
    const { lines } = await play([initialize, work], { profile: 'compliant', launch });
    const [, at] = lines.filter(({ method }) => method === 'tools/call').map(({ t }) => t);
    expect(at).toBeGreaterThanOrEqual(7_000);
    expect(at).toBeLessThanOrEqual(7_500);
  });

  it('gives up after five more attempts', async () => {
    const { lines } = await play([initialize, work], {
      profile: 'compliant',
      launch: busy(99, 'tools/call'),
    });
    expect(outcomes(lines).filter((line) => line.startsWith('tools/call'))).toHaveLength(6);
  });

  it('asks for a session again, each time as an attempt of its own', async () => {
    const { lines, facts } = await play([initialize, work], {
      profile: 'compliant',
      launch: busy(2, 'initialize'),
    });
    expect(attempts(lines).map((said) => said.split(' ')[0])).toEqual(['w/0#0', 'w/0#0.2', 'w/0#0.3']);
    expect(lines.filter(({ kind }) => kind === 'initialize-refused')).toHaveLength(2);
    expect(facts.calls).toBe(1);
  });

  it('comes back when connections are taken again', async () => {
    const { lines } = await play([initialize], { profile: 'compliant', refusesUntil: 1_200 });
    const refused = outcomes(lines).filter((line) => line.includes('connection_refused'));
    expect(refused.length).toBeGreaterThan(1);
    expect(outcomes(lines).at(-1)).toMatch(/^initialize result at \d+/);
  });

  it('comes back with all others in the same instant, whatever it was asked', async () => {
    const executor = {
      kind: 'constant-arrival-rate',
      ratePerSecond: 100,
      durationMs: 500,
      maxVUs: 50,
      arrivals: 50,
    } as const;
    const launch = busy(50, 'initialize', { 'retry-after': '7' });
    const { lines } = await play([initialize], { profile: 'herd', launch, executor });
    const back = lines.filter(({ kind }) => kind === 'initialize-answered').map(({ t }) => t);
    expect([back.length, new Set(back)]).toEqual([50, new Set([1_000])]);
  });
});

describe('a client that loses its stream', () => {
  it.each(['plain', 'stuck', 'claude-like'] as const)('lives without: %s', async (profile) => {
    const { lines } = await play([initialize, listen, reset, think(60_000)], { profile });
    expect(lines.filter(({ kind }) => kind === 'stream-opened')).toHaveLength(1);
  });

  const openings = (lines: readonly Line[]) =>
    lines
      .filter(({ kind, method }) => kind === 'outcome' && method === 'GET')
      .map(({ t, outcome }) => `${outcome} at ${t}`);

  /** Streams that end by themselves after a second; from the `failing`-th on there is none. */
  function fleeting(failing: number, retry = ''): Launch {
    let asked = 0;
    return smallServer({
      GET: () => {
        asked += 1;
        if (asked >= failing) return 500;
        return (response: ServerResponse) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(`${retry}: hello\n\n`);
          setTimeout(() => response.end(), 1_000);
        };
      },
    });
  }

  it('opens it again after a second, as the SDK does, each time anew after a clean end', async () => {
    const { lines } = await play([initialize, listen, think(9_500)], {
      profile: 'sdk-like',
      launch: fleeting(99),
    });
    expect(openings(lines)).toEqual([0, 2, 4, 6, 8].map((at) => `accepted at ${at * 1000}`));
  });

  it('gives up after two failures, the second after 1.5 seconds', async () => {
    const { lines } = await play([initialize, listen, think(60_000)], {
      profile: 'sdk-like',
      launch: fleeting(2),
    });
    expect(openings(lines)).toEqual(['accepted at 0', 'http-error at 2000', 'http-error at 3500']);
  });

  it('honours the time that the server asked for', async () => {
    const launch = fleeting(3, 'retry: 250\n');
    const { lines } = await play([initialize, listen, think(60_000)], { profile: 'sdk-like', launch });
    expect(openings(lines)).toEqual([
      ...['accepted at 0', 'accepted at 1250'],
      ...['http-error at 2500', 'http-error at 2750'],
    ]);
  });

  it('opens it again after a reset, and says where it was', async () => {
    const ids: unknown[] = [];
    const launch = smallServer({
      GET: (_, { headers }) => {
        ids.push(headers['last-event-id']);
        return (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write('id: 7\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n');
        };
      },
    });
    const { lines } = await play([initialize, listen, think(10), reset, think(5_000)], {
      profile: 'sdk-like',
      launch,
    });
    expect(openings(lines)).toEqual(['accepted at 0', 'accepted at 1010']);
    expect(ids).toEqual([undefined, '7']);
  });

  it('takes 405 for an answer', async () => {
    let asked = 0;
    const launch = smallServer({
      GET: () => {
        asked += 1;
        return asked > 1
          ? 405
          : (response) =>
              void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': bye\n\n');
      },
    });
    const { lines } = await play([initialize, listen, think(60_000)], { profile: 'sdk-like', launch });
    expect(openings(lines)).toHaveLength(2);
  });

  it('does not open what its flow opens itself, nor after it left', async () => {
    const flow: PlannedStep[] = [initialize, listen, reset, think(500), listen, think(5_000)];
    const { lines } = await play(flow, { profile: 'sdk-like' });
    expect(lines.filter(({ kind }) => kind === 'stream-opened')).toHaveLength(2);
    const left = await play([initialize, listen, reset, { kind: 'abandon', how: 'silent' }, think(5_000)], {
      profile: 'sdk-like',
    });
    expect(left.lines.filter(({ kind }) => kind === 'stream-opened')).toHaveLength(1);
  });

  it('comes back with all others at once', async () => {
    const executor = { kind: 'per-vu-iterations', vus: 20, iterations: 1 } as const;
    const flow: PlannedStep[] = [
      initialize,
      listen,
      { kind: 'think', minMs: 10, maxMs: 900 },
      reset,
      think(5_000),
    ];
    const { lines } = await play(flow, { profile: 'herd', executor });
    const back = lines
      .filter(({ kind, stream }) => kind === 'stream-opened' && stream === 2)
      .map(({ t }) => t);
    expect([back.length, new Set(back)]).toEqual([20, new Set([1_000])]);
  });
});

describe('the ids of requests', () => {
  async function ids(profile: ClientProfile): Promise<unknown[]> {
    const seen: unknown[] = [];
    await play([initialize, work, { kind: 'concurrent', calls: [work, work] }], {
      profile,
      launch: smallServer({
        'tools/call': (_params, _request, id) => {
          seen.push(id);
          return { content: [] };
        },
      }),
    });
    return seen;
  }

  it('count up, or are always 1', async () => {
    expect(await ids('plain')).toEqual([2, 3, 4]);
    expect(await ids('claude-like')).toEqual([1, 1, 1]);
  });
});

describe('how long a client waits', () => {
  const random = () => createRandom(1, 'wait');
  const { retry, reopen } = PROFILES.compliant;
  const at = (attempt: number, askedMs?: number, now = 0) => ({ attempt, askedMs, now, random: random() });

  it('is bounded, however often it tried and whatever it was asked', () => {
    if (!retry || !reopen) throw new Error('a compliant client waits');
    expect(waitMs(retry, at(4))).toBeLessThanOrEqual(8_000);
    expect(waitMs(retry, at(5))).toBeUndefined();
    expect(waitMs({ ...retry, most: 99 }, at(98))).toBeLessThanOrEqual(30_000);
    expect(waitMs(retry, at(0, 1e9))).toBeLessThanOrEqual(MOST_ASKED_MS + 500);
  });

  it('in step is to the next whole second, never no time', () => {
    const { retry: inStep } = PROFILES.herd;
    if (!inStep) throw new Error('a herd waits');
    expect([0, 1, 999, 1_000, 1_500].map((now) => waitMs(inStep, at(0, undefined, now)))).toEqual([
      1_000, 999, 1, 1_000, 500,
    ]);
  });
});
