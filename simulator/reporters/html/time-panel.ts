import { formatLength } from '../../judge/format.ts';
import type { Traffic } from '../../judge/traffic.ts';
import type { RunResult } from '../../result.ts';
import { type Point, perColumn } from './downsample.ts';
import { html, type Markup } from './markup.ts';
import { linear, logarithmic, type Range, type Scale } from './scale.ts';
import { line, panelHead, px, valueAxis } from './svg.ts';
import type { Panel } from './time-line.ts';

/** Below this all of it is rounding, as in virtual time. */
const LEAST_MS = 1;
/** Beyond this ratio a linear axis would press all but the peaks to the ground. */
const LOG_FROM = 20;

/** Response times over time. Undefined where nothing took any. */
export function timePanel({ traffic }: RunResult): Panel | undefined {
  if (traffic === undefined || traffic.points.every(({ maxMs }) => maxMs < LEAST_MS)) return undefined;
  const { points } = traffic;
  const top = Math.max(...points.map(({ p99Ms }) => p99Ms));
  const worst = points.find(({ p99Ms }) => p99Ms === top);
  return {
    height: 130,
    says: `Response times were at their longest about ${formatLength(worst?.t ?? 0)}: p99 ${formatLength(top)}.`,
    draw: (box, x) => {
      const y = durations(
        { from: Math.min(...points.map(({ p50Ms }) => p50Ms)), to: top },
        { from: box.y + box.height, to: box.y },
      );
      const drawn = (['p50Ms', 'p95Ms', 'p99Ms'] as const).map(
        (key) =>
          html`<g class="s-${key}">${stretches(traffic).map((stretch) => strand(stretch.map((point) => ({ x: x.at(point.t + traffic.bucketMs / 2), y: y.at(point[key]) }))))}</g>`,
      );
      return html`${valueAxis(box, y, formatLength)}${panelHead(box, 'Response time', [
        { series: 's-p50Ms', kind: 'line', label: 'p50' },
        { series: 's-p95Ms', kind: 'line', label: 'p95' },
        { series: 's-p99Ms', kind: 'line', label: 'p99' },
      ])}${drawn}`;
    },
  };
}

/** An axis of durations, linear or not as they need it. */
export function durations({ from, to }: Range, range: Range): Scale {
  const least = Math.max(from, 0.1);
  if (to / least < LOG_FROM) return linear({ from: 0, to: to * 1.1 }, range, 4);
  return logarithmic({ from: 10 ** Math.floor(Math.log10(least)), to: to * 1.3 }, range);
}

/** Where no request was made, there is no time to show: the line breaks. */
function stretches({ points, bucketMs }: Traffic): Traffic['points'][] {
  const found: Traffic['points'][] = [];
  let lastAt = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    if (point.t - lastAt > 3 * bucketMs) found.push([]);
    found.at(-1)?.push(point);
    lastAt = point.t;
  }
  return found;
}

/** A stretch of one interval is no line. */
function strand(points: readonly Point[]): Markup {
  const [only] = points;
  if (points.length === 1 && only)
    return html`<circle class="dot" cx="${px(only.x)}" cy="${px(only.y)}" r="2"/>`;
  return line(perColumn(points), 'line');
}
