import { EXIT, worstExitCode } from '../exit-code.ts';
import { RequestError } from '../run-request.ts';
import { ScenarioError } from '../scenario/errors.ts';
import { openScenario } from './files.ts';
import type { Console } from './run.ts';

/** Checks scenario files, all of them, whatever is wrong with the first. Returns the exit code. */
export async function validateScenarios(files: readonly string[], { out, err }: Console): Promise<number> {
  const codes: number[] = [];
  for (const file of files) {
    try {
      const { scenario } = await openScenario(file);
      const workloads = Object.keys(scenario.workloads).length;
      out.write(`${file}: valid, ${workloads} ${workloads === 1 ? 'workload' : 'workloads'}\n`);
    } catch (error) {
      if (!(error instanceof ScenarioError || error instanceof RequestError)) throw error;
      err.write(`${error.message}\n`);
      codes.push(EXIT.badInput);
    }
  }
  return worstExitCode(codes);
}
