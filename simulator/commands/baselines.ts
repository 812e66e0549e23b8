import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeJson } from '../reporters/json.ts';
import type { RunResult } from '../result.ts';

/** Writes a result to compare others with. */
export function saveBaseline(result: RunResult, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeJson(baselineOf(result), path);
}

/**
 * A result as small as a comparison allows; it is a valid result still. In virtual time nothing of the series is
 * compared: memory and CPU would be those of the simulator.
 */
export function baselineOf(result: RunResult): RunResult {
  const {
    otherEnds: _ends,
    reapGroups: _groups,
    course: _course,
    traffic: _traffic,
    errorGroups: _errors,
    ...rest
  } = result;
  const { text: _text, ...scenario } = rest.scenario;
  const small = { ...rest, scenario };
  return result.mode === 'virtual' ? { ...small, series: [] } : small;
}
