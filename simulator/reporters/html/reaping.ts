import { formatLength, grouped } from '../../judge/format.ts';
import type { ReapGroup, ReapRule } from '../../judge/reap-histogram.ts';
import type { RunResult } from '../../result.ts';
import { html, type Markup } from './markup.ts';
import { linear, timeAxis } from './scale.ts';
import { bottomAxis, chart, HATCH, LEFT, panelHead, px, RIGHT, rect, valueAxis, WIDTH } from './svg.ts';
import { numbersBelow, thinned } from './table.ts';
import { formatTick } from './time-line.ts';

const RULES: Record<ReapRule, { readonly name: string; readonly from: string; readonly to: string }> = {
  idle: { name: 'Idle sessions', from: 'T', to: 'T + C' },
  handshake: { name: 'Handshake never completed', from: 'H', to: 'H + C' },
  stream: { name: 'Stream of a dead peer', from: 'T', to: 'T + D + C' },
};

const KINDS = [
  { key: 'certified', series: 's-certified', label: 'in time' },
  { key: 'tooCoarse', series: 's-coarse', label: 'too coarse to say' },
  { key: 'early', series: 's-early', label: 'early' },
  { key: 'late', series: 's-wrong', label: 'late' },
] as const;

/** One session among a thousand is still seen. */
const LEAST_HEIGHT = 2.5;

/** How long after their last use sessions were gone, against the bounds. Undefined where none was reaped. */
export function reaping({ reapLag, reapGroups, metrics }: RunResult): Markup | undefined {
  const { early, late, certified, tooCoarse, maxMs } = reapLag;
  if (early + late + certified + tooCoarse === 0) return undefined;
  const counts = `${grouped(certified)} in time, ${grouped(early)} early, ${grouped(late)} late, ${grouped(tooCoarse)} too coarse to say`;
  const trend = metrics.trends.reap_lag_ms;
  const lengths =
    trend &&
    `; gone ${formatLength(trend.p50Ms)} after the last use in the middle, ${formatLength(maxMs)} at most`;
  return html`<p>${counts}${lengths}.</p>${(reapGroups ?? []).map(groupChart)}${reapGroups === undefined && html`<p class="note">This result was written before times of reaping were kept.</p>`}`;
}

function groupChart(group: ReapGroup, index: number): Markup {
  const { name, from, to } = RULES[group.rule];
  const says = conclusion(group);
  const title = `${name}: gone after their last use`;
  const caption = `${name}: counts in bins of ${formatLength(group.binMs)}`;
  return html`<h3>${name}</h3>${group.bins.length > 0 && chart({ id: `reap-${index}`, title, says }, 190, drawing(group, from, to))}<p class="says">${says}</p>${numbersBelow(
    caption,
    [{ head: 'From', isNumber: true }, ...KINDS.map(({ label }) => ({ head: label, isNumber: true }))],
    thinned(group.bins, 200).map((bin) => [
      formatLength(bin.at * group.binMs),
      ...KINDS.map(({ key }) => grouped(bin[key])),
    ]),
  )}`;
}

function drawing(group: ReapGroup, fromName: string, toName: string): Markup {
  const { bins, binMs, fromMs, toMs } = group;
  const box = { x: LEFT, y: 52, width: WIDTH - LEFT - RIGHT, height: 100 };
  const edges = [
    ...bins.flatMap(({ at }) => [at * binMs, (at + 1) * binMs]),
    ...[fromMs, toMs].filter((edge) => edge !== null),
  ];
  const [least, most] = [Math.min(...edges), Math.max(...edges)];
  const room = (most - least) * 0.06 || binMs;
  const x = timeAxis(
    { from: Math.max(0, least - room), to: most + room },
    { from: box.x, to: box.x + box.width },
  );
  const top = Math.max(...bins.map((bin) => KINDS.reduce((sum, { key }) => sum + bin[key], 0)));
  const y = linear({ from: 0, to: top * 1.1 }, { from: box.y + box.height, to: box.y }, 3);
  const present = KINDS.filter(({ key }) => bins.some((bin) => bin[key] > 0));
  const bars = bins.map((bin) => {
    let below = 0;
    const left = x.at(bin.at * binMs);
    const width = Math.max(2, x.at((bin.at + 1) * binMs) - left - 0.5);
    return KINDS.filter(({ key }) => bin[key] > 0).map(({ key, series, label }) => {
      const [low, high] = [y.at(below), y.at(below + bin[key])];
      below += bin[key];
      const said = `${formatLength(bin.at * binMs)}: ${grouped(bin[key])} ${label}`;
      return html`<g class="${series}">${rect({ x: left, y: Math.min(high, low - LEAST_HEIGHT), width, height: Math.max(LEAST_HEIGHT, low - high) }, 'bar', said)}</g>`;
    });
  });
  const edge = (at: number | null, name: string, anchor: 'start' | 'end') =>
    at !== null &&
    html`<line class="bound" x1="${px(x.at(at))}" x2="${px(x.at(at))}" y1="${box.y - 6}" y2="${box.y + box.height}"/><text class="bound-name" x="${px(x.at(at) + (anchor === 'start' ? 4 : -4))}" y="${box.y - 11}" text-anchor="${anchor}">${name} ${formatTick(at)}</text>`;
  const band =
    fromMs !== null &&
    toMs !== null &&
    rect(
      { x: x.at(fromMs), y: box.y - 6, width: x.at(toMs) - x.at(fromMs), height: box.height + 6 },
      'bound-band',
    );
  return html`${HATCH}${band}${valueAxis(box, y, (n) => (Number.isInteger(n) ? grouped(n) : ''))}${bars}${edge(fromMs, `due ${fromName}`, 'start')}${edge(toMs, `tolerated ${toName}`, 'end')}${panelHead(
    { ...box, y: 28 },
    'Sessions',
    present.map(({ series, label }) => ({ series, kind: 'bar', label })),
  )}${bottomAxis(box, x, formatTick)}`;
}

function conclusion(group: ReapGroup): string {
  const sum = (key: (typeof KINDS)[number]['key']) => group.bins.reduce((total, bin) => total + bin[key], 0);
  const gone = KINDS.reduce((total, { key }) => total + sum(key), 0);
  const wrong = [
    ...(sum('early') > 0 ? [`${grouped(sum('early'))} ended before they were due`] : []),
    ...(sum('late') > 0 ? [`${grouped(sum('late'))} ended too late`] : []),
    ...(group.stillThere > 0 ? [`${grouped(group.stillThere)} were still there when the run was over`] : []),
  ];
  if (wrong.length > 0)
    return `${wrong.join(', ')}, of ${grouped(gone + group.stillThere)} sessions.`.replace(/^./, (first) =>
      first.toUpperCase(),
    );
  const open = sum('tooCoarse');
  return open === 0
    ? `All ${grouped(gone)} sessions ended within their bounds.`
    : `${grouped(sum('certified'))} of ${grouped(gone)} sessions are known to have ended within their bounds; the looks were too far apart to say it of ${grouped(open)}.`;
}
