import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../simulator/judge/check.ts';
import {
  type ComparedRun,
  type ComparisonRow,
  compareRuns,
  DEFAULT_LIMITS,
  median,
} from '../../../simulator/judge/comparison.ts';
import { Metrics } from '../../../simulator/judge/metrics.ts';

const MIB = 2 ** 20;

interface Shape {
  readonly mode?: 'virtual' | 'real';
  readonly seed?: number;
  readonly verdicts?: Readonly<Record<string, Verdict>>;
  /** Every request took so long, ms. */
  readonly ms?: number;
  readonly requests?: number;
  readonly method?: string;
  readonly failed?: number;
  readonly opened?: number;
  readonly rss?: readonly number[];
  readonly cpu?: readonly number[];
  readonly reapMs?: number;
  readonly lagP99Ms?: number;
}

/** A run in which everything is alike, so that its percentiles are what it says. */
function runOf(shape: Shape = {}): ComparedRun {
  const { mode = 'real', seed = 1, ms = 20, requests = 1_000, failed = 0, opened = 500 } = shape;
  const { verdicts = {}, rss = [], cpu = [], method = 'tools/call' } = shape;
  const metrics = new Metrics();
  for (let n = 0; n < requests; n += 1) {
    metrics.trend('mcp_request_duration_ms', ms, method);
    metrics.rate('mcp_request_errors', n < failed);
  }
  metrics.count('mcp_requests', requests);
  if (shape.reapMs !== undefined) metrics.trend('reap_lag_ms', shape.reapMs);
  for (const mib of rss) metrics.gauge('target_rss_bytes', mib * MIB);
  return {
    mode,
    seed,
    checks: Object.entries(verdicts).map(([name, verdict]) => ({
      ...{ name, verdict, kind: 'invariant', class: 'counts', observed: '', limit: '' },
      ...{ reason: verdict === 'pass' ? '' : 'so it is', failureModes: [], evidence: [] },
    })),
    sessions: { attempted: opened, opened },
    reapLag: { early: 0, late: 0, maxMs: 1 },
    metrics: metrics.snapshot(),
    series: cpu.map((cpuCores) => ({ cpuCores })),
    generator: {
      ...{ planned: opened, started: opened, dropped: 0, lagP50Ms: 0, lagP99Ms: shape.lagP99Ms ?? 0 },
      ...{ lagMaxMs: 0, loopDelayP99Ms: null, localFailures: 0 },
    },
  };
}

function row(rows: readonly ComparisonRow[], name: string): ComparisonRow {
  const found = rows.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no row ${name} in ${rows.map((one) => one.name).join(', ')}`);
  return found;
}

const P95 = 'mcp_request_duration_ms p95';
const compared = (baseline: Shape, ...currents: Shape[]) => compareRuns(runOf(baseline), currents.map(runOf));

describe('a check', () => {
  it.each<[Verdict | 'absent', Verdict | 'absent', Verdict, string]>([
    ['pass', 'pass', 'pass', 'as it was'],
    ['pass', 'fail', 'fail', 'the regression that matters most'],
    ['pass', 'no-data', 'fail', 'seeing nothing may not look like passing'],
    ['pass', 'invalid', 'invalid', 'nobody knows'],
    ['pass', 'not-observable', 'no-data', 'it was seen before'],
    ['pass', 'absent', 'no-data', 'a check that was taken out proves nothing'],
    ['fail', 'fail', 'pass', 'no worse than it was'],
    ['fail', 'pass', 'pass', 'better'],
    ['fail', 'absent', 'pass', 'nothing was lost'],
    ['no-data', 'fail', 'pass', 'it failed the run then, too'],
    ['invalid', 'fail', 'fail', 'it did not fail before'],
    ['absent', 'fail', 'fail', 'a new check counts at once'],
    ['absent', 'pass', 'pass', 'a new check that passes'],
    ['not-observable', 'not-observable', 'not-observable', 'nothing to compare'],
    ['absent', 'invalid', 'not-observable', 'nothing to compare'],
  ])('that was %s and is %s is %s: %s', (before, now, verdict) => {
    const verdicts = (one: Verdict | 'absent') => (one === 'absent' ? {} : { reap_lag: one });
    const { rows } = compared({ verdicts: verdicts(before) }, { verdicts: verdicts(now) });
    expect(row(rows, 'reap_lag')).toMatchObject({ kind: 'check', verdict });
  });

  it('that fails in one of several runs fails, and says in how many', () => {
    const [passes, fails] = [{ verdicts: { reap_lag: 'pass' } }, { verdicts: { reap_lag: 'fail' } }] as const;
    const { rows, verdict } = compared(passes, passes, fails, passes);
    expect(verdict).toBe('fail');
    expect(row(rows, 'reap_lag').reason).toBe('passed in the baseline, fails in 1 of 3 runs: so it is');
  });
});

describe('a number is worse when it grew by more than its share and its amount', () => {
  it.each<[string, string, Shape, Shape, Verdict]>([
    ['as it was', P95, { ms: 20 }, { ms: 20 }, 'pass'],
    ['faster', P95, { ms: 20 }, { ms: 10 }, 'pass'],
    ['exactly the share', P95, { ms: 100 }, { ms: 125 }, 'pass'],
    ['over both', P95, { ms: 100 }, { ms: 126 }, 'fail'],
    ['over the share, but only some ms', P95, { ms: 2 }, { ms: 6 }, 'pass'],
    ['many ms, but a small share', P95, { ms: 1_000 }, { ms: 1_200 }, 'pass'],
    ['p99 is given more room', 'mcp_request_duration_ms p99', { ms: 100 }, { ms: 140 }, 'pass'],
    ['p99, over that', 'mcp_request_duration_ms p99', { ms: 100 }, { ms: 160 }, 'fail'],
    ['one method', 'mcp_request_duration_ms{method:tools/call} p50', { ms: 20 }, { ms: 40 }, 'fail'],
    ['errors within a thousandth', 'mcp_request_errors rate', {}, { failed: 1 }, 'pass'],
    ['errors beyond it', 'mcp_request_errors rate', {}, { failed: 2 }, 'fail'],
    ['a few sessions fewer', 'sessions.opened', { opened: 100 }, { opened: 95 }, 'pass'],
    ['many fewer', 'sessions.opened', { opened: 100 }, { opened: 94 }, 'fail'],
    ['more sessions', 'sessions.opened', { opened: 100 }, { opened: 200 }, 'pass'],
    ['reaped as late as before', 'reap_lag_ms max', { reapMs: 2_000 }, { reapMs: 2_100 }, 'pass'],
    ['reaped later', 'reap_lag_ms max', { reapMs: 2_000 }, { reapMs: 2_300 }, 'fail'],
    ['a little memory', 'target_rss_bytes max', { rss: [50] }, { rss: [65] }, 'pass'],
    ['much memory', 'target_rss_bytes max', { rss: [50] }, { rss: [50, 70, 50] }, 'fail'],
    ['memory given back', 'target_rss_bytes last', { rss: [50] }, { rss: [50, 70, 50] }, 'pass'],
    ['memory kept', 'target_rss_bytes last', { rss: [50] }, { rss: [50, 70] }, 'fail'],
    ['CPU', 'target_cpu_cores avg', { cpu: [0.2, 0.4] }, { cpu: [0.4, 0.6] }, 'fail'],
    ['memory that is not seen any more', 'target_rss_bytes max', { rss: [50] }, {}, 'no-data'],
    ['memory that was not seen before', 'target_rss_bytes max', {}, { rss: [50] }, 'not-observable'],
  ])('%s', (_, name, baseline, current, verdict) => {
    expect(row(compared(baseline, current).rows, name)).toMatchObject({ kind: 'number', verdict });
  });

  it('has limits that can be set', () => {
    const limits = { ...DEFAULT_LIMITS, p95: { share: 0.05, amount: 1 } };
    const { rows, verdict } = compareRuns(runOf({ ms: 100 }), [runOf({ ms: 110 })], limits);
    expect(verdict).toBe('fail');
    expect(rows.filter((one) => one.verdict === 'fail').map(({ name }) => name)).toEqual([
      P95,
      'mcp_request_duration_ms{method:tools/call} p95',
    ]);
  });

  it('is not judged by the luck of a few requests', () => {
    const { rows, verdict } = compared({ ms: 20, requests: 99 }, { ms: 90, requests: 99 });
    expect(row(rows, P95)).toMatchObject({ verdict: 'not-observable', reason: 'too few samples to compare' });
    expect(row(rows, 'mcp_request_duration_ms p50').verdict).toBe('fail');
    expect(verdict).toBe('fail');
  });

  it('takes a method by any name', () => {
    const { rows } = compared({ method: 'constructor' }, { method: '__proto__' });
    expect(row(rows, 'mcp_request_duration_ms{method:constructor} p50').verdict).toBe('no-data');
  });
});

describe('of several runs', () => {
  it('the median is compared, and their number told', () => {
    const { rows, verdict, runs } = compared({ ms: 20 }, { ms: 20 }, { ms: 900 }, { ms: 22 });
    expect(row(rows, P95)).toMatchObject({ current: 22, runs: 3, verdict: 'pass' });
    expect([verdict, runs]).toEqual(['pass', 3]);
  });

  it('those that the machine spoiled do not count for times', () => {
    const { rows } = compared({ ms: 20 }, { ms: 900, lagP99Ms: 50 }, { ms: 20 });
    expect(row(rows, P95)).toMatchObject({ current: 20, runs: 1, verdict: 'pass' });
  });

  it.each([
    [[], undefined],
    [[3], 3],
    [[9, 1], 5],
    [[9, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('the median of %j is %j', (values, middle) => {
    expect(median(values)).toBe(middle);
  });
});

describe('where the simulator was late', () => {
  it.each<[string, Shape, Shape]>([
    ['baseline', { lagP99Ms: 50 }, {}],
    ['current', {}, { lagP99Ms: 50 }],
  ])('in the %s, times are undecided and counts stand', (which, baseline, current) => {
    const { rows, verdict } = compared({ ...baseline, rss: [50] }, { ...current, ms: 900, rss: [50] });
    expect(verdict).toBe('invalid');
    expect(row(rows, P95)).toMatchObject({
      verdict: 'invalid',
      reason: expect.stringContaining(`${which}: the simulator sent its requests late`),
    });
    expect(row(rows, 'target_rss_bytes max').verdict).toBe('pass');
    expect(row(rows, 'sessions.opened').verdict).toBe('pass');
  });

  it('a failure is a failure', () => {
    expect(compared({}, { lagP99Ms: 50, failed: 100 }).verdict).toBe('fail');
  });
});

describe('in virtual time', () => {
  const virtual = (shape: Shape = {}): Shape => ({ mode: 'virtual', ...shape });

  it('no time, memory or CPU is compared', () => {
    const { rows, verdict } = compared(
      virtual({ ms: 1, rss: [50], cpu: [0.1], reapMs: 5 }),
      virtual({ ms: 900, rss: [500], cpu: [2], reapMs: 900 }),
    );
    expect(verdict).toBe('pass');
    expect(rows.filter((one) => one.kind === 'number' && one.unit !== 'number')).toEqual([]);
    expect(rows.map(({ name }) => name)).not.toContain('reaped.maxMs');
  });

  it.each<[string, Shape]>([
    ['sessions.opened', { opened: 501 }],
    ['planned', { opened: 499 }],
    ['mcp_requests', { requests: 1_001 }],
    ['mcp_request_errors', { failed: 1 }],
  ])('%s has to be equal', (name, current) => {
    const { rows, verdict } = compared(virtual(), virtual(current));
    expect(verdict).toBe('fail');
    expect(row(rows, name)).toMatchObject({ verdict: 'fail', reason: 'has to be equal', allowance: null });
  });

  it('one run that differs counts, whatever the median is', () => {
    expect(compared(virtual(), virtual(), virtual({ opened: 501 }), virtual()).verdict).toBe('fail');
  });

  it('counts of another seed are told, not judged; checks are', () => {
    const { rows, verdict } = compared(virtual(), virtual({ seed: 2, opened: 700 }));
    expect(verdict).toBe('pass');
    expect(row(rows, 'sessions.opened')).toMatchObject({
      verdict: 'not-observable',
      baseline: 500,
      current: 700,
      reason: expect.stringContaining('only runs of one seed are equal'),
    });
  });
});

describe('of several runs', () => {
  it('the median is judged, with where it lies and how many are worse', () => {
    const { rows, verdict } = compared({ ms: 20 }, { ms: 40 }, { ms: 20 }, { ms: 41 });
    expect(row(rows, P95)).toMatchObject({
      current: expect.closeTo(40, 0),
      worseRuns: 2,
      spread: { lo: expect.closeTo(20, 0), hi: expect.closeTo(41, 0), coverage: 0.75 },
      reason: 'worse than allowed in 2 of 3 runs',
    });
    expect(verdict).toBe('fail');
  });

  it('a baseline of several is their median: one lucky run accuses nobody', () => {
    const [lucky, usual] = [runOf({ ms: 20 }), runOf({ ms: 40 })];
    expect(row(compareRuns(lucky, [usual]).rows, P95).verdict).toBe('fail');
    const { rows } = compareRuns([lucky, usual, usual], [usual]);
    expect(row(rows, P95)).toMatchObject({ verdict: 'pass', baselineRuns: 3, spread: null, worseRuns: 0 });
  });

  it('a check that failed in any of the baselines was no promise', () => {
    const runs = (['pass', 'fail'] as const).map((verdict) => runOf({ verdicts: { a: verdict } }));
    const [passed, failed] = runs;
    if (!passed || !failed) throw new Error('two runs were made');
    expect(row(compareRuns([passed, failed], [failed]).rows, 'a').verdict).toBe('pass');
    expect(row(compareRuns([passed, passed], [failed]).rows, 'a').verdict).toBe('fail');
  });

  it('in virtual mode the one of equal seed has to be equal', () => {
    const runs = [1, 2].map((seed) => runOf({ mode: 'virtual', seed, opened: seed * 100 }));
    const [one, two] = runs;
    if (!one || !two) throw new Error('two runs were made');
    expect(compareRuns([one, two], [two]).verdict).toBe('pass');
  });
});
