import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { baselineOf } from '../../../simulator/commands/baselines.ts';
import { compareResults } from '../../../simulator/commands/compare.ts';
import { readResult } from '../../../simulator/commands/results.ts';
import { type RunOptions, runScenarios } from '../../../simulator/commands/run.ts';
import { mcpSoak } from '../../e2e/cli.ts';
import { command, fileWith, folder } from './results.ts';

const SCENARIO = `version: 1
name: few
description: A few sessions.
workloads:
  polite:
    executor: constant-arrival-rate
    rate: 2
    duration: 2s
    maxVUs: 5
    flow: [initialize, { think: { between: [6s, 30s] } }, expect-alive, delete]
settle: C
`;
/** One whose threshold nothing meets. */
const FAILING = `${SCENARIO}thresholds:\n  mcp_request_errors: [rate > 0.5]\n`;

const scenario = (text = SCENARIO) => fileWith(text, 'few.yaml');
const runsIn = (out: string) =>
  readdirSync(out).flatMap((at) => readdirSync(join(out, at)).map((run) => join(out, at, run)));

const run = (options: Omit<RunOptions, 'out'> & { out?: string }, text = SCENARIO, env = {}) =>
  command(
    (console) => runScenarios([scenario(text)], { out: folder(), quiet: true, ...options }, console),
    env,
  );

describe('mcp-soak run --repeat', () => {
  it('runs n times with n seeds, numbered, which compare takes', async () => {
    const out = folder();
    expect(await run({ out, repeat: '3', seed: '4294967294' })).toEqual({ code: 0, out: '', err: '' });
    const runs = runsIn(out);
    expect(runs.map((dir) => basename(dir))).toEqual(['few-virtual-1', 'few-virtual-2', 'few-virtual-3']);
    const files = runs.map((dir) => join(dir, 'result.json'));
    // Past the largest seed it begins again.
    expect(files.map((file) => readResult(file).seed)).toEqual([4_294_967_294, 4_294_967_295, 0]);
    const [first = ''] = files;
    const compared = await command((console) => compareResults(first, files, { format: 'console' }, console));
    expect(compared).toMatchObject({
      code: 0,
      out: expect.stringContaining('median of n = 3 runs, seeds 4294967294, 4294967295, 0'),
    });
  });

  it.each(['0', '1001', '2.5', 'x'])('takes no %s', async (repeat) => {
    const err = `mcp-soak: --repeat: got '${repeat}', allowed: a whole number from 1 to 1000.\n`;
    expect(await run({ repeat })).toEqual({ code: 104, out: '', err });
  });
});

describe('mcp-soak run --report', () => {
  it.each([
    [undefined, []],
    ['junit', ['junit.xml']],
    ['markdown, junit,junit', ['junit.xml', 'summary.md']],
    ['html,ctrf,openmetrics', ['ctrf.json', 'metrics.prom']],
  ])('%s writes what is asked for beside the rest', async (report, written) => {
    const out = folder();
    await run({ out, ...(report !== undefined && { report }) });
    const [dir = ''] = runsIn(out);
    const always = ['events.jsonl', 'report.html', 'result.json', 'summary.txt'];
    expect(readdirSync(dir).sort()).toEqual([...always, ...written].sort());
  });

  it('knows its formats', async () => {
    const err = "mcp-soak: --report: got 'pdf', allowed: junit, markdown, html, ctrf, openmetrics.\n";
    expect(await run({ report: 'junit,pdf' })).toEqual({ code: 104, out: '', err });
  });
});

describe('on GitHub', () => {
  const gitHub = (page: string) => ({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: page });

  it('--report markdown adds to the page of the job, and marks what failed', async () => {
    const page = join(folder(), 'summary.md');
    writeFileSync(page, 'before\n');
    const options = { report: 'markdown', json: true, repeat: '2' };
    const { code, out, err } = await run(options, FAILING, gitHub(page));
    expect(code).toBe(99);
    expect(readFileSync(page, 'utf8')).toMatch(
      /^before\n## ❌ few: 1 of \d+ checks failed\n[\s\S]*\n\n## ❌ few: /,
    );
    const title = '::error title=mcp-soak few (virtual)%3A mcp_request_errors rate > 50 %25::';
    expect(err.split('\n').filter((line) => line.startsWith(title))).toHaveLength(2);
    // --json prints results and nothing else.
    const printed = out.trim().split('\n');
    expect(printed.map((line) => JSON.parse(line).format)).toEqual(['mcp-soak-result', 'mcp-soak-result']);
  });

  it('a page that is full stays below what GitHub takes', async () => {
    const page = join(folder(), 'summary.md');
    writeFileSync(page, 'x'.repeat(899_500));
    await run({ report: 'markdown' }, SCENARIO, gitHub(page));
    expect(readFileSync(page, 'utf8')).toHaveLength(899_500);
  });

  it('without --report markdown nothing is written there', async () => {
    const page = join(folder(), 'summary.md');
    const { err } = await run({ report: 'junit' }, FAILING, gitHub(page));
    expect([err, existsSync(page)]).toEqual(['', false]);
  });
});

it('mcp-soak run --save-baseline writes results to compare with', async () => {
  const [out, baselines] = [folder(), join(folder(), 'new')];
  await run({ out, seed: '7', saveBaseline: baselines });
  expect(readdirSync(baselines)).toEqual(['few-virtual.json']);
  const [dir = ''] = runsIn(out);
  const result = readResult(join(dir, 'result.json'));
  expect(readResult(join(baselines, 'few-virtual.json'))).toEqual(baselineOf(result));
  expect(statSync(join(baselines, 'few-virtual.json')).size).toBeLessThan(
    statSync(join(dir, 'result.json')).size,
  );
  expect(result.series.length).toBeGreaterThan(0);
});

it('all of these are flags of the command line, which reads the environment', async () => {
  const [out, page, baselines] = [folder(), join(folder(), 'summary.md'), join(folder(), 'new')];
  vi.stubEnv('GITHUB_STEP_SUMMARY', page);
  onTestFinished(() => void vi.unstubAllEnvs());
  const flags = ['--repeat', '2', '--report', 'junit,markdown', '--save-baseline', baselines, '--out', out];
  expect(await mcpSoak('run', scenario(), ...flags, '--quiet')).toMatchObject({ code: 0, out: '', err: '' });
  expect(readFileSync(page, 'utf8').match(/^## ✅ few/gm)).toHaveLength(2);
  expect(readdirSync(baselines).sort()).toEqual(['few-virtual-1.json', 'few-virtual-2.json']);
  expect(runsIn(out).map((dir) => existsSync(join(dir, 'junit.xml')))).toEqual([true, true]);
});
