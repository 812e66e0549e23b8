import type { Point } from './downsample.ts';
import { attributes, type Content, html, type Markup } from './markup.ts';
import type { Scale } from './scale.ts';

/** Width of every chart in its own units; on the page it is as wide as there is room. */
export const WIDTH = 1_040;
export const LEFT = 68;
export const RIGHT = 18;

/** Where things are drawn. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface ChartText {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** What there is to see, as a sentence: for who cannot see it. */
  readonly says: string;
}

/** A whole chart. */
export function chart({ id, title, says }: ChartText, height: number, content: Content): Markup {
  return html`<div class="chart" tabindex="0" role="region" aria-label="${title}, chart"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${says}</desc>${content}</svg></div>`;
}

/** Lines and numbers of a vertical axis, and the title of what it measures. */
export function valueAxis(box: Box, scale: Scale, format: (value: number) => string): Markup {
  return html`${scale.ticks.map((tick) => {
    const y = px(scale.at(tick));
    return html`<line class="grid" x1="${box.x}" x2="${px(box.x + box.width)}" y1="${y}" y2="${y}"/><text class="tick" x="${box.x - 8}" y="${y}" dy="4" text-anchor="end">${format(tick)}</text>`;
  })}`;
}

/** Numbers below the chart. */
export function bottomAxis(box: Box, scale: Scale, format: (value: number) => string): Markup {
  const bottom = box.y + box.height;
  return html`<line class="axis" x1="${box.x}" x2="${px(box.x + box.width)}" y1="${bottom}" y2="${bottom}"/>${scale.ticks.map(
    (tick) =>
      html`<line class="axis" x1="${px(scale.at(tick))}" x2="${px(scale.at(tick))}" y1="${bottom}" y2="${bottom + 4}"/><text class="tick" x="${px(scale.at(tick))}" y="${bottom + 17}" text-anchor="middle">${format(tick)}</text>`,
  )}`;
}

export type SwatchKind = 'line' | 'dashed' | 'dotted' | 'area' | 'bar' | 'thin';

export interface LegendEntry {
  readonly series: string;
  readonly kind: SwatchKind;
  readonly label: string;
}

/** The head of a panel: what it shows, and what each line is. */
export function panelHead(box: Box, title: string, entries: readonly LegendEntry[]): Markup {
  const y = box.y - 10;
  let x = box.x + title.length * 7 + 26;
  const drawn = entries.map(({ series, kind, label }) => {
    const at = x;
    x += 30 + label.length * 6.2 + 16;
    return html`<g class="${series}">${swatch(kind, at, y - 4)}</g><text class="legend" x="${px(at + 28)}" y="${y}">${label}</text>`;
  });
  return html`<text class="panel" x="${box.x}" y="${y}">${title}</text>${drawn}`;
}

function swatch(kind: SwatchKind, x: number, y: number): Markup {
  if (kind === 'area' || kind === 'bar')
    return html`<rect class="${kind}" x="${px(x)}" y="${y - 5}" width="22" height="10"/>`;
  return html`<path class="${kind}" d="M${px(x)} ${y}h22"/>`;
}

export function line(points: readonly Point[], kind: string): Markup {
  return points.length === 0 ? html`` : html`<path class="${kind}" d="${pathOf(points)}"/>`;
}

/** The space between two lines. */
export function between(upper: readonly Point[], lower: readonly Point[], kind = 'area'): Markup {
  if (upper.length === 0) return html``;
  return html`<path class="${kind}" d="${pathOf([...upper, ...lower.toReversed()])}Z"/>`;
}

export function rect(box: Box, kind: string, title?: string): Markup {
  const { x, y, width, height } = box;
  return html`<rect${attributes({ class: kind, x: px(x), y: px(y), width: px(Math.max(0, width)), height: px(Math.max(0, height)) })}>${title !== undefined && html`<title>${title}</title>`}</rect>`;
}

/** Steep stripes, so that what is wrong is told by more than its colour. */
export const HATCH = html`<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="6" height="6"/><rect class="hatch-stripe" width="2" height="6"/></pattern></defs>`;

/** Tenths of a pixel are more than enough. */
export function px(value: number): number {
  return Math.round(value * 10) / 10;
}

function pathOf(points: readonly Point[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${px(x)} ${px(y)}`).join('');
}
