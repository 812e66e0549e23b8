import type { PlannedExecutor } from '../scenario/schedule.ts';
import type { ExecutorParts } from './executor.ts';

/** Closed model: so many virtual users, each running its iterations one after another. */
export async function runPerVuIterations(
  executor: Extract<PlannedExecutor, { kind: 'per-vu-iterations' }>,
  { clock, iterate, stop }: ExecutorParts,
): Promise<void> {
  async function runUser(vu: number): Promise<void> {
    for (let iteration = 0; iteration < executor.iterations && !stop.aborted; iteration += 1) {
      await iterate({ vu, iteration, dueAt: clock.now() });
    }
  }
  await Promise.all(Array.from({ length: executor.vus }, (_, vu) => runUser(vu)));
}
