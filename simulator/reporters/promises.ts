import { formatLength } from '../judge/format.ts';
import type { Policy } from '../judge/policy.ts';

/** What a target promised, on one line: `promised: T 5m 0s, C 1m 0s  (idle timeout, …)`. */
export function describePromises(policy: Policy): string {
  const promise = (name: string, condition: number | null, ms = condition) =>
    condition === null || ms === null ? [] : [`${name} ${formatLength(ms)}`];
  const promises = [
    ...promise('T', policy.sessionTimeoutMs),
    // A sweep is worth a word only with something to sweep.
    ...promise('C', policy.sessionTimeoutMs ?? policy.handshakeTimeoutMs, policy.cleanupIntervalMs),
    ...promise('H', policy.handshakeTimeoutMs),
    ...promise('D', policy.deadPeerMs),
    ...promise('S', policy.streamLostMs),
  ];
  if (promises.length === 0) return 'promised: nothing that could be judged';
  const words = `idle timeout, cleanup, handshake, dead peer${policy.streamLostMs === null ? '' : ', lost stream'}`;
  return `promised: ${promises.join(', ')}  (${words})`;
}
