import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RequestError } from '../run-request.ts';
import { type LoadedScenario, readScenario } from '../scenario/load.ts';

/** The folder of this package: two up from here in a checkout, three in `dist/`. */
const ROOT = ['../..', '../../..']
  .map((up) => fileURLToPath(new URL(up, import.meta.url)))
  .find((folder) => existsSync(join(folder, 'scenarios')));
if (ROOT === undefined) throw new Error('mcp-soak is not installed as a whole: its scenarios are missing');

const BUNDLED = join(ROOT, 'scenarios');
/** The JSON Schema of scenario files. */
export const SCHEMA_FILE = join(ROOT, 'schema', 'scenario.schema.json');

/** Names of the scenarios that come with mcp-soak. */
export function bundledNames(): string[] {
  return readdirSync(BUNDLED)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/** Names as they were given, with the word `all` spelt out: every bundled scenario. */
export function scenarioNames(given: readonly string[]): string[] {
  return given.flatMap((name) => (name === 'all' && !existsSync(name) ? bundledNames() : [name]));
}

/**
 * A scenario by the path of its file, or by the name of a bundled one.
 * @throws RequestError when there is neither; ScenarioError when the file is wrong
 */
export function openScenario(fileOrName: string): Promise<LoadedScenario> {
  if (existsSync(fileOrName)) return readScenario(fileOrName);
  const bundled = join(BUNDLED, `${fileOrName}.yaml`);
  if (/^[\w-]+$/.test(fileOrName) && existsSync(bundled)) return readScenario(relative('', bundled));
  throw new RequestError(
    `There is no scenario '${fileOrName}': neither a file of that path nor one of ${bundledNames().join(', ')}; 'all' stands for all of these.`,
  );
}
