import type { McpClient } from '../mcp/mcp-client.ts';
import { NO_EMITTER } from './event-work.ts';
import { NotObservableError } from './leak-error.ts';
import type { LeakWork, WorkParts } from './leak-work.ts';

/** Every event carries its token: 64 events of 32 KiB are more than the kernel takes for a peer that does not read. */
const TOKEN = 'x'.repeat(32 * 1_024);
const EVENTS = 64;
/** Twice that and more: 8 MiB for each of these. */
const HELD_EVENTS = 256;
const HELD_READERS = 4;
const STEADY_WITHIN_MS = 5_000;
const STEADY_LOOK_MS = 100;
const STEADY_LOOKS = 2;
/** Memory that moves less than this between two looks has come to rest. */
const STEADY_BYTES = 64 * 1_024;

/** A unit is a client that asks for events and reads none, until its connection breaks and its session ends (F48). */
export function readerWork(parts: WorkParts): LeakWork {
  const { lanes, tally, call } = parts;
  return {
    name: `a call of ${EVENTS} events of 32 KiB that nobody reads, reset, DELETE`,
    async begin() {
      if (!call.emitter) throw new NotObservableError(NO_EMITTER);
    },
    cycle: (units, signal) =>
      lanes.each(
        units,
        async (lane) => {
          const stalled = await stall(parts, { count: EVENTS });
          if (!stalled) return;
          // Whatever the target wanted to send is sent or held by the time it answers another request.
          const other = lane.client(stalled.known ? { session: stalled.known } : {});
          tally.check('ping beside the stalled call', await other.ping());
          stalled.release();
          const deleted = await other.delete();
          if (deleted.kind === 'accepted') tally.deleted += 1;
          if (tally.check('DELETE', deleted)) tally.done += 1;
          other.release();
        },
        signal,
      ),
    held: (bytes) => heldPerReader(parts, bytes),
    end: async () => undefined,
  };
}

/** What the target holds for each of a few readers that want more than any kernel takes in their stead. */
async function heldPerReader(parts: WorkParts, bytes: () => Promise<number>): Promise<number | undefined> {
  const before = await bytes();
  const stalled: McpClient[] = [];
  for (let reader = 0; reader < HELD_READERS; reader += 1) {
    const client = await stall(parts, { count: HELD_EVENTS });
    if (client) stalled.push(client);
  }
  if (stalled.length === 0) return undefined;
  try {
    return Math.max(0, (await steady(parts, bytes)) - before) / stalled.length;
  } finally {
    for (const client of stalled) await leave(parts, client);
  }
}

/** Memory once the target has done all that it is going to do. */
async function steady({ clock }: WorkParts, bytes: () => Promise<number>): Promise<number> {
  const deadline = clock.now() + STEADY_WITHIN_MS;
  for (let [last, same] = [await bytes(), 0]; ; ) {
    await clock.sleep(STEADY_LOOK_MS);
    const now = await bytes();
    same = Math.abs(now - last) < STEADY_BYTES ? same + 1 : 0;
    if (same === STEADY_LOOKS || clock.now() > deadline) return now;
    last = now;
  }
}

async function leave({ lanes, tally }: WorkParts, stalled: McpClient): Promise<void> {
  const other = lanes.loner(stalled.known ? { session: stalled.known } : {});
  stalled.release();
  if ((await other.delete()).kind === 'accepted') tally.deleted += 1;
  other.release();
}

/** A session whose call sends `count` events that nobody reads; undefined when there is none. Release it. */
export async function stall(
  { lanes, tally, call }: WorkParts,
  { count }: { count: number },
): Promise<McpClient | undefined> {
  const client = lanes.loner();
  if (!call.emitter || !tally.initialized(await client.initialize({ handshake: 'full' }))) {
    client.release();
    return undefined;
  }
  // Sent at once, over the connection that initialize has left idle; the answer is never read.
  void call.emitter(client, { count, token: TOKEN });
  client.abandon('frozen');
  return client;
}
