import { describe, expect, it } from 'vitest';
import { compareResults } from '../../../simulator/commands/compare.ts';
import { DEFAULT_LIMITS } from '../../../simulator/judge/comparison.ts';
import { Metrics } from '../../../simulator/judge/metrics.ts';
import type { RunResult } from '../../../simulator/result.ts';
import { mcpSoak } from '../../e2e/cli.ts';
import { check, LEAKED, resultOf } from '../reporters/results.ts';
import { command, fileWith } from './results.ts';

/** A real run in which every call took so long, ms. */
function realRun(ms: number, changes: Partial<RunResult> = {}): RunResult {
  const metrics = new Metrics();
  for (let n = 0; n < 1_000; n += 1) metrics.trend('mcp_request_duration_ms', ms, 'tools/call');
  return resultOf({ mode: 'real', metrics: metrics.snapshot(), ...changes });
}

const compare = (baseline: string, currents: string[], options: Record<string, unknown> = {}) =>
  command((console) => compareResults(baseline, currents, { format: 'console', ...options }, console));

const LATE = { ...resultOf().generator, lagP99Ms: 50 };

describe('mcp-soak compare ends with', () => {
  it.each<[number, string, RunResult, RunResult, string]>([
    [0, 'nothing worse', realRun(100), realRun(110), 'PASS    abandon (real): nothing of '],
    [99, 'slower', realRun(100), realRun(200), '✗ mcp_request_duration_ms p95'],
    [99, 'a check that fails', resultOf(), resultOf({ checks: [LEAKED] }), 'pass → fail'],
    [
      98,
      'a machine that was too busy',
      realRun(100),
      realRun(900, { generator: LATE }),
      '? mcp_request_duration_ms p50',
    ],
  ])('%i: %s', async (exit, _, baseline, current, said) => {
    const { code, out, err } = await compare(fileWith(baseline), [fileWith(current)]);
    expect([code, err]).toEqual([exit, '']);
    expect(out).toContain(said);
  });

  it.each<[string, object, object, string]>([
    [
      'another scenario',
      resultOf(),
      resultOf({ scenario: { ...resultOf().scenario, name: 'churn' } }),
      'is churn in virtual mode',
    ],
    ['another mode', realRun(1), resultOf(), 'only runs of one scenario in one mode can be compared'],
    ['a run that was stopped', resultOf(), resultOf({ verdict: 'aborted' }), 'was stopped by a signal'],
    ['no result', resultOf(), { version: 1 }, 'is no result of mcp-soak'],
  ])('104: %s', async (_, baseline, current, said) => {
    const { code, out, err } = await compare(fileWith(baseline), [fileWith(current)]);
    expect([code, out]).toEqual([104, '']);
    expect(err).toContain(said);
  });
});

describe('its limits', () => {
  const slower = (limits: Record<string, string>) =>
    compare(fileWith(realRun(100)), [fileWith(realRun(140))], limits);

  it.each([
    [{ maxP50Growth: '50%', maxP95Growth: '50%' }, 0],
    [{ maxP50Growth: '50%' }, 99],
    [{ minP50Growth: '40ms', minP95Growth: '40ms' }, 0],
  ])('%j are obeyed', async (limits, exit) => {
    expect(await slower(limits)).toMatchObject({ code: exit });
  });

  it.each([
    [{ maxP95Growth: '25' }, "--max-p95-growth: got '25', allowed: such as 25%."],
    [{ minRssGrowth: '16' }, "--min-rss-growth: got '16', allowed: such as 16MiB."],
    [{ minP95Growth: '1T' }, "--min-p95-growth: got '1T', allowed: such as 5ms."],
    [{ minCpuGrowth: 'x' }, "--min-cpu-growth: got 'x', allowed: such as 0.1."],
  ])('%j are refused', async (limits, message) => {
    expect(await slower(limits)).toEqual({ code: 104, out: '', err: `mcp-soak: ${message}\n` });
  });

  it('are flags of the command line', async () => {
    const files = [fileWith(realRun(100)), fileWith(realRun(140))];
    const limits = ['--max-p50-growth', '50%', '--max-p95-growth', '50%'];
    const [as, wide] = await Promise.all([
      mcpSoak('compare', ...files),
      mcpSoak('compare', ...files, ...limits),
    ]);
    expect([as.code, wide.code]).toEqual([99, 0]);
  });

  it('are told by --help, with their defaults', async () => {
    const { out } = await mcpSoak('compare', '--help');
    const said = out.replaceAll(/\s+/g, ' ');
    expect(said).toMatch(/--max-p95-growth <limit> [^(]*\(default: 25%\)/);
    expect(said).toMatch(/--min-rss-growth <limit> [^(]*\(default: 16MiB\)/);
    expect(said).toMatch(/--max-error-growth <limit> [^(]*\(default: 0.1%\)/);
    expect(said).toMatch(/--min-cpu-growth <limit> [^(]*\(default: 0.1\)/);
    expect(DEFAULT_LIMITS.p95).toEqual({ share: 0.25, amount: 5 });
  });
});

describe('its reports', () => {
  it('--json is one document, with everything', async () => {
    const [baseline, current] = [fileWith(realRun(100)), fileWith(realRun(200))];
    const { code, out } = await compare(baseline, [current, current], { json: true });
    const document: unknown = JSON.parse(out);
    expect(document).toMatchObject({
      format: 'mcp-soak-comparison',
      version: 1,
      scenario: 'abandon',
      mode: 'real',
      verdict: 'fail',
      exitCode: 99,
      runs: 2,
      baseline: { file: baseline, seed: 42 },
      current: [{ file: current }, { file: current }],
      rows: expect.arrayContaining([
        expect.objectContaining({
          name: 'mcp_request_duration_ms p95',
          baseline: 100,
          current: 200,
          verdict: 'fail',
        }),
      ]),
    });
    expect(code).toBe(99);
  });

  it('markdown is for a step summary', async () => {
    const { out } = await compare(fileWith(resultOf()), [fileWith(resultOf())], { format: 'markdown' });
    expect(out).toMatch(/^## ✅ abandon \(virtual\): nothing of \d+ is worse than the baseline\n/);
  });

  it('say what else was different', async () => {
    const now = resultOf({
      target: { ...resultOf().target, name: 'mine' },
      policy: { ...resultOf().policy, sessionTimeoutMs: 1 },
      environment: { node: '24.1.0', platform: 'linux arm64', cpus: 8, memoryBytes: 1 },
      checks: [check('sessions_not_lost', 'pass')],
    });
    const { out } = await compare(fileWith(now), [fileWith(resultOf())]);
    for (const note of [
      'another target: mine → reference hub',
      'another policy',
      'another Node: 24.1.0 → 26.0.0',
      'another machine: linux arm64, 8 CPUs → linux x64, 2 CPUs',
    ]) {
      expect(out).toContain(note);
    }
  });

  it('of several runs name the median and their number', async () => {
    const currents = [90, 100, 900].map((ms) => fileWith(realRun(ms)));
    const { code, out } = await compare(fileWith(realRun(100)), currents);
    expect(code).toBe(0);
    expect(out).toContain('median of n = 3 runs');
  });
});
