import type { Cancel, Clock } from '../clock/clock.ts';
import type { McpClient } from '../mcp/mcp-client.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Random } from '../scenario/random.ts';
import { type Waiting, waitMs } from './profiles/waiting.ts';

export interface KeeperParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly waiting: Waiting;
  /** Every attempt, and when it was due. */
  readonly onAttempt: (outcome: Outcome, dueAt: number) => void;
}

/**
 * Opens a client's GET stream again when it was lost, beside whatever its flow does. An attempt that fails counts;
 * once a stream is open, counting begins anew.
 */
export class StreamKeeper {
  readonly #parts: KeeperParts;
  #cancel: Cancel | undefined;
  #isStopped = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  lost(client: McpClient): void {
    this.#schedule(client, 0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #schedule(client: McpClient, attempt: number): void {
    const { clock, random, waiting } = this.#parts;
    if (this.#isStopped) return;
    const now = clock.now();
    const ms = waitMs(waiting, { attempt, askedMs: client.streamRetryMs, now, random });
    if (ms === undefined) return;
    this.#cancel?.();
    this.#cancel = clock.at(now + ms, () => void this.#reopen(client, attempt, now + ms));
  }

  async #reopen(client: McpClient, attempt: number, dueAt: number): Promise<void> {
    if (this.#isStopped || client.openStreams > 0) return;
    const { lastEventId } = client;
    const outcome = await client.listen(lastEventId === '' ? {} : { lastEventId });
    if (outcome.kind === 'aborted') return;
    this.#parts.onAttempt(outcome, dueAt);
    // A server without GET streams says so with 405, and means it.
    const isFinal = outcome.kind === 'http-error' && outcome.status === 405;
    if (outcome.kind !== 'accepted' && !isFinal) this.#schedule(client, attempt + 1);
  }
}
