import type { Launch } from './targets/in-process.ts';
import { type Launchable, localServer } from './targets/local-server.ts';

/*
 * mcp-soak as a library. What the command line does, without files and without an exit code:
 *
 *   const result = await run({ loaded: await readScenario('soak.yaml'), mode: 'virtual', seed: 1 });
 */

export { EXIT } from './exit-code.ts';
export type { Check, Verdict } from './judge/check.ts';
export {
  type Comparison,
  type ComparisonRow,
  compareRuns,
  DEFAULT_LIMITS,
  type Limits,
} from './judge/comparison.ts';
export { type Policy, PolicySchema } from './judge/policy.ts';
export { renderSummary } from './reporters/console.ts';
export { renderJunit } from './reporters/junit.ts';
export { renderMarkdown } from './reporters/markdown.ts';
export { type RunResult, RunResultSchema, type RunVerdict } from './result.ts';
export { run } from './run.ts';
export { RequestError, type RunRequest } from './run-request.ts';
export { ScenarioError } from './scenario/errors.ts';
export { type LoadedScenario, loadScenario, parseScenario, readScenario } from './scenario/load.ts';
export { type Scenario, ScenarioSchema } from './scenario/schema.ts';
export type { Mode } from './scenario/schema-parts.ts';
export type { Launch, LocalServer } from './targets/in-process.ts';
export type { Launchable } from './targets/local-server.ts';

/**
 * A server of the user's own as a target in virtual time: `run({ …, target: { name, launch: defineLaunch(make) } })`.
 * `make` is called once virtual time is installed and has to create the server then: timers made before run on real
 * time. A server without a `shutdown` of its own is closed when the scenario sends a signal.
 */
export function defineLaunch(make: () => Launchable | Promise<Launchable>): Launch {
  return async () => localServer(await make());
}
