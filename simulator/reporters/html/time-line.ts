import { formatLength } from '../../judge/format.ts';
import type { RunResult } from '../../result.ts';
import { html, type Markup } from './markup.ts';
import { memoryPanel } from './memory-panel.ts';
import { requestPanel } from './request-panel.ts';
import { type Scale, timeAxis } from './scale.ts';
import { sessionsPanel } from './sessions-panel.ts';
import { type Box, bottomAxis, chart, HATCH, LEFT, px, RIGHT, rect, WIDTH } from './svg.ts';
import { timePanel } from './time-panel.ts';
import { timeTables } from './time-tables.ts';

/** One strip of the time line: what it shows, drawn into the box it is given. */
export interface Panel {
  readonly height: number;
  /** The conclusion, as a sentence. */
  readonly says: string;
  readonly draw: (box: Box, x: Scale) => Markup;
}

const HEAD = 34;
/** From the head of one panel to its first line, and from one panel to the next. */
const HEAD_OF_PANEL = 30;
const GAP = 40;
const TAIL = 34;

/** All that happened over time, on one axis. Undefined where nothing was looked at over time. */
export function timeLine(result: RunResult): Markup | undefined {
  const panels = [sessionsPanel(result), memoryPanel(result), requestPanel(result), timePanel(result)].filter(
    (panel) => panel !== undefined,
  );
  if (panels.length === 0) return undefined;
  const until = Math.max(1, result.durationMs, ...result.series.map(({ t }) => t));
  const x = timeAxis({ from: 0, to: until }, { from: LEFT, to: WIDTH - RIGHT });
  let y = HEAD;
  const drawn = panels.map((panel) => {
    const box = { x: LEFT, y: y + HEAD_OF_PANEL, width: WIDTH - LEFT - RIGHT, height: panel.height };
    y += panel.height + GAP;
    return panel.draw(box, x);
  });
  const bottom = y - GAP + HEAD_OF_PANEL;
  const frame = { x: LEFT, y: HEAD, width: WIDTH - LEFT - RIGHT, height: bottom - HEAD };
  const says = panels.map((panel) => panel.says).join(' ');
  const svg = chart({ id: 'time-line', title: 'Time line of the run', says }, bottom + TAIL, [
    HATCH,
    phaseBands(result, frame, x),
    ...drawn,
    markers(result, frame, x),
    bottomAxis(frame, x, formatTick),
  ]);
  return html`<div class="time-line">${svg}<p class="zoom"><button type="button" data-zoom hidden aria-expanded="false">Zoom</button></p><div class="explorer" hidden></div></div><p class="says">${says}</p>${markerList(result)}${timeTables(result)}`;
}

/** `5m`, not `5m 0s`: ticks are round. */
export function formatTick(ms: number): string {
  return formatLength(ms).replace(/(m|h) 0[sm]$/, '$1');
}

function phaseBands({ course }: RunResult, frame: Box, x: Scale): Markup {
  return html`${(course?.phases ?? []).map(({ kind, cycle, from, to }) => {
    const [left, right] = [x.at(from), x.at(to)];
    const label = kind === 'load' && (course?.phases.length ?? 0) > 3 ? `${kind} ${cycle}` : kind;
    return html`${rect({ ...frame, x: left, width: right - left }, `phase ${kind}`, `${kind}, cycle ${cycle}: ${formatLength(from)} to ${formatLength(to)}`)}${right - left > label.length * 7 + 14 && html`<text class="phase-name" x="${px(left + 11)}" y="${frame.y - 8}">${label}</text>`}`;
  })}`;
}

/** Markers in the chart carry numbers: names would run into each other. */
function markers({ course }: RunResult, frame: Box, x: Scale): Markup {
  let lastAt = Number.NEGATIVE_INFINITY;
  return html`${(course?.markers ?? []).map(({ t, what }, index) => {
    const at = px(x.at(t));
    const isApart = at - lastAt > 16;
    if (isApart) lastAt = at;
    return html`<g class="marker"><line x1="${at}" x2="${at}" y1="${frame.y}" y2="${frame.y + frame.height}"><title>${what} at ${formatLength(t)}</title></line>${isApart && html`<path d="M${at - 8} ${frame.y - 16}h16v10l-8 6l-8-6z"/><text x="${at}" y="${frame.y - 7}" text-anchor="middle">${index + 1}</text>`}</g>`;
  })}`;
}

function markerList({ course }: RunResult): Markup {
  const all = course?.markers ?? [];
  if (all.length === 0) return html``;
  return html`<ol class="markers" aria-label="What happened to the target">${all.map(({ t, what }) => html`<li><strong>${what}</strong> at ${formatLength(t)}</li>`)}</ol>`;
}
