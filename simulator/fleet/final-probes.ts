import type { Recorder } from '../recorder.ts';
import type { Fleet } from './fleet.ts';

/** Probes under way at once. */
const CONCURRENCY = 32;

/**
 * Asks sessions whose end is due, and that no listing showed ended: each once, since a second question would
 * keep alive what the first one found. Returns how many were still there.
 */
export async function probeUnseen(
  sessions: readonly number[],
  fleet: Fleet,
  recorder: Recorder,
): Promise<number> {
  const queue = sessions.values();
  let alive = 0;
  async function work(): Promise<void> {
    for (const session of queue) {
      const outcome = await fleet.probe(session);
      if (!outcome) continue;
      recorder.expectation(session, 'gone', outcome);
      if (outcome.kind === 'result') alive += 1;
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return alive;
}
