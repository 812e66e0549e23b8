import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { PlannedCall, PlannedStep } from '../../../simulator/scenario/step.ts';
import type { Launch } from '../../../simulator/targets/in-process.ts';
import { smallServer } from './small-server.ts';
import { call, initialize, outcomes, play, think } from './stage.ts';

const COUNT = 4;
const listen: PlannedStep = { kind: 'listen' };
const expectEvents: PlannedStep = { kind: 'expect-events', withinMs: 1_000 };
const onStream = call('emit', { count: COUNT, on: 'stream' });
const withProgress = call('emit', { count: COUNT }, { wantsProgress: true });
const resume: PlannedStep = { kind: 'resume', afterMs: 0 };

/** Which numbers are sent, in which order. */
type Order = (numbers: readonly number[]) => readonly number[];
const asTheyAre: Order = (numbers) => numbers;

interface Manner {
  readonly order?: Order;
  /** Events go to the stream that was opened first. */
  readonly isCrossed?: boolean;
  readonly hasIds?: boolean;
  /** Tokens of progress are mixed up between calls. */
  readonly token?: (own: unknown) => string;
}

/** A server that sends events on streams and progress with answers, in its own manner. */
function eventServer({
  order = asTheyAre,
  isCrossed = false,
  hasIds = false,
  token = String,
}: Manner): Launch {
  const streams = new Map<string, ServerResponse>();
  const numbers = Array.from({ length: COUNT }, (_, index) => index + 1);
  let eventId = 0;
  const write = (response: ServerResponse | undefined, message: Record<string, unknown>) => {
    eventId += 1;
    response?.write(
      `${hasIds ? `id: ${eventId}\n` : ''}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`,
    );
  };
  return smallServer({
    GET:
      (_params, { headers }) =>
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        streams.set(String(headers['mcp-session-id']), response);
      },
    'tools/call':
      (params, { headers }, id) =>
      (response) => {
        const { arguments: args, _meta: meta } = params;
        const { tag, on } = Object(args);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const n of order(numbers)) {
          if (on === 'stream') {
            const stream = isCrossed
              ? [...streams.values()][0]
              : streams.get(String(headers['mcp-session-id']));
            write(stream, { method: 'notifications/test/event', params: { tag, n } });
          } else {
            const progressToken = token(Object(meta).progressToken);
            write(response, { method: 'notifications/progress', params: { progressToken, progress: n } });
          }
        }
        write(response, { id, result: {} });
        response.end();
      },
  });
}

const TWO = { kind: 'per-vu-iterations', vus: 2, iterations: 1 } as const;

async function eventsOf(manner: Manner, emit: PlannedCall, executor = { ...TWO, vus: 1 }) {
  const { facts } = await play([initialize, listen, emit, expectEvents], {
    launch: eventServer(manner),
    executor,
  });
  return facts.events;
}

describe.each([
  ['events on the stream', onStream],
  ['progress', withProgress],
] as const)('Of %s', (what, emit) => {
  it('a healthy server is accused of nothing', async () => {
    const { owed, seen, faults } = await eventsOf({}, emit, TWO);
    expect(faults.evidence).toEqual([]);
    // Progress may be of any number: it is owed where the tool is known to count.
    expect([owed, seen]).toEqual([2 * COUNT, 2 * COUNT]);
  });

  it.each<[string, Order, RegExp]>([
    ['doubles one', (all) => all.flatMap((n) => (n === 2 ? [n, n] : [n])), /event 2 of '.*' came again/],
    ['drops one', (all) => all.filter((n) => n !== 3), /of 4 events of '.*' 3 did not come/],
    ['drops the last', (all) => all.slice(0, -1), /of 4 events of '.*' 4 did not come/],
    ['drops all', () => [], /of 4 events of '.*' 1 to 4 did not come/],
    [
      'swaps two',
      ([a = 0, b = 0, ...rest]) => [b, a, ...rest],
      /event 1 of '.*' came again, or after a later one/,
    ],
  ])(`a server is accused that %s (${what})`, async (_, order, reason) => {
    const { faults } = await eventsOf({ order }, emit);
    expect(faults.evidence[0]).toMatch(reason);
  });
});

describe('Events', () => {
  it('that go to another session are foreign there, and missing here', async () => {
    const { faults } = await eventsOf({ isCrossed: true }, onStream, TWO);
    expect(faults.evidence).toHaveLength(COUNT + 1);
    expect(faults.evidence[0]).toMatch(
      /event 1 of 'w\/\d#0 call 1' came, which is not a call of this session/,
    );
    expect(faults.evidence.at(-1)).toMatch(/of 4 events of '.*' 1 to 4 did not come/);
  });

  it('are not owed by a tool that says it failed, or that the target does not have', async () => {
    const launch = smallServer({
      GET: () => (response) =>
        void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
      'tools/call': () => ({ isError: true, content: [{ type: 'text', text: 'There is no tool emit.' }] }),
    });
    const { facts } = await play([initialize, listen, onStream, expectEvents], { launch });
    expect([facts.events.owed, facts.events.faults.count]).toEqual([0, 0]);
  });

  it('of progress with the token of somebody else are foreign', async () => {
    const { faults } = await eventsOf({ token: () => 'w/9#0 call 1' }, withProgress);
    expect(faults.evidence[0]).toMatch(/'w\/9#0 call 1' came, which is not a call of this session/);
  });

  it.each([
    [
      'without ids are excused when their stream is left',
      false,
      { owed: COUNT, excused: COUNT, resumable: 0 },
    ],
    ['with ids are owed, since it can be resumed', true, { owed: 2 * COUNT, excused: 0, resumable: 1 }],
  ])('%s', async (_, hasIds, expected) => {
    // Nothing is kept for whoever comes back: what is sent meanwhile is lost.
    const flow: PlannedStep[] = [
      initialize,
      listen,
      onStream,
      think(10),
      { kind: 'parallel', flows: [[think(50), onStream], [{ kind: 'resume', afterMs: 100 }]] },
      expectEvents,
    ];
    const { events } = (await play(flow, { launch: eventServer({ hasIds }) })).facts;
    expect(events).toMatchObject(expected);
    expect(events.faults.count).toBe(hasIds ? 1 : 0);
  });

  it('are owed to nobody who does not listen', async () => {
    const { facts } = await play([initialize, onStream, expectEvents], { launch: eventServer({}) });
    expect([facts.events.owed, facts.events.faults.count]).toEqual([0, 0]);
  });

  it('of the reference hub are all there, however often its stream is left and resumed', async () => {
    const flow: PlannedStep[] = [
      initialize,
      listen,
      call('emit', { count: 1, on: 'stream' }),
      {
        kind: 'parallel',
        flows: [
          [call('emit', { count: 20, intervalMs: 10, on: 'stream' })],
          [{ kind: 'repeat', times: 5, steps: [think(30), resume] }],
        ],
      },
      expectEvents,
    ];
    const { facts, lines } = await play(flow);
    expect([facts.events.owed, facts.events.faults.count]).toEqual([21, 0]);
    expect(outcomes(lines).filter((line) => line.startsWith('GET'))).toHaveLength(6);
  });
});
