import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cancel, Clock } from '../../simulator/clock/clock.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import { McpClient } from '../../simulator/mcp/mcp-client.ts';
import type { Outcome } from '../../simulator/mcp/outcome.ts';
import { LIMIT_MS, runs } from './fuzz.ts';
import { LyingServer, type Reception, type Reply, receptions, replies, WELCOME } from './lying-server.ts';

const REQUEST_TIMEOUT_MS = 5_000;
/** Enough for initialize and its notification, one after the other, and what is left of their streams. */
const SETTLED_MS = 3 * REQUEST_TIMEOUT_MS;
/** Longer than anything of the client's goes on by itself. */
const LATER_MS = 5 * 60_000;

const METHODS = ['ping', 'call', 'big call', 'list', 'notify', 'listen', 'delete', 'raw', 'probe'] as const;
const DEEDS = [
  'close stream',
  'reset',
  'wait',
  'abandon silently',
  'abandon destroyed',
  'abandon frozen',
] as const;

type Deed = (typeof DEEDS)[number];

type Step =
  | {
      readonly method: (typeof METHODS)[number];
      readonly isAwaited: boolean;
      readonly abortAfterMs: number | undefined;
    }
  | { readonly deed: Deed };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        method: fc.constantFrom(...METHODS),
        isAwaited: fc.boolean(),
        abortAfterMs: fc.constantFrom(undefined, undefined, 0, 1, 900),
      }),
    },
    { weight: 1, arbitrary: fc.record({ deed: fc.constantFrom(...DEEDS) }) },
  ),
  { maxLength: 8 },
);

interface Story {
  readonly replies: Reply[];
  readonly receptions: Reception[];
  readonly steps: Step[];
  readonly maxConnections: number;
}

const stories: fc.Arbitrary<Story> = fc
  .record({
    // Without a session there is little that could go wrong.
    isWelcome: fc.nat(3).map((number) => number < 3),
    replies: fc.array(replies, { minLength: 1, maxLength: 6 }),
    receptions: fc.array(receptions, { minLength: 1, maxLength: 4 }),
    steps,
    maxConnections: fc.constantFrom(1, 2, 8),
  })
  .map(({ isWelcome, ...story }) => {
    if (!isWelcome) return story;
    return {
      ...story,
      replies: [...WELCOME, ...story.replies],
      receptions: ['accept', ...story.receptions],
    };
  });

describe('McpClient, given a server that answers anything', () => {
  it(
    'settles every method, and leaves no event, alarm or socket behind',
    async () => {
      const time = new VirtualTime();
      try {
        await time.drive(() =>
          fc.assert(
            fc.asyncProperty(stories, (story) => play(story, time)),
            runs(500),
          ),
        );
      } finally {
        time.uninstall();
      }
    },
    LIMIT_MS,
  );
});

async function play(story: Story, time: VirtualTime): Promise<void> {
  const server = new LyingServer(time.clock, time.noteActivity, story);
  const clock = new CountingClock(time.clock);
  let events = 0;
  const client = new McpClient({
    dial: server.dial,
    endpoint: new URL('http://localhost/mcp'),
    clock,
    emit: () => {
      events += 1;
    },
    protocolVersion: '2025-11-25',
    clientInfo: { name: 'fuzz', version: '1' },
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    maxConnections: story.maxConnections,
    maxAnswerBytes: 100_000,
  });
  const open: Promise<unknown>[] = [
    settled('initialize', client.initialize({ handshake: 'full' }), time.clock),
  ];
  await open[0];
  for (const step of story.steps) {
    if ('deed' in step) await perform(client, step.deed, time.clock);
    else {
      const outcome = settled(step.method, send(client, step), time.clock);
      open.push(outcome);
      if (step.isAwaited) await outcome;
    }
  }
  await Promise.all(open);
  client.release();
  const eventsAtRelease = events;
  await time.clock.sleep(LATER_MS);
  expect({
    eventsAfterRelease: events - eventsAtRelease,
    alarms: clock.pending,
    connections: client.openConnections,
    openSockets: server.dialled.filter((socket) => !socket.destroyed).length,
  }).toEqual({ eventsAfterRelease: 0, alarms: 0, connections: 0, openSockets: 0 });
  server.destroy();
}

function send(client: McpClient, step: Extract<Step, { method: unknown }>): Promise<Outcome> {
  const options = step.abortAfterMs === undefined ? {} : { abortAfterMs: step.abortAfterMs };
  switch (step.method) {
    case 'ping':
      return client.ping(options);
    case 'call':
      return client.call('echo', { message: 'x' }, options);
    case 'big call':
      return client.call('echo', { message: 'x'.repeat(200_000) }, options);
    case 'list':
      return client.list('tools', options);
    case 'notify':
      return client.notify('notifications/progress', {}, options);
    case 'listen':
      return client.listen(options);
    case 'delete':
      return client.delete(options);
    case 'raw':
      return client.raw({ method: 'PUT', headers: [], concerns: 'session' }, options);
    case 'probe':
      return client.probe(options);
  }
}

async function perform(client: McpClient, deed: Deed, clock: Clock): Promise<void> {
  switch (deed) {
    case 'close stream':
      return client.closeStream();
    case 'reset':
      return client.reset();
    case 'wait':
      return clock.sleep(2_000);
    case 'abandon silently':
      return client.abandon('silent');
    case 'abandon destroyed':
      return client.abandon('destroyed');
    case 'abandon frozen':
      return client.abandon('frozen');
  }
}

/** Fails when a method takes longer than its time-out allows, or rejects. */
async function settled(method: string, outcome: Promise<Outcome>, clock: Clock): Promise<void> {
  const late = Symbol('late');
  const stop = new AbortController();
  const first = await Promise.race([
    outcome,
    clock.sleep(SETTLED_MS, stop.signal).then(
      () => late,
      () => late,
    ),
  ]);
  stop.abort();
  if (first === late) throw new Error(`${method} did not settle within ${SETTLED_MS} ms`);
}

/** Knows how many alarms are pending. */
class CountingClock implements Clock {
  readonly #clock: Clock;
  #pending = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get pending(): number {
    return this.#pending;
  }

  now(): number {
    return this.#clock.now();
  }

  at(timeMs: number, callback: () => void): Cancel {
    this.#pending += 1;
    let isPending = true;
    const settle = () => {
      if (isPending) this.#pending -= 1;
      isPending = false;
    };
    const cancel = this.#clock.at(timeMs, () => {
      settle();
      callback();
    });
    return () => {
      settle();
      cancel();
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }
}
