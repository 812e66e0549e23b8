import type { RunResult } from '../../result.ts';
import { perColumn } from './downsample.ts';
import { html } from './markup.ts';
import { linear } from './scale.ts';
import { line, panelHead, px, valueAxis } from './svg.ts';
import type { Panel } from './time-line.ts';

const MIB = 2 ** 20;

/** Heap after forced collections, and resident memory thin beside it. */
export function memoryPanel({ series }: RunResult): Panel | undefined {
  const rss = series.flatMap(({ t, rssBytes }) => (rssBytes === undefined ? [] : [{ t, bytes: rssBytes }]));
  const heap = series.flatMap(({ t, heapBytes }) =>
    heapBytes === undefined ? [] : [{ t, bytes: heapBytes }],
  );
  const all = [...rss, ...heap].map(({ bytes }) => bytes);
  if (all.length < 2) return undefined;
  const [first, last] = [heap[0] ?? rss[0], heap.at(-1) ?? rss.at(-1)];
  const what = heap.length > 0 ? 'Heap after collection' : 'Resident memory';
  return {
    height: 100,
    says: `${what} went from ${mib(first?.bytes ?? 0)} to ${mib(last?.bytes ?? 0)}.`,
    draw: (box, x) => {
      const y = linear(
        { from: 0, to: (Math.max(...all) * 1.1) / MIB },
        { from: box.y + box.height, to: box.y },
        3,
      );
      const points = (rows: typeof rss) => rows.map(({ t, bytes }) => ({ x: x.at(t), y: y.at(bytes / MIB) }));
      return html`${valueAxis(box, y, (value) => `${value} MiB`)}${panelHead(box, 'Memory of the target', [
        ...(heap.length > 0
          ? [{ series: 's-heap', kind: 'line', label: 'heap after collection' } as const]
          : []),
        ...(rss.length > 0 ? [{ series: 's-rss', kind: 'thin', label: 'resident' } as const] : []),
      ])}<g class="s-rss">${line(perColumn(points(rss)), 'thin')}</g><g class="s-heap">${line(perColumn(points(heap)), 'line')}${points(
        heap,
      )
        .slice(0, 200)
        .map((point) => html`<circle class="dot" cx="${px(point.x)}" cy="${px(point.y)}" r="2.5"/>`)}</g>`;
    },
  };
}

export function mib(bytes: number): string {
  const value = bytes / MIB;
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} MiB`;
}
