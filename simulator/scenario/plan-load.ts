import type { Plan, PlannedWorkload } from './plan.ts';
import { modelOf } from './schedule.ts';
import { shortestMs } from './step.ts';

/** Whether the load follows a schedule, or waits for the target (coordinated omission). */
export function modelOfPlan({ workloads }: Pick<Plan, 'workloads'>): 'open' | 'closed' | 'mixed' {
  const models = new Set(workloads.map(({ executor }) => modelOf(executor)));
  const [only = 'open'] = models;
  return models.size > 1 ? 'mixed' : only;
}

/** A workload whose flow alone, without a moment for answers, needs more virtual users at its peak than others do of theirs. */
export interface ShortOfUsers {
  readonly workload: string;
  readonly needed: number;
  readonly maxVUs: number;
}

/** The workload with arrivals that is shortest of virtual users by its think times; undefined where nothing arrives. */
export function shortestOfUsers({ workloads }: Pick<Plan, 'workloads'>): ShortOfUsers | undefined {
  const found = workloads.flatMap(neededBy);
  return found.sort((a, b) => b.needed / b.maxVUs - a.needed / a.maxVUs)[0];
}

function neededBy({ name, executor, flow }: PlannedWorkload): ShortOfUsers[] {
  const seconds = shortestMs(flow) / 1000;
  switch (executor.kind) {
    case 'constant-arrival-rate':
      return [{ workload: name, needed: executor.ratePerSecond * seconds, maxVUs: executor.maxVUs }];
    case 'ramping-arrival-rate': {
      const peak = Math.max(executor.startRate, ...executor.stages.map(({ target }) => target));
      return [{ workload: name, needed: peak * seconds, maxVUs: executor.maxVUs }];
    }
    case 'per-vu-iterations':
    case 'constant-vus':
    case 'ramping-vus':
    // An engine of its own sends as fast as the target answers: it has no flow, and needs no user for each arrival.
    case 'saturation':
      return [];
  }
}
