import type { Path } from './errors.ts';
import { type Step, stepName } from './flow-schema.ts';
import type { Scenario } from './schema.ts';
import type { StepName } from './step.ts';

export interface PlacedStep {
  readonly step: Step;
  readonly name: StepName;
  /** Of the step in the document. */
  readonly path: Path;
  /** How many repeats and flows side by side it stands in. */
  readonly depth: number;
}

/** Every step of a flow in order, those inside a repeat or parallel after it. */
export function* walkSteps(flow: readonly Step[], base: Path, depth = 0): Generator<PlacedStep> {
  for (const [index, step] of flow.entries()) {
    const path = [...base, index];
    yield { step, name: stepName(step), path, depth };
    if (typeof step === 'string') continue;
    if (step.repeat) yield* walkSteps(step.repeat.steps, [...path, 'repeat', 'steps'], depth + 1);
    for (const [branch, inner] of (step.parallel?.flows ?? []).entries()) {
      yield* walkSteps(inner, [...path, 'parallel', 'flows', branch], depth + 1);
    }
  }
}

/** How many steps one iteration performs, repeats multiplied out. */
export function stepsPerIteration(flow: readonly Step[]): number {
  let steps = 0;
  for (const step of flow) {
    const { repeat, parallel, concurrent } = typeof step === 'string' ? {} : step;
    if (parallel) for (const branch of parallel.flows) steps += stepsPerIteration(branch);
    else if (repeat) steps += repeat.times * stepsPerIteration(repeat.steps);
    else if (concurrent) steps += concurrent.calls?.length ?? concurrent.times ?? 0;
    else steps += 1;
  }
  return steps;
}

/** Every step of every workload. */
export function* allSteps(scenario: Scenario): Generator<PlacedStep> {
  for (const [name, { flow }] of Object.entries(scenario.workloads)) {
    yield* walkSteps(flow, ['workloads', name, 'flow']);
  }
}
