import type { Plan, PlannedWorkload } from './plan.ts';
import { type ArrivalExecutor, modelOf, mostSessionsPerCycle, type PlannedExecutor } from './schedule.ts';
import { mostConcurrent, type PlannedStep, shortestMs } from './step.ts';

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
    case 'ramping-arrival-rate':
      return [{ workload: name, needed: peakRate(executor) * seconds, maxVUs: executor.maxVUs }];
    case 'per-vu-iterations':
    case 'constant-vus':
    case 'ramping-vus':
    // An engine of its own sends as fast as the target answers: it has no flow, and needs no user for each arrival.
    case 'saturation':
      return [];
  }
}

/** Sessions per second. */
function peakRate(executor: ArrivalExecutor): number {
  if (executor.kind === 'constant-arrival-rate') return executor.ratePerSecond;
  return Math.max(executor.startRate, ...executor.stages.map(({ target }) => target));
}

/**
 * How many connections the clients of a plan may hold at once if every answer comes at once: a slow target makes it
 * more. Workloads count as if all of them were at their peak together.
 */
export function peakConnections({ workloads, cycles }: Pick<Plan, 'workloads' | 'cycles'>): number {
  return Math.ceil(
    workloads.reduce((sum, { executor, flow }) => {
      const clients = isFrozen(flow)
        ? cycles * mostSessionsPerCycle(executor, shortestMs(flow))
        : peakClients(executor, flow);
      return sum + clients * connectionsOf(flow, executor);
    }, 0),
  );
}

function peakClients(executor: PlannedExecutor, flow: readonly PlannedStep[]): number {
  switch (executor.kind) {
    case 'constant-arrival-rate':
    case 'ramping-arrival-rate': {
      const atWork = peakRate(executor) * (shortestMs(untilItLeaves(flow)) / 1000);
      return Math.min(executor.maxVUs, executor.arrivals, Math.max(1, atWork));
    }
    case 'per-vu-iterations':
    case 'constant-vus':
      return executor.vus;
    case 'ramping-vus':
      return Math.max(executor.startVUs, ...executor.stages.map(({ target }) => target));
    case 'saturation':
      return executor.connections;
  }
}

/** Of one client: its requests, its stream, and that of the engine, if one sends for it. */
function connectionsOf(flow: readonly PlannedStep[], { kind }: PlannedExecutor): number {
  return mostConcurrent(flow) + Number(hasStep(flow, 'listen')) + Number(kind === 'saturation');
}

/** A client that leaves takes its connections with it; one that freezes keeps them to the end of the run. */
function untilItLeaves(flow: readonly PlannedStep[]): readonly PlannedStep[] {
  const leaves = flow.findIndex(({ kind }) => kind === 'abandon');
  return leaves === -1 ? flow : flow.slice(0, leaves);
}

function isFrozen(flow: readonly PlannedStep[]): boolean {
  return flow.some((step) => step.kind === 'abandon' && step.how === 'frozen');
}

function hasStep(flow: readonly PlannedStep[], kind: PlannedStep['kind']): boolean {
  return flow.some((step) => {
    if (step.kind === 'repeat') return hasStep(step.steps, kind);
    return step.kind === 'parallel' ? step.flows.some((branch) => hasStep(branch, kind)) : step.kind === kind;
  });
}
