import type { RampingArrivals } from '../scenario/schedule.ts';
import { runArrivals } from './arrivals.ts';
import type { ExecutorParts } from './executor.ts';

/** Open model: a rate of arrivals that goes up and down in straight lines, evenly or (Poisson) at random. */
export function runRampingArrivalRate(executor: RampingArrivals, parts: ExecutorParts): Promise<void> {
  return runArrivals(executor, parts);
}
