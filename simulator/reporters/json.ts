import { writeFileSync } from 'node:fs';
import { type RunResult, RunResultSchema } from '../result.ts';

/** Writes `result.json`. Checked against its schema first: a document nobody can read back is worth nothing. */
export function writeJson(result: RunResult, path: string): void {
  writeFileSync(path, `${JSON.stringify(RunResultSchema.parse(result), null, 2)}\n`);
}
