import { median } from '../../judge/comparison.ts';
import { grouped } from '../../judge/format.ts';
import type { LeakSeries } from '../../judge/leak-series.ts';
import { html, type Markup } from './markup.ts';
import { linear } from './scale.ts';
import { between, bottomAxis, chart, LEFT, line, panelHead, px, RIGHT, valueAxis, WIDTH } from './svg.ts';
import { dataTable, numbersBelow } from './table.ts';
import { checkBadge } from './verdict.ts';

const MIB = 2 ** 20;

const SOURCES: Record<LeakSeries['source'], string> = {
  heap: 'heap and external memory after forced collections',
  anonymous: 'anonymous memory of the process',
  rss: 'resident memory, without a forced collection',
};

/** Memory over cycles: what each leak verdict rests on, and what grew. Undefined where no leak was looked for. */
export function leakSections(leaks: readonly LeakSeries[] | undefined): Markup | undefined {
  if (leaks === undefined || leaks.length === 0) return undefined;
  return html`${leaks.map(section)}`;
}

function section(leak: LeakSeries, index: number): Markup {
  const {
    name,
    unit,
    source,
    isPinned,
    verdict,
    reason,
    slope,
    budgetBytes,
    warmupCycles,
    unitsPerCycle,
    readings,
    detectableBytes,
    pRising,
  } = leak;
  const says = conclusion(leak);
  const facts: [string, string][] = [
    ['read from', `${SOURCES[source]}${isPinned ? ', V8 pinned' : ''}`],
    [
      'growth',
      slope === null
        ? 'too few readings'
        : `${perUnit(slope.bytes, unit)}, 99 % bounds ${bytes(slope.lo)} to ${bytes(slope.hi)}`,
    ],
    ['budget', perUnit(budgetBytes, unit)],
    [
      'could have shown',
      detectableBytes === null ? 'unknown' : `a leak of ${perUnit(detectableBytes, unit)}`,
    ],
    ['p of a rise', pRising === null ? 'not tested' : pRising < 0.001 ? '< 0.001' : pRising.toFixed(3)],
    [
      'cycles',
      `${warmupCycles} to warm up, ${readings.length} measured, ${grouped(unitsPerCycle)} ${unit}s each`,
    ],
  ];
  return html`<h3>${checkBadge(verdict)} ${name}</h3>${reason !== '' && html`<p>${reason}</p>`}<dl class="facts">${facts.map(([what, value]) => html`<div><dt>${what}</dt><dd>${value}</dd></div>`)}</dl>${readings.length > 1 && chart({ id: `leak-${index}`, title: `Memory after each cycle: ${name}`, says }, 260, drawing(leak))}<p class="says">${says}</p>${growth(leak)}${numbersBelow(
    'Readings after each cycle',
    [
      { head: `${unit}s so far`, isNumber: true },
      { head: 'Bytes', isNumber: true },
    ],
    readings.map((reading) => [grouped(reading.units), grouped(Math.round(reading.bytes))]),
  )}`;
}

function drawing({ readings, slope, unit, budgetBytes }: LeakSeries): Markup {
  const box = { x: LEFT + 24, y: 40, width: WIDTH - LEFT - RIGHT - 24, height: 170 };
  const units = readings.map((reading) => reading.units);
  const [first = 0, last = 1] = [units[0], units.at(-1)];
  const center = { units: median(units) ?? 0, bytes: 0 };
  // Through the middle of what is left when the slope is taken away, as Theil and Sen have it.
  const rest = readings.map(
    (reading) => reading.bytes - (slope?.bytes ?? 0) * (reading.units - center.units),
  );
  center.bytes = median(rest) ?? 0;
  const lineOf = (per: number) =>
    [first, last].map((n) => ({ units: n, bytes: center.bytes + per * (n - center.units) }));
  const start = lineOf(slope?.bytes ?? 0)[0]?.bytes ?? center.bytes;
  const budget = [first, last].map((n) => ({ units: n, bytes: start + budgetBytes * (n - first) }));
  const lines = slope === null ? [] : [...lineOf(slope.lo), ...lineOf(slope.hi), ...budget];
  const values = [...readings, ...lines].map((point) => point.bytes);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low) * 0.1 || 1_024;
  const y = linear(
    { from: (low - room) / MIB, to: (high + room) / MIB },
    { from: box.y + box.height, to: box.y },
    4,
  );
  const x = linear({ from: first, to: last }, { from: box.x, to: box.x + box.width }, 8);
  const at = (point: { units: number; bytes: number }) => ({
    x: x.at(point.units),
    y: y.at(point.bytes / MIB),
  });
  const digits = high - low < 2 ** 20 ? 3 : 1;
  return html`${valueAxis(box, y, (value) => `${value.toFixed(digits)} MiB`)}${panelHead(
    box,
    'Memory after each cycle',
    [
      { series: 's-observed', kind: 'line', label: 'read' },
      ...(slope === null
        ? []
        : ([
            { series: 's-slope', kind: 'dashed', label: 'slope' },
            { series: 's-band', kind: 'area', label: '99 % bounds' },
            { series: 's-budget', kind: 'dotted', label: 'budget' },
          ] as const)),
    ],
  )}${slope !== null && html`<g class="s-band">${between(lineOf(slope.hi).map(at), lineOf(slope.lo).map(at))}</g><g class="s-slope">${line(lineOf(slope.bytes).map(at), 'dashed')}</g><g class="s-budget">${line(budget.map(at), 'dotted')}</g>`}<g class="s-observed">${line(readings.map(at), 'line')}${readings.map(at).map((point) => html`<circle class="dot" cx="${px(point.x)}" cy="${px(point.y)}" r="3"/>`)}</g>${bottomAxis(box, x, (n) => grouped(Math.round(n)))}<text class="tick" x="${box.x + box.width}" y="${box.y - 10}" text-anchor="end">x: ${unit}s so far</text>`;
}

function growth({ growing, allocations, counted, unit }: LeakSeries): Markup {
  return html`${
    growing.length > 0 &&
    dataTable(
      'Classes that grew with every cycle',
      [{ head: 'Class' }, { head: 'Grew by, in each interval', isNumber: true }, { head: 'Held by' }],
      growing.map(({ className, counts, retainers }) => [
        html`<code>${className}</code>`,
        counts.map(grouped).join(' / '),
        html`${retainers.map((path) => html`<code class="path">${path}</code>`)}`,
      ]),
    )
  }${
    allocations.length > 0 &&
    dataTable(
      'Where what survived was allocated',
      [{ head: 'Site' }, { head: `Bytes a ${unit}`, isNumber: true }],
      allocations.map((one) => [html`<code>${one.site}</code>`, grouped(Math.round(one.bytes))]),
    )
  }${
    counted.length > 0 &&
    dataTable(
      'Counted after each cycle',
      [
        { head: 'What' },
        { head: 'First', isNumber: true },
        { head: 'Last', isNumber: true },
        { head: 'All', isNumber: true },
      ],
      counted.map(({ what, values }) => [
        what,
        grouped(values[0] ?? 0),
        grouped(values.at(-1) ?? 0),
        values.map(grouped).join(' '),
      ]),
    )
  }`;
}

function conclusion({ slope, unit, budgetBytes, verdict }: LeakSeries): string {
  if (slope === null) return 'There were too few readings for a slope.';
  const grew = `Memory grew by ${perUnit(slope.bytes, unit)} (${bytes(slope.lo)} to ${bytes(slope.hi)})`;
  const than =
    verdict === 'fail'
      ? 'more than'
      : verdict === 'pass'
        ? 'within'
        : 'and it cannot be told whether that exceeds';
  return `${grew}, ${than} the budget of ${bytes(budgetBytes)}.`;
}

function perUnit(value: number, unit: string): string {
  return `${bytes(value)} a ${unit}`;
}

function bytes(value: number): string {
  const size = Math.abs(value);
  if (size >= 2 ** 20) return `${(value / 2 ** 20).toFixed(1)} MiB`;
  return size >= 2 ** 10 ? `${(value / 2 ** 10).toFixed(1)} KiB` : `${Number(value.toFixed(1))} B`;
}
