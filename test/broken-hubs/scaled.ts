import type { LoadedScenario } from '../../simulator/scenario/load.ts';
import type { Scenario, Workload } from '../../simulator/scenario/schema.ts';

/** Fewer clients, the same story: a defect shows in ten sessions as well as in a thousand. */
export function scaled(loaded: LoadedScenario, factor: number): LoadedScenario {
  const workloads = Object.entries(loaded.scenario.workloads).map(([name, workload]) => [
    name,
    scaledWorkload(workload, factor),
  ]);
  const scenario: Scenario = { ...loaded.scenario, workloads: Object.fromEntries(workloads) };
  return { ...loaded, scenario };
}

function scaledWorkload(workload: Workload, factor: number): Workload {
  switch (workload.executor) {
    case 'constant-arrival-rate':
      return { ...workload, rate: scaledNumber(workload.rate, (rate) => rate * factor) };
    case 'ramping-arrival-rate':
    case 'ramping-vus':
      throw new Error('no bundled scenario has a ramp: say here how one is made smaller');
    case 'per-vu-iterations':
    case 'constant-vus':
      return { ...workload, vus: scaledNumber(workload.vus, (vus) => Math.max(2, Math.round(vus * factor))) };
  }
}

type PerMode = number | { virtual: number; real: number };

function scaledNumber(value: PerMode, scale: (value: number) => number): PerMode {
  if (typeof value === 'number') return scale(value);
  return { virtual: scale(value.virtual), real: scale(value.real) };
}
