import type { McpClient } from '../mcp/mcp-client.ts';
import type { Lane } from './lanes.ts';
import { LeakError } from './leak-error.ts';
import type { WorkParts } from './leak-work.ts';

/** One session per lane that stays open from the first cycle to the last. */
export class HeldSessions {
  readonly #parts: WorkParts;
  readonly #clients: McpClient[] = [];

  constructor(parts: WorkParts) {
    this.#parts = parts;
  }

  /** @throws LeakError when one cannot be opened */
  async open(onNotification?: () => void): Promise<void> {
    const { lanes, tally } = this.#parts;
    const open = async (lane: Lane) => {
      const client = lane.client(onNotification ? { onNotification } : {});
      this.#clients[lane.number] = client;
      if (!tally.initialized(await client.initialize({ handshake: 'full' }))) {
        throw new LeakError(`no session can be opened: ${tally.firstFailure}`);
      }
    };
    // All at once, so that each lane opens its own.
    await lanes.each(lanes.count, open, new AbortController().signal);
  }

  of(lane: Lane): McpClient {
    const client = this.#clients[lane.number];
    if (!client) throw new LeakError('a session was to be used before it was opened');
    return client;
  }

  async end(): Promise<void> {
    for (const client of this.#clients) {
      const outcome = await client.delete();
      if (outcome.kind === 'accepted') this.#parts.tally.deleted += 1;
      client.release();
    }
    this.#clients.length = 0;
  }
}
