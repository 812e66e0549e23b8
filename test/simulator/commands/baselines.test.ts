import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { baselineOf } from '../../../simulator/commands/baselines.ts';
import { openScenario } from '../../../simulator/commands/files.ts';
import { readResult } from '../../../simulator/commands/results.ts';
import { compareRuns } from '../../../simulator/judge/comparison.ts';
import { run } from '../../../simulator/run.ts';
import { resultOf } from '../reporters/results.ts';

const DIR = 'reports/baselines';

/** Those of `npm start`, and of `npm run baselines`. */
const NAMES = ['abandon', 'churn', 'idle-timeout', 'shutdown'];

it('there is a baseline of each scenario that npm start runs', () => {
  const files = readdirSync(DIR).filter((file) => file.endsWith('.json'));
  expect(files.sort()).toEqual(NAMES.map((name) => `${name}-virtual.json`));
});

it.each(NAMES)(
  'the hub is no worse than the baseline of %s, and counts the same (else: npm run baselines)',
  async (name) => {
    const baseline = readResult(join(DIR, `${name}-virtual.json`));
    expect(baseline).toMatchObject({ verdict: 'pass', seed: 1, mode: 'virtual' });
    const current = await run({ loaded: await openScenario(name), mode: 'virtual', seed: 1 });
    const { rows, verdict } = compareRuns(baseline, [current]);
    const others = rows.filter((row) => row.verdict !== 'pass');
    expect(others).toEqual([]);
    expect(verdict).toBe('pass');
  },
);

it('a baseline keeps the series of real runs, which hold CPU and memory', () => {
  const [virtual, real] = [resultOf(), resultOf({ mode: 'real' })];
  expect(baselineOf(virtual).series).toEqual([]);
  expect(baselineOf(real)).toEqual(real);
});
