import type { Check, EvidenceClass, Verdict } from './check.ts';
import { checkRows } from './check-comparison.ts';
import type { MetricsSnapshot, TrendSnapshot } from './metrics.ts';
import { type Spread, spreadOf } from './repeats.ts';
import { type GeneratorHealth, timingInvalidReason } from './validity.ts';

/** What a comparison reads of a result. */
export interface ComparedRun {
  readonly mode: 'virtual' | 'real';
  readonly seed: number;
  readonly checks: readonly Check[];
  readonly sessions: Readonly<Record<string, number>>;
  readonly reapLag: Readonly<Record<string, number>>;
  readonly metrics: MetricsSnapshot;
  readonly series: readonly { readonly cpuCores?: number | undefined }[];
  readonly generator: GeneratorHealth;
}

/** How much worse a number may be. It must be worse by the share of the baseline *and* by the amount. */
export interface Allowance {
  readonly share: number;
  readonly amount: number;
}

/** Quantities that are judged, each with its own allowance. */
export const QUANTITIES = ['p50', 'p95', 'p99', 'reap-lag', 'errors', 'sessions', 'rss', 'cpu'] as const;
export type Quantity = (typeof QUANTITIES)[number];
export type Limits = Readonly<Record<Quantity, Allowance>>;

/**
 * Wide enough for two runs of one server on one machine, narrow enough for what users feel. Amounts in the unit of
 * the quantity: ms, a share of 1, sessions, bytes, cores.
 */
export const DEFAULT_LIMITS: Limits = {
  p50: { share: 0.25, amount: 5 },
  p95: { share: 0.25, amount: 5 },
  // The last percent of a run is a handful of requests, and a single pause of the collector is among them.
  p99: { share: 0.5, amount: 10 },
  'reap-lag': { share: 0.1, amount: 250 },
  errors: { share: 0, amount: 0.001 },
  sessions: { share: 0.05, amount: 1 },
  rss: { share: 0.2, amount: 16 * 2 ** 20 },
  cpu: { share: 0.25, amount: 0.1 },
};

export type Unit = 'ms' | 'bytes' | 'share' | 'cores' | 'number';

interface RowBase {
  readonly name: string;
  readonly class: EvidenceClass;
  readonly verdict: Verdict;
  /** Why it is no pass; empty for one. */
  readonly reason: string;
}

/** The verdicts of one check, the worst of the current runs. */
export interface CheckRow extends RowBase {
  readonly kind: 'check';
  readonly baseline: Verdict | null;
  readonly current: Verdict | null;
}

/**
 * One number. `baseline` and `current` are the medians of `baselineRuns` and `runs` runs; `allowance` is null for one
 * that has to be equal.
 */
export interface NumberRow extends RowBase {
  readonly kind: 'number';
  readonly unit: Unit;
  readonly baseline: number | null;
  readonly current: number | null;
  readonly baselineRuns: number;
  readonly runs: number;
  /** How sure the current median is; null for a single run. */
  readonly spread: Spread | null;
  /** Of the current runs, those that alone would be worse than allowed. */
  readonly worseRuns: number;
  readonly allowance: Allowance | null;
  /** Whether more or less of it is worse. */
  readonly worse: 'more' | 'less' | 'different';
}

export type ComparisonRow = CheckRow | NumberRow;

export interface Comparison {
  /** As of a run: a check that passed and cannot be seen any more fails it, too. */
  readonly verdict: 'pass' | 'fail' | 'invalid';
  /** Current runs that were compared. */
  readonly runs: number;
  readonly rows: readonly ComparisonRow[];
}

/**
 * Holds current runs of a scenario against an older one in the same mode. Of several, each number is the median, and
 * each check the worst. In virtual time nothing takes time and the memory is the simulator's own: there, counts are
 * compared, and must be equal where the seed is.
 */
export function compareRuns(
  baseline: ComparedRun | readonly [ComparedRun, ...ComparedRun[]],
  currents: readonly ComparedRun[],
  limits: Limits = DEFAULT_LIMITS,
): Comparison {
  const [first, ...others] = isSeveral(baseline) ? baseline : ([baseline] as const);
  const baselines = [first, ...others];
  // Only runs of one seed are equal: of several baselines, the one that the current runs repeat.
  const same = baselines.find(({ seed }) => currents.some((run) => run.seed === seed)) ?? first;
  const numbers =
    first.mode === 'virtual'
      ? exactRows(same, currents)
      : [...timingRows(baselines, currents, limits), ...standingRows(baselines, currents, limits)];
  const rows = [...checkRows(baselines, currents), ...numbers];
  return { verdict: verdictOfRows(rows), runs: currents.length, rows };
}

function isSeveral(
  baseline: ComparedRun | readonly [ComparedRun, ...ComparedRun[]],
): baseline is readonly [ComparedRun, ...ComparedRun[]] {
  return Array.isArray(baseline);
}

function verdictOfRows(rows: readonly ComparisonRow[]): Comparison['verdict'] {
  if (rows.some(({ verdict }) => verdict === 'fail' || verdict === 'no-data')) return 'fail';
  return rows.some(({ verdict }) => verdict === 'invalid') ? 'invalid' : 'pass';
}

/** A number as it is drawn from a run; undefined where that run has none. */
type Draw = (run: ComparedRun) => number | undefined;

interface Rule {
  readonly name: string;
  readonly class: EvidenceClass;
  readonly unit: Unit;
  readonly worse: NumberRow['worse'];
  readonly allowance: Allowance | null;
  readonly draw: Draw;
  /** Whether a run saw enough to be compared; left out where any sample is. */
  readonly isEnough?: (run: ComparedRun) => boolean;
}

function exactRows(baseline: ComparedRun, currents: readonly ComparedRun[]): NumberRow[] {
  const equals = currents.filter(({ seed }) => seed === baseline.seed);
  const counts = [baseline, ...currents].map(countsOf);
  const names = [...new Set(counts.flatMap((count) => Object.keys(count)))];
  return names.map((name) => {
    const rule = exactRule(name);
    if (equals.length > 0) return judgeNumber(rule, [baseline], equals);
    const reason = `the seed is another than the baseline's (${baseline.seed}): only runs of one seed are equal`;
    return { ...judgeNumber(rule, [baseline], currents), verdict: 'not-observable', reason };
  });
}

function exactRule(name: string): Rule {
  return {
    name,
    class: 'counts',
    unit: 'number',
    worse: 'different',
    allowance: null,
    // A counter nobody counted is one of zero.
    draw: (run) => countsOf(run)[name] ?? 0,
  };
}

/** All that is counted in a run, and no time. */
function countsOf({ sessions, reapLag, metrics, generator }: ComparedRun): Record<string, number> {
  const { planned, started } = generator;
  const errors = metrics.rates.mcp_request_errors;
  const { maxMs: _, ...reaped } = reapLag;
  return {
    planned,
    started,
    ...prefixed('sessions', sessions),
    ...prefixed('reaped', reaped),
    ...metrics.counters,
    ...(errors !== undefined && { mcp_request_errors: errors.hits }),
    ...prefixed('errors', metrics.errors),
  };
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, n]) => [`${prefix}.${name}`, n]));
}

const REQUEST_TRENDS = ['mcp_request_duration_ms', 'mcp_request_service_ms'] as const;
type RequestTrend = (typeof REQUEST_TRENDS)[number];
const PERCENTILES = [
  { name: 'p50', draw: (trend: TrendSnapshot) => trend.p50Ms, beyond: 0.5 },
  { name: 'p95', draw: (trend: TrendSnapshot) => trend.p95Ms, beyond: 0.05 },
  { name: 'p99', draw: (trend: TrendSnapshot) => trend.p99Ms, beyond: 0.01 },
] as const;
/** A percentile with fewer samples beyond it is the luck of a few requests. */
const MIN_SAMPLES_BEYOND = 5;

/** Numbers that a generator which was late makes worthless. */
function timingRows(
  baselines: readonly ComparedRun[],
  currents: readonly ComparedRun[],
  limits: Limits,
): NumberRow[] {
  const methods = new Set(
    [...baselines, ...currents].flatMap(({ metrics }) =>
      REQUEST_TRENDS.flatMap((trend) => Object.keys(metrics.trends[trend]?.methods ?? {})),
    ),
  );
  const percentiles = REQUEST_TRENDS.flatMap((trend) =>
    [undefined, ...[...methods].sort()].flatMap((method) =>
      PERCENTILES.map((percentile) => percentileRule(trend, method, percentile, limits)),
    ),
  );
  const cpu: Rule = {
    name: 'target_cpu_cores avg',
    class: 'timing',
    unit: 'cores',
    worse: 'more',
    allowance: limits.cpu,
    draw: ({ series }) => mean(series.flatMap(({ cpuCores }) => (cpuCores === undefined ? [] : [cpuCores]))),
  };
  const late = (run: ComparedRun) => timingInvalidReason(run.generator, null);
  const onTime = (runs: readonly ComparedRun[]) => runs.filter((run) => late(run) === undefined);
  const [before, now] = [onTime(baselines), onTime(currents)];
  const where = before.length === 0 ? 'baseline' : 'current';
  const allLate = before.length === 0 ? baselines : now.length === 0 ? currents : [];
  const wrong = allLate.map(late).find(Boolean);
  return [...percentiles, cpu].flatMap((rule) => {
    const row = judgeNumber(
      rule,
      before.length === 0 ? baselines : before,
      now.length === 0 ? currents : now,
    );
    if (row.baseline === null && row.current === null) return [];
    return wrong === undefined ? [row] : [{ ...row, verdict: 'invalid', reason: `${where}: ${wrong}` }];
  });
}

function percentileRule(
  trend: RequestTrend,
  method: string | undefined,
  { name, draw, beyond }: (typeof PERCENTILES)[number],
  limits: Limits,
): Rule {
  return {
    name: `${trend}${method === undefined ? '' : `{method:${method}}`} ${name}`,
    class: 'timing',
    unit: 'ms',
    worse: 'more',
    allowance: limits[name],
    draw: (run) => {
      const series = seriesOf(run, trend, method);
      return series && draw(series);
    },
    isEnough: (run) => (seriesOf(run, trend, method)?.count ?? 0) * beyond >= MIN_SAMPLES_BEYOND,
  };
}

function seriesOf({ metrics }: ComparedRun, trend: RequestTrend, method?: string): TrendSnapshot | undefined {
  const whole = metrics.trends[trend];
  if (method === undefined) return whole;
  const methods = whole?.methods ?? {};
  // Own keys only: a method may be called `constructor`.
  return Object.hasOwn(methods, method) ? methods[method] : undefined;
}

/** Numbers that stand, whatever the generator did. */
function standingRows(
  baselines: readonly ComparedRun[],
  currents: readonly ComparedRun[],
  limits: Limits,
): NumberRow[] {
  const more = { worse: 'more' } as const;
  const reaped = { ...more, class: 'counts', unit: 'ms', allowance: limits['reap-lag'] } as const;
  const memory = { ...more, class: 'memory', unit: 'bytes', allowance: limits.rss } as const;
  const rules: Rule[] = [
    {
      ...more,
      name: 'mcp_request_errors rate',
      class: 'protocol',
      unit: 'share',
      allowance: limits.errors,
      draw: ({ metrics: { rates } }) => {
        const errors = rates.mcp_request_errors;
        return errors && errors.hits / errors.total;
      },
    },
    {
      name: 'sessions.opened',
      class: 'counts',
      unit: 'number',
      worse: 'less',
      allowance: limits.sessions,
      draw: ({ sessions }) => sessions.opened,
    },
    { ...reaped, name: 'reap_lag_ms p50', draw: ({ metrics }) => metrics.trends.reap_lag_ms?.p50Ms },
    { ...reaped, name: 'reap_lag_ms max', draw: ({ metrics }) => metrics.trends.reap_lag_ms?.maxMs },
    { ...memory, name: 'target_rss_bytes max', draw: ({ metrics }) => metrics.gauges.target_rss_bytes?.max },
    {
      ...memory,
      name: 'target_rss_bytes last',
      draw: ({ metrics }) => metrics.gauges.target_rss_bytes?.last,
    },
  ];
  return rules
    .map((rule) => judgeNumber(rule, baselines, currents))
    .filter((row) => row.baseline !== null || row.current !== null);
}

function judgeNumber(
  rule: Rule,
  baselines: readonly ComparedRun[],
  currents: readonly ComparedRun[],
): NumberRow {
  const { draw, isEnough = () => true, ...shown } = rule;
  const olds = baselines.flatMap((run) => draw(run) ?? []);
  const before = median(olds) ?? null;
  const samples = currents.flatMap((run) => draw(run) ?? []);
  const now = median(samples) ?? null;
  const isWorseThan = (sample: number) =>
    before !== null && (rule.allowance === null ? sample !== before : exceeds(rule, before, sample));
  const worseRuns = samples.filter(isWorseThan).length;
  const row = {
    kind: 'number',
    ...shown,
    baseline: before,
    current: now,
    baselineRuns: olds.length,
    runs: samples.length,
    spread: spreadOf(samples) ?? null,
    worseRuns,
  } as const;
  if (before === null) return { ...row, verdict: 'not-observable', reason: 'not in the baseline' };
  if (now === null) return { ...row, verdict: 'no-data', reason: 'in the baseline, but not seen any more' };
  if (![...baselines, ...currents].every(isEnough)) {
    return { ...row, verdict: 'not-observable', reason: 'too few samples to compare' };
  }
  // Equal seeds give equal runs: one that differs counts, whatever the median is.
  const isWorse = rule.allowance === null ? worseRuns > 0 : exceeds(rule, before, now);
  if (!isWorse) return { ...row, verdict: 'pass', reason: '' };
  const why = rule.allowance === null ? 'has to be equal' : 'worse than allowed';
  const often = samples.length > 1 ? ` in ${worseRuns} of ${samples.length} runs` : '';
  return { ...row, verdict: 'fail', reason: `${why}${often}` };
}

function exceeds({ worse, allowance }: Rule, before: number, now: number): boolean {
  const growth = worse === 'less' ? before - now : now - before;
  return allowance !== null && growth > allowance.share * Math.abs(before) && growth > allowance.amount;
}

/** The middle one; of an even number, half way between the middle two. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
