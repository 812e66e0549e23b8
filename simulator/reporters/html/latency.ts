import { formatLength, grouped } from '../../judge/format.ts';
import { percentilesMs, type TrendSnapshot } from '../../judge/metrics.ts';
import type { RunResult } from '../../result.ts';
import { html, type Markup } from './markup.ts';
import { logarithmic } from './scale.ts';
import { bottomAxis, chart, LEFT, line, panelHead, RIGHT, valueAxis, WIDTH } from './svg.ts';
import { dataTable, numbersBelow } from './table.ts';
import { durations } from './time-panel.ts';

/** Below this all of it is rounding. */
const LEAST_MS = 1;
/** Percentiles in the table; the last of them only where there are samples beyond it. */
const SHOWN = [50, 75, 90, 95, 99, 99.9, 99.99];
/** Steps for each halving of what lies beyond: the curve bends nowhere between them. */
const STEPS_PER_HALVING = 6;

/** Response times: the distribution, and each method's. Undefined where no request was measured. */
export function latency({ metrics, mode }: RunResult): Markup | undefined {
  const response = metrics.trends.mcp_request_duration_ms;
  const service = metrics.trends.mcp_request_service_ms;
  if (response === undefined) return undefined;
  if (response.maxMs < LEAST_MS) {
    return html`<p class="note">${mode === 'virtual' ? 'In virtual time no request takes any time. Run it with --mode real to measure times.' : 'No request took a millisecond.'}</p>`;
  }
  const says = `Half of ${grouped(response.count)} requests were answered within ${formatLength(response.p50Ms)}, 95 % within ${formatLength(response.p95Ms)}, 99 % within ${formatLength(response.p99Ms)}, the slowest in ${formatLength(response.maxMs)}.`;
  const percentiles = SHOWN.filter((percentile) => isSeen(percentile, response.count));
  return html`<p>From the moment each request was due to its complete answer; service time counts from when it was sent.</p>
${chart({ id: 'percentiles', title: 'Response time by percentile', says }, 270, drawing(response, service))}<p class="says">${says}</p>
${numbersBelow(
  'Percentiles of all requests',
  [
    { head: 'Percentile', isNumber: true },
    { head: 'Response', isNumber: true },
    ...(service ? [{ head: 'Service', isNumber: true }] : []),
  ],
  rows(percentiles, response, service),
)}${methodTable(response, service)}`;
}

function isSeen(percentile: number, count: number): boolean {
  return (1 - percentile / 100) * count >= 1;
}

function rows(
  percentiles: readonly number[],
  response: TrendSnapshot,
  service: TrendSnapshot | undefined,
): string[][] {
  const responses = percentilesMs(response, percentiles);
  const services = service && percentilesMs(service, percentiles);
  return percentiles.map((percentile, index) => [
    `p${percentile}`,
    formatLength(responses[index] ?? 0),
    ...(services ? [formatLength(services[index] ?? 0)] : []),
  ]);
}

/** x grows by equal steps where what lies beyond shrinks by equal factors: 50 %, 90 %, 99 %, 99.9 %. */
function drawing(response: TrendSnapshot, service: TrendSnapshot | undefined): Markup {
  const box = { x: LEFT, y: 40, width: WIDTH - LEFT - RIGHT, height: 185 };
  const last = Math.max(10, response.count);
  const x = logarithmic({ from: 1, to: last }, { from: box.x, to: box.x + box.width });
  const lowest = Math.min(response.minMs, service?.minMs ?? response.minMs);
  const y = durations(
    { from: lowest, to: Math.max(response.maxMs, service?.maxMs ?? 0) },
    { from: box.y + box.height, to: box.y },
  );
  const beyond = Array.from(
    { length: Math.floor(Math.log2(last) * STEPS_PER_HALVING) + 1 },
    (_, n) => 2 ** (n / STEPS_PER_HALVING),
  );
  const curve = (trend: TrendSnapshot) => {
    const values = percentilesMs(
      trend,
      beyond.map((n) => (1 - 1 / n) * 100),
    );
    return beyond.map((n, index) => ({ x: x.at(n), y: y.at(values[index] ?? 0) }));
  };
  const ticks = { ...x, ticks: [1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000].filter((n) => n <= last) };
  return html`${valueAxis(box, y, formatLength)}${panelHead(box, 'Response time by percentile', [
    { series: 's-response', kind: 'line', label: 'response, from when it was due' },
    ...(service
      ? [{ series: 's-service', kind: 'dashed', label: 'service, from when it was sent' } as const]
      : []),
  ])}${service && html`<g class="s-service">${line(curve(service), 'dashed')}</g>`}<g class="s-response">${line(curve(response), 'line')}</g>${bottomAxis(box, ticks, (n) => (n === 1 ? 'least' : `p${Number(((1 - 1 / n) * 100).toFixed(4))}`))}`;
}

function methodTable(
  response: TrendSnapshot & { methods: Record<string, TrendSnapshot> },
  service: RunResult['metrics']['trends']['mcp_request_service_ms'],
): Markup {
  const methods = Object.entries(response.methods);
  if (methods.length === 0) return html``;
  const heads = ['Count', 'p50', 'p90', 'p95', 'p99', 'Longest', 'Service p99'];
  return dataTable(
    'Response time by method',
    [{ head: 'Method' }, ...heads.map((head) => ({ head, isNumber: true }))],
    [...methods, ['all', response] as const].map(([method, trend]) => {
      const methods = service?.methods ?? {};
      const served =
        method === 'all' ? service : Object.hasOwn(methods, method) ? methods[method] : undefined;
      return [
        html`<code>${method}</code>`,
        grouped(trend.count),
        ...[trend.p50Ms, trend.p90Ms, trend.p95Ms, trend.p99Ms, trend.maxMs].map(formatLength),
        served === undefined ? '–' : formatLength(served.p99Ms),
      ];
    }),
  );
}
