import { type PlannedExecutor, userSpans } from '../scenario/schedule.ts';
import type { ExecutorParts } from './executor.ts';
import { loopUser } from './looping-user.ts';

/** Closed model: a number of virtual users that goes up and down in straight lines. */
export async function runRampingVus(
  executor: Extract<PlannedExecutor, { kind: 'ramping-vus' }>,
  parts: ExecutorParts,
): Promise<void> {
  const beganAt = parts.clock.now();
  const graceMs = executor.gracefulRampDownMs;
  const users = userSpans(executor).map((spans, vu) => loopUser(vu, { beganAt, spans, graceMs }, parts));
  await Promise.all(users);
}
