import { type ArrivalExecutor, dueTimes } from '../scenario/schedule.ts';
import type { ExecutorParts } from './executor.ts';

/**
 * Open model: iterations begin when they are due, whether or not earlier ones are done, as clients of a real
 * server do. An arrival that finds all virtual users busy is dropped and counted, never made up for later.
 */
export async function runArrivals(
  executor: ArrivalExecutor,
  { clock, iterate, dropped, stop }: ExecutorParts,
): Promise<void> {
  const beganAt = clock.now();
  const free = Array.from({ length: executor.maxVUs }, (_, index) => executor.maxVUs - 1 - index);
  const iterations = new Uint32Array(executor.maxVUs);
  const running = new Set<Promise<void>>();

  async function runOn(vu: number, due: number): Promise<void> {
    const iteration = iterations[vu] ?? 0;
    iterations[vu] = iteration + 1;
    await iterate({ vu, iteration, dueAt: due });
    free.push(vu);
  }

  for (const dueMs of dueTimes(executor)) {
    const due = beganAt + dueMs;
    if (due > clock.now()) await clock.sleep(due - clock.now(), stop).catch(() => undefined);
    if (stop.aborted) break;
    const vu = free.pop();
    if (vu === undefined) {
      dropped(due);
      continue;
    }
    const run = runOn(vu, due).finally(() => running.delete(run));
    running.add(run);
  }
  await Promise.all(running);
}
