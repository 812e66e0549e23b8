import { formatLength, grouped } from '../../judge/format.ts';
import type { RunResult } from '../../result.ts';
import { html } from './markup.ts';
import { linear } from './scale.ts';
import { panelHead, rect, valueAxis } from './svg.ts';
import type { Panel } from './time-line.ts';

/** Requests a second, and those that failed in front of them. */
export function requestPanel({ traffic }: RunResult): Panel | undefined {
  if (traffic === undefined || traffic.points.length === 0) return undefined;
  const { bucketMs, points } = traffic;
  const rate = (n: number) => (n * 1_000) / bucketMs;
  const top = Math.max(...points.map(({ requests }) => rate(requests)));
  const requests = points.reduce((sum, point) => sum + point.requests, 0);
  const errors = points.reduce((sum, point) => sum + point.errors, 0);
  return {
    height: 90,
    says: `${grouped(requests)} requests, ${errors === 0 ? 'none failed' : `${grouped(errors)} failed`}; at most ${rounded(top)} a second over ${formatLength(bucketMs)}.`,
    draw: (box, x) => {
      const y = linear({ from: 0, to: top * 1.08 }, { from: box.y + box.height, to: box.y }, 3);
      const bottom = box.y + box.height;
      const bars = points.map((point) => {
        const [left, right] = [x.at(point.t), x.at(point.t + bucketMs)];
        const width = Math.max(1.5, Math.min(right, box.x + box.width) - left - (right - left > 4 ? 1 : 0));
        const said = `${formatLength(point.t)}: ${grouped(point.requests)} requests, ${grouped(point.errors)} failed`;
        const bar = (n: number, series: string) => {
          const at = y.at(rate(n));
          return html`<g class="${series}">${rect({ x: left, y: at, width, height: bottom - at }, 'bar', said)}</g>`;
        };
        return html`${bar(point.requests, 's-requests')}${point.errors > 0 && bar(point.errors, 's-wrong')}`;
      });
      return html`${valueAxis(box, y, rounded)}${panelHead(box, 'Requests a second', [
        { series: 's-requests', kind: 'bar', label: 'all' },
        ...(errors > 0 ? [{ series: 's-wrong', kind: 'bar', label: 'failed' } as const] : []),
      ])}${bars}`;
    },
  };
}

function rounded(value: number): string {
  return value >= 10 ? grouped(Math.round(value)) : String(Number(value.toPrecision(2)));
}
