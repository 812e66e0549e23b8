import type { TrendSnapshot } from '../judge/metrics.ts';
import type { RunResult } from '../result.ts';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A metric family: its samples stand together, as OpenMetrics demands. */
interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'summary';
  readonly unit?: string;
  readonly help: string;
  readonly of: (result: RunResult, labels: Labels) => readonly Sample[];
}

const QUANTILES = [
  ['0.5', 'p50Ms'],
  ['0.9', 'p90Ms'],
  ['0.95', 'p95Ms'],
  ['0.99', 'p99Ms'],
] as const;

const FAMILIES: readonly Family[] = [
  gauge('mcp_soak_run_passed', '1 for a run that passed, else 0', ({ verdict }) =>
    verdict === 'pass' ? 1 : 0,
  ),
  {
    name: 'mcp_soak_check_passed',
    type: 'gauge',
    help: '1 for a check that passed, else 0; those that could not be observed are left out',
    of: ({ checks }, labels) =>
      checks
        .filter(({ verdict }) => verdict !== 'not-observable')
        .map(({ name, verdict }) => ({
          labels: { ...labels, check: name, verdict },
          value: verdict === 'pass' ? 1 : 0,
        })),
  },
  counter('mcp_soak_sessions_attempted', 'sessions that were tried', ({ sessions }) => sessions.attempted),
  counter('mcp_soak_sessions_opened', 'sessions opened', ({ sessions }) => sessions.opened),
  counter('mcp_soak_sessions_refused', 'sessions refused', ({ sessions }) => sessions.refused),
  counter('mcp_soak_sessions_deleted', 'sessions ended by DELETE', ({ sessions }) => sessions.deleted),
  gauge(
    'mcp_soak_sessions_live',
    'sessions live when the run was over',
    ({ sessions }) => sessions.liveAtEnd,
  ),
  {
    name: 'mcp_soak_sessions_reaped',
    type: 'counter',
    help: 'sessions that the target ended, by whether that was in time',
    of: ({ reapLag: { early, late, certified, tooCoarse } }, labels) =>
      Object.entries({ early, late, certified, too_coarse: tooCoarse }).map(([when, value]) => ({
        suffix: '_total',
        labels: { ...labels, when },
        value,
      })),
  },
  counter('mcp_soak_requests', 'requests sent', ({ metrics }) => metrics.counters.mcp_requests),
  counter(
    'mcp_soak_request_errors',
    'requests without the answer they were owed',
    ({ metrics }) => metrics.rates.mcp_request_errors?.hits,
  ),
  counter(
    'mcp_soak_dropped_iterations',
    'arrivals that found no free virtual user',
    ({ generator }) => generator.dropped,
  ),
  {
    name: 'mcp_client_operation_duration_seconds',
    type: 'summary',
    unit: 'seconds',
    help: 'response time, from the moment a request was due to its complete answer',
    of: ({ metrics }, labels) =>
      Object.entries(metrics.trends.mcp_request_duration_ms?.methods ?? {}).flatMap(([method, trend]) =>
        summary(trend, { ...labels, method }),
      ),
  },
  {
    name: 'mcp_soak_reap_lag_seconds',
    type: 'summary',
    unit: 'seconds',
    help: 'time from the last use of an abandoned session to its end',
    of: ({ metrics }, labels) =>
      metrics.trends.reap_lag_ms ? summary(metrics.trends.reap_lag_ms, labels) : [],
  },
  gauge(
    'mcp_soak_schedule_lag_p99_seconds',
    'how late the simulator itself was',
    ({ generator }) => generator.lagP99Ms / 1_000,
    'seconds',
  ),
  gauge(
    'mcp_soak_target_rss_bytes',
    'resident memory of the target, the highest',
    ({ metrics }) => metrics.gauges.target_rss_bytes?.max,
    'bytes',
  ),
  gauge(
    'mcp_soak_target_heap_bytes',
    'heap after collection, the last',
    ({ metrics }) => metrics.gauges.target_heap_bytes?.last,
    'bytes',
  ),
  gauge(
    'mcp_soak_run_duration_seconds',
    'length of the run on its own clock',
    ({ durationMs }) => durationMs / 1_000,
    'seconds',
  ),
];

/** Results as OpenMetrics text, for what collects numbers. No label names a session. */
export function renderOpenMetrics(results: readonly RunResult[]): string {
  const lines = FAMILIES.flatMap((family) => {
    const samples = results.flatMap((result, run) =>
      family.of(result, labelsOf(result, run, results.length)),
    );
    if (samples.length === 0) return [];
    return [
      `# TYPE ${family.name} ${family.type}`,
      ...(family.unit === undefined ? [] : [`# UNIT ${family.name} ${family.unit}`]),
      `# HELP ${family.name} ${escaped(family.help)}`,
      ...samples.map(
        ({ suffix = '', labels, value }) => `${family.name}${suffix}${labelText(labels)} ${value}`,
      ),
    ];
  });
  return `${[...lines, '# EOF'].join('\n')}\n`;
}

function labelsOf({ scenario, mode }: RunResult, run: number, runs: number): Labels {
  // Two runs of one scenario would be one series twice.
  return { scenario: scenario.name, mode, ...(runs > 1 && { run: String(run + 1) }) };
}

type Draw = (result: RunResult) => number | undefined;

function counter(name: string, help: string, draw: Draw): Family {
  return { name, type: 'counter', help, of: (result, labels) => one(draw(result), labels, '_total') };
}

function gauge(name: string, help: string, draw: Draw, unit?: string): Family {
  return {
    name,
    type: 'gauge',
    help,
    ...(unit !== undefined && { unit }),
    of: (result, labels) => one(draw(result), labels),
  };
}

function one(value: number | undefined, labels: Labels, suffix = ''): Sample[] {
  return value === undefined ? [] : [{ suffix, labels, value }];
}

function summary(trend: TrendSnapshot, labels: Labels): Sample[] {
  return [
    ...QUANTILES.map(([quantile, key]) => ({ labels: { ...labels, quantile }, value: trend[key] / 1_000 })),
    { suffix: '_sum', labels, value: trend.sumUs / 1e6 },
    { suffix: '_count', labels, value: trend.count },
  ];
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(text: string): string {
  return text.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
