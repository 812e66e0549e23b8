import { formatLength, grouped } from '../../judge/format.ts';
import type { RunResult, SeriesPoint } from '../../result.ts';
import { perColumn } from './downsample.ts';
import { html } from './markup.ts';
import { linear } from './scale.ts';
import { between, line, panelHead, valueAxis } from './svg.ts';
import type { Panel } from './time-line.ts';

/** Sessions that the target holds, inside the band of those that it must and may hold. */
export function sessionsPanel({ series }: RunResult): Panel | undefined {
  if (series.length < 2) return undefined;
  const top = Math.max(1, ...series.flatMap(({ observed, may }) => [observed, may]));
  return {
    height: 190,
    says: conclusion(series),
    draw: (box, x) => {
      const y = linear({ from: 0, to: top * 1.06 }, { from: box.y + box.height, to: box.y }, 4);
      const points = (draw: (point: SeriesPoint) => number) =>
        series.map((point) => ({ x: x.at(point.t), y: y.at(draw(point)) }));
      const [may, must] = [points((point) => point.may), points((point) => point.must)];
      const excess = points(({ observed, may }) => Math.max(observed, may));
      const deficit = points(({ observed, must }) => Math.min(observed, must));
      const isOver = series.some(({ observed, may }) => observed > may);
      const isUnder = series.some(({ observed, must }) => observed < must);
      return html`${valueAxis(box, y, grouped)}${panelHead(box, 'Sessions on the target', [
        { series: 's-observed', kind: 'line', label: 'seen' },
        { series: 's-band', kind: 'area', label: 'between must live and may live' },
        ...(isOver ? [{ series: 's-wrong', kind: 'area', label: 'more than tolerated' } as const] : []),
        ...(isUnder ? [{ series: 's-wrong', kind: 'area', label: 'fewer than owed' } as const] : []),
      ])}<g class="s-band">${between(perColumn(may), perColumn(must))}${line(perColumn(may), 'edge')}${line(perColumn(must), 'edge')}</g><g class="s-wrong">${isOver && between(perColumn(excess), perColumn(may))}${isUnder && between(perColumn(must), perColumn(deficit))}</g><g class="s-observed">${line(perColumn(points((point) => point.observed)), 'line')}</g>`;
    },
  };
}

function conclusion(series: readonly SeriesPoint[]): string {
  const peak = Math.max(...series.map(({ observed }) => observed));
  const last = series.at(-1);
  const over = series.filter(({ observed, may }) => observed > may);
  const under = series.filter(({ observed, must }) => observed < must);
  const [firstOver] = over;
  const [firstUnder] = under;
  const wrong = [
    ...(firstOver
      ? [
          `${grouped(Math.max(...over.map(({ observed, may }) => observed - may)))} sessions too many at worst, first at ${formatLength(firstOver.t)}`,
        ]
      : []),
    ...(firstUnder
      ? [
          `${grouped(Math.max(...under.map(({ observed, must }) => must - observed)))} sessions too few at worst, first at ${formatLength(firstUnder.t)}`,
        ]
      : []),
  ];
  const held =
    wrong.length === 0
      ? 'The count of sessions stayed within its bounds'
      : `The target held ${wrong.join('; ')}`;
  return `${held}: peak ${grouped(peak)}, ${grouped(last?.observed ?? 0)} at the end.`;
}
