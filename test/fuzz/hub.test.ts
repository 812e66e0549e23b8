import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadPeerMs } from '../../hub/heartbeat.ts';
import type { HubParts } from '../../hub/hub.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import { END_REASONS } from '../../hub/session-manager.ts';
import { inVirtualTime, type VirtualWorld } from '../hub/virtual-world.ts';
import { LIMIT_MS, runs } from './fuzz.ts';
import { MAX_CALL_MS, type Visit, visits } from './hub-requests.ts';
import { type StoryState, visit } from './hub-visit.ts';

/** Short, so that time-outs strike in the midst of stories; caps low enough to be met. */
const T = 40_000;
const C = 10_000;
const H = 15_000;
const HEARTBEAT_MS = 5_000;
const KEEP_ALIVE_MS = 2_000;
const D = deadPeerMs(HEARTBEAT_MS);

/** A call goes on when its client has left, and is activity at its end. */
const ALL_OVER_MS = MAX_CALL_MS + T + C + D + H + 1_000;

interface Story {
  readonly opened: readonly string[];
  readonly visits: readonly Visit[];
  /** Before this visit the hub is told to shut down, if there is one of that number. */
  readonly stopsBefore: number;
  readonly options: Readonly<Record<string, string | number>>;
}

const stories: fc.Arbitrary<Story> = fc.record({
  opened: fc.array(fc.constantFrom('2025-11-25', '2025-06-18', '2025-03-26'), { maxLength: 3 }),
  visits: fc.array(visits, { minLength: 1, maxLength: 12 }),
  stopsBefore: fc.oneof({ weight: 4, arbitrary: fc.constant(99) }, { weight: 1, arbitrary: fc.nat(12) }),
  options: fc.record({
    rateLimit: fc.constantFrom('off', 'on'),
    sessionRate: fc.constantFrom(100, 2),
    maxSessions: fc.constantFrom(3, 100),
    capRule: fc.constantFrom('refuse', 'evict-idle'),
    maxBody: fc.constantFrom(1_000, 4_194_304),
    maxEvents: fc.constantFrom(2, 200),
    maxBuffered: fc.constantFrom(1_000, 262_144),
  }),
});

describe('The hub, given anything', () => {
  it(
    'answers every complete request, and has nothing left when all clients are gone',
    async () => {
      await fc.assert(
        fc.asyncProperty(stories, (story) => play(story)),
        runs(200),
      );
    },
    LIMIT_MS,
  );
});

/** Servers that have to be found out. */
const BROKEN: readonly [what: string, createMcpServer: typeof createMcpServer][] = [
  [
    'a timer that outlives its session',
    (context) => {
      setInterval(() => undefined, 1_000);
      return createMcpServer(context);
    },
  ],
  [
    'a server that cannot be made, which is a 500',
    () => {
      throw new Error('broken on purpose');
    },
  ],
];

describe('The property above', () => {
  it.each(BROKEN)(
    'does not hold for %s',
    async (_what, broken) => {
      const property = fc.asyncProperty(stories, (story) => play(story, { createMcpServer: broken }));
      const { failed } = await fc.check(property, { ...runs(20), endOnFailure: true });
      expect(failed).toBe(true);
    },
    LIMIT_MS,
  );
});

async function play(story: Story, parts: HubParts = {}): Promise<void> {
  const times = {
    sessionTimeout: `${T}ms`,
    cleanupInterval: `${C}ms`,
    handshakeTimeout: `${H}ms`,
    heartbeat: `${HEARTBEAT_MS}ms`,
    keepAlive: `${KEEP_ALIVE_MS}ms`,
  };
  const faults: string[] = [];
  const onCrash = (error: unknown) => faults.push(`crash: ${error instanceof Error ? error.stack : error}`);
  process.on('uncaughtException', onCrash).on('unhandledRejection', onCrash);
  try {
    const tell = async (world: VirtualWorld) => {
      const state = newState(world, faults);
      for (const protocolVersion of story.opened) {
        state.sessions.push(await world.raw.open({ protocolVersion }));
      }
      const wires = await goOnVisits(story, state, world);
      for (const wire of wires) wire?.reset();
      await world.clock.sleep(ALL_OVER_MS);
      await checkRest(world, state);
    };
    await inVirtualTime({ ...story.options, ...times }, tell, parts);
  } finally {
    process.off('uncaughtException', onCrash).off('unhandledRejection', onCrash);
  }
  expect(faults).toEqual([]);
}

function newState({ clock, target }: VirtualWorld, faults: string[]): StoryState {
  return { clock, dial: target.dial, sessions: [], faults, isStopping: false };
}

async function goOnVisits(story: Story, state: StoryState, { target }: VirtualWorld) {
  const underWay: ReturnType<typeof visit>[] = [];
  for (const [index, plan] of story.visits.entries()) {
    if (plan.afterMs > 0) await state.clock.sleep(plan.afterMs);
    if (index === story.stopsBefore) {
      state.isStopping = true;
      target.signal?.('SIGTERM');
    }
    underWay.push(visit(plan, state));
  }
  return Promise.all(underWay);
}

/** What the hub still holds, by its own count and by that of the world around it. */
async function checkRest(world: VirtualWorld, state: StoryState): Promise<void> {
  const { hub, target, time } = world;
  const { opened, ended } = hub.sessions.counters();
  const endings = END_REASONS.reduce((sum, reason) => sum + ended[reason], 0);
  expect({ sessions: hub.sessions.size, books: opened - endings, heldTimers: time.heldTimers() }).toEqual({
    sessions: 0,
    books: 0,
    heldTimers: 0,
  });
  // Those whose answer was not read are not known here.
  expect(opened).toBeGreaterThanOrEqual(new Set(state.sessions).size);
  if (!state.isStopping) await checkGauges(world);
  target.signal?.('SIGTERM');
  expect(await target.exited).toEqual({ code: 0, signal: null });
}

async function checkGauges({ raw }: VirtualWorld): Promise<void> {
  const health = await raw.get('/health');
  const metrics = await raw.get('/metrics');
  expect({
    health: health.json,
    streams: /^mcp_server_streams (\S+)/m.exec(metrics.text)?.[1],
  }).toMatchObject({
    health: { status: 'healthy', sessions: 0, callsInFlight: 0, agents: 0 },
    streams: '0',
  });
}
