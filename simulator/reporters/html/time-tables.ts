import { formatLength, formatMoment, grouped } from '../../judge/format.ts';
import type { RunResult, SeriesPoint } from '../../result.ts';
import { html, type Markup } from './markup.ts';
import { mib } from './memory-panel.ts';
import { type Column, numbersBelow, thinned } from './table.ts';

/** A page is read by people; all points are in result.json. */
const MAX_ROWS = 240;

interface Field extends Column {
  readonly show: (point: SeriesPoint) => string | undefined;
}

const FIELDS: readonly Field[] = [
  { head: 'Time', isNumber: true, show: ({ t }) => formatMoment(t) },
  { head: 'Seen', isNumber: true, show: ({ observed }) => grouped(observed) },
  { head: 'Must live', isNumber: true, show: ({ must }) => grouped(must) },
  { head: 'May live', isNumber: true, show: ({ may }) => grouped(may) },
  {
    head: 'Heap',
    isNumber: true,
    show: ({ heapBytes }) => (heapBytes === undefined ? undefined : mib(heapBytes)),
  },
  {
    head: 'Resident',
    isNumber: true,
    show: ({ rssBytes }) => (rssBytes === undefined ? undefined : mib(rssBytes)),
  },
  { head: 'CPU cores', isNumber: true, show: ({ cpuCores }) => cpuCores?.toFixed(2) },
  {
    head: 'Open files',
    isNumber: true,
    show: ({ openFiles }) => (openFiles === undefined ? undefined : grouped(openFiles)),
  },
];

/** What the time line shows, as numbers. */
export function timeTables({ series, traffic, mode }: RunResult): Markup {
  const fields = FIELDS.filter(({ show }) => series.some((point) => show(point) !== undefined));
  const looks = thinned(series, MAX_ROWS);
  const intervals = thinned(traffic?.points ?? [], MAX_ROWS);
  const some = (shown: number, all: number) => (shown < all ? `, ${shown} of ${all}` : '');
  const isTimed = mode === 'real';
  return html`${numbersBelow(
    `Looks at the target${some(looks.length, series.length)}`,
    fields,
    looks.map((point) => fields.map(({ show }) => show(point) ?? '–')),
  )}${numbersBelow(
    `Requests in intervals of ${formatLength(traffic?.bucketMs ?? 0)}${some(intervals.length, traffic?.points.length ?? 0)}`,
    ['From', 'Requests', 'Failed', ...(isTimed ? ['p50', 'p95', 'p99', 'Longest'] : [])].map((head) => ({
      head,
      isNumber: true,
    })),
    intervals.map((point) => [
      formatMoment(point.t),
      grouped(point.requests),
      grouped(point.errors),
      ...(isTimed ? [point.p50Ms, point.p95Ms, point.p99Ms, point.maxMs].map(formatLength) : []),
    ]),
  )}`;
}
