import type { PlannedExecutor } from '../scenario/schedule.ts';
import type { ExecutorParts } from './executor.ts';
import { loopUser } from './looping-user.ts';

/** Closed model: so many virtual users, each beginning one iteration after another until time is over. */
export async function runConstantVus(
  { vus, durationMs }: Extract<PlannedExecutor, { kind: 'constant-vus' }>,
  parts: ExecutorParts,
): Promise<void> {
  const time = { beganAt: parts.clock.now(), spans: [{ fromMs: 0, untilMs: durationMs }], graceMs: null };
  await Promise.all(Array.from({ length: vus }, (_, vu) => loopUser(vu, time, parts)));
}
