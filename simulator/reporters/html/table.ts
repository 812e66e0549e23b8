import { type Content, html, type Markup } from './markup.ts';

export interface Column {
  readonly head: string;
  readonly isNumber?: boolean;
}

/** A table whose first column names its rows. */
export function dataTable(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${columns.map(
    ({ head, isNumber }) => html`<th scope="col"${kind(isNumber)}>${head}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (cells) =>
      html`<tr>${cells.map((cell, index) =>
        index === 0
          ? html`<th scope="row"${kind(columns[index]?.isNumber)}>${cell}</th>`
          : html`<td${kind(columns[index]?.isNumber)}>${cell}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;
}

/** What a chart shows, as numbers; opened by who wants them. */
export function numbersBelow(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
): Markup {
  if (rows.length === 0) return html``;
  return html`<details class="numbers"><summary>${caption}</summary>${dataTable(caption, columns, rows)}</details>`;
}

function kind(isNumber: boolean | undefined): Markup {
  return isNumber === true ? html` class="n"` : html``;
}

/** At most so many rows, evenly chosen, the last one always among them. */
export function thinned<Row>(rows: readonly Row[], most: number): Row[] {
  if (rows.length <= most) return [...rows];
  return Array.from({ length: most }, (_, index) =>
    Math.round((index * (rows.length - 1)) / (most - 1)),
  ).flatMap((at) => rows.slice(at, at + 1));
}
