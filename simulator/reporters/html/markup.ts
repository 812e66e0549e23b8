/** HTML that may stand in a page as it is. Only this file makes it, from text that it has escaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = string | number | Markup | undefined | false | readonly Content[];

/**
 * A piece of HTML or SVG. Whatever is filled in is text, and stays text, unless it is Markup itself: names and
 * messages come from servers that nobody trusts.
 */
export function html(literals: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const text = literals.map((literal, index) => `${literal}${render(contents[index])}`).join('');
  return new Markup(text);
}

/** Attributes; those that are undefined or false are left out. */
export function attributes(values: Readonly<Record<string, string | number | undefined | false>>): Markup {
  const parts = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [` ${name}="${escapeHtml(String(value))}"`],
  );
  return new Markup(parts.join(''));
}

function render(content: Content): string {
  if (content === undefined || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(render).join('');
  return escapeHtml(String(content));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters and directional overrides could make a line read as another one than it is. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** Text that may stand between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .replace(INVISIBLE, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** JSON that may stand in a script element: nothing in it can end the element. */
export function jsonForScript(value: unknown): Markup {
  return new Markup(
    JSON.stringify(value)
      .replaceAll('<', '\\u003c')
      .replaceAll('\u2028', '\\u2028')
      .replaceAll('\u2029', '\\u2029'),
  );
}
