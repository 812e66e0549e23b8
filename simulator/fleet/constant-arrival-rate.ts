import type { ConstantArrivals } from '../scenario/schedule.ts';
import { runArrivals } from './arrivals.ts';
import type { ExecutorParts } from './executor.ts';

/** Open model: so many arrivals a second, evenly or (Poisson) at random. */
export function runConstantArrivalRate(executor: ConstantArrivals, parts: ExecutorParts): Promise<void> {
  return runArrivals(executor, parts);
}
