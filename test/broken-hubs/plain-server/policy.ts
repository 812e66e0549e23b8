import { publishedPolicy, type SdkPolicy } from '../policy.ts';

/** What the plain server promises, and what it is set to. */
export interface PlainPolicy extends SdkPolicy {
  /** A session whose stream was lost, and whose client is not heard of since, ends after this; ms. */
  readonly streamLostMs?: number;
  /** Bearer tokens that are taken; without any, everybody is. A session belongs to the token that opened it. */
  readonly tokens?: readonly string[];
  /** Requests per second on one session, and initializes per second in all. Not limited when absent. */
  readonly requestsPerSecond?: number;
}

/** The policy as `GET /health` publishes it. */
export function publishedPlainPolicy(policy: PlainPolicy) {
  return { ...publishedPolicy(policy), streamLostMs: policy.streamLostMs ?? null };
}
