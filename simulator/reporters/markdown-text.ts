/** Text in the midst of Markdown, whatever it holds: no markup, no mention, no second line. */
export function plainText(text: string): string {
  return oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_[\]|~]/g, (character) => `\\${character}`)
    .replaceAll('@', '&#64;');
}

/** A code span that may stand in a table. */
export function code(text: string): string {
  return `\`${oneLine(text).replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}

/** A command in a block of its own. */
export function commandBlock(text: string): string[] {
  return ['```sh', oneLine(text).replaceAll('```', "'''"), '```'];
}

/** A table, or nothing where it has no rows. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return [row(heads), row(heads.map(() => '---')), ...rows.map(row)];
}

const CLOSING = '</details>';

/** The lines as far as they fit; then a note that says so. */
export function withinBytes(lines: readonly string[], maxBytes: number, note: string): string {
  const whole = `${lines.join('\n')}\n`;
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  let left = maxBytes - Buffer.byteLength(`\n${note}\n${CLOSING}\n`);
  const kept: string[] = [];
  for (const line of lines) {
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    kept.push(line);
  }
  // An open fold would swallow the note, and all that others append below.
  const isFoldOpen = count(kept, '<details>') > count(kept, CLOSING);
  return `${[...kept, ...(isFoldOpen ? [CLOSING] : []), '', note].join('\n')}\n`;
}

function count(lines: readonly string[], opening: string): number {
  return lines.filter((line) => line.startsWith(opening)).length;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
}
