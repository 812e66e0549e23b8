import type { McpClient } from '../mcp/mcp-client.ts';
import { NO_EMITTER } from './event-work.ts';
import { LeakError } from './leak-error.ts';
import type { LeakWork, WorkParts } from './leak-work.ts';

/** Every event carries its token: 64 events of 32 KiB are more than the kernel takes for a peer that does not read. */
const TOKEN = 'x'.repeat(32 * 1_024);
const EVENTS = 64;

/** A unit is a client that asks for events and reads none, until its connection breaks and its session ends (F48). */
export function readerWork(parts: WorkParts): LeakWork {
  const { lanes, tally, call } = parts;
  return {
    name: `a call of ${EVENTS} events of 32 KiB that nobody reads, reset, DELETE`,
    async begin() {
      if (!call.emitter) throw new LeakError(NO_EMITTER);
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
    end: async () => undefined,
  };
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
