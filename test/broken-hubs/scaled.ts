import type { LoadedScenario } from '../../simulator/scenario/load.ts';
import type { Scenario, Workload } from '../../simulator/scenario/schema.ts';

/** Fewer clients, the same story, in virtual time: a defect shows in ten sessions as well as in a thousand. */
export function scaled(loaded: LoadedScenario, factor: number): LoadedScenario {
  const workloads = Object.entries(loaded.scenario.workloads).map(([name, workload]) => [
    name,
    scaledWorkload(workload, factor),
  ]);
  const scenario: Scenario = {
    ...loaded.scenario,
    workloads: Object.fromEntries(workloads),
    ...scaledHub(loaded.scenario, factor),
  };
  return { ...loaded, scenario };
}

/** What a scenario fills has to be as much smaller as those who fill it. */
function scaledHub({ hub }: Scenario, factor: number): Pick<Scenario, 'hub'> {
  const cap = hub?.virtual?.maxSessions;
  if (cap === undefined) return {};
  return { hub: { ...hub, virtual: { ...hub?.virtual, maxSessions: people(factor)(cap) } } };
}

function scaledWorkload(workload: Workload, factor: number): Workload {
  if (workload.virtual) throw new Error('no bundled scenario has virtual: say here how it is made smaller');
  const rate = (perSecond: number) => perSecond * factor;
  const vus = people(factor);
  switch (workload.executor) {
    case 'constant-arrival-rate':
      return { ...workload, rate: inEachMode(workload.rate, rate) };
    case 'ramping-arrival-rate':
      return {
        ...workload,
        startRate: inEachMode(workload.startRate ?? 0, rate),
        stages: inEachMode(workload.stages, (stages) => scaledStages(stages, rate)),
      };
    case 'ramping-vus':
      return {
        ...workload,
        startVUs: inEachMode(workload.startVUs ?? 0, vus),
        stages: inEachMode(workload.stages, (stages) => scaledStages(stages, vus)),
      };
    case 'per-vu-iterations':
    case 'constant-vus':
      return { ...workload, vus: inEachMode(workload.vus, vus) };
  }
}

/** Nobody stays nobody; of others there are two at least, since one is never in anybody's way. */
function people(factor: number): (count: number) => number {
  return (count) => (count === 0 ? 0 : Math.max(2, Math.round(count * factor)));
}

interface Stage {
  readonly target: number;
}

function scaledStages<S extends Stage>(stages: readonly S[], scale: (target: number) => number): S[] {
  return stages.map((stage) => ({ ...stage, target: scale(stage.target) }));
}

type PerMode<T> = T | { virtual: T; real: T };

function inEachMode<T extends number | readonly unknown[]>(
  value: PerMode<T>,
  scale: (value: T) => T,
): PerMode<T> {
  return isSplit(value) ? { virtual: scale(value.virtual), real: scale(value.real) } : scale(value);
}

function isSplit<T>(value: PerMode<T>): value is { virtual: T; real: T } {
  return typeof value === 'object' && value !== null && 'virtual' in value;
}
