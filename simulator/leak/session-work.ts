import { type Policy, timeoutFor } from '../judge/policy.ts';
import { IDLE_CLIENT, type Lane } from './lanes.ts';
import type { LeakWork, WorkParts } from './leak-work.ts';
import { sessionWeight } from './session-weight.ts';

/** A target that ends idle sessions sooner than this is let end some, too. T + C, ms. */
const SHORT_REAP_MS = 3_000;
/** Every so many sessions are left to be reaped. */
const LEFT_EVERY = 5;
/** Every other session has an event stream open. */
const STREAM_EVERY = 2;

/** A unit is a session from initialize to its end. */
export function sessionWork(parts: WorkParts): LeakWork {
  const { lanes, call, policy, isCounted } = parts;
  const isReaped = isCounted && reapsWithin(policy) <= SHORT_REAP_MS;
  const end = isReaped ? 'DELETE or idle timeout' : 'DELETE';
  return {
    name: `initialize, event stream in every other session, ${call.name}, ${end}`,
    begin: async () => undefined,
    cycle: (units, signal) =>
      lanes.each(
        units,
        (lane, index) =>
          oneSession(parts, lane, {
            hasStream: index % STREAM_EVERY === 0 && !(isReaped && isLeftAt(index)),
            isLeft: isReaped && isLeftAt(index),
          }),
        signal,
      ),
    ...(!parts.isCoarse && { held: (bytes: () => Promise<number>) => sessionWeight(parts, bytes) }),
    end: async () => undefined,
  };
}

async function oneSession(
  { tally, call }: WorkParts,
  lane: Lane,
  { hasStream, isLeft }: { hasStream: boolean; isLeft: boolean },
): Promise<void> {
  const client = lane.client(isLeft ? { clientName: IDLE_CLIENT } : {});
  try {
    if (!tally.initialized(await client.initialize({ handshake: 'full' }))) return;
    // A server without event streams says 405, which is its right.
    if (hasStream) await client.listen();
    const isCalled = tally.check(call.name, await call.run(client));
    if (isLeft) {
      tally.done += isCalled ? 1 : 0;
      return;
    }
    const deleted = await client.delete();
    if (deleted.kind === 'accepted') tally.deleted += 1;
    // One that does not take DELETE (405) ends sessions when it likes.
    const isEnded =
      deleted.kind === 'http-error' && deleted.status === 405 ? true : tally.check('DELETE', deleted);
    if (isCalled && isEnded) tally.done += 1;
  } finally {
    client.closeStream();
    client.release();
  }
}

function isLeftAt(index: number): boolean {
  return index % LEFT_EVERY === LEFT_EVERY - 1;
}

function reapsWithin(policy: Policy | undefined): number {
  const timeoutMs = policy ? timeoutFor(policy, IDLE_CLIENT) : null;
  return policy && timeoutMs !== null ? timeoutMs + policy.cleanupIntervalMs : Number.POSITIVE_INFINITY;
}
