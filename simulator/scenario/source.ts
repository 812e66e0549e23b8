import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml';
import type { Finding, Path, Problem } from './errors.ts';
import { masked, type SecretPart, secretParts } from './masked.ts';
import { printable } from './nearest.ts';

/** Longest piece of a line shown in an excerpt; a longer line is cut round the caret. */
const MAX_EXCERPT = 100;

/** A parsed scenario text that can say where each of its parts stands. */
export class ScenarioSource {
  readonly file: string;
  readonly text: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #secrets: readonly SecretPart[];
  /** With secrets masked, each character where it stands in the text. */
  readonly #shown: string;

  constructor(file: string, text: string, document: Document, lines: LineCounter) {
    this.file = file;
    this.text = text;
    this.#document = document;
    this.#lines = lines;
    this.#secrets = secretParts(document);
    this.#shown = masked(text, this.#secrets, { keepsColumns: true });
  }

  /** The text as reports show it: without the values of headers, and without tokens. */
  get shownText(): string {
    return masked(this.text, this.#secrets);
  }

  /** What stands in it under the name of a credential, wherever that is. */
  get credentials(): string[] {
    return this.#secrets.flatMap(({ credential }) => credential ?? []);
  }

  /** Gives a finding its line, column and excerpt. A part that is not in the text stands where its parent does. */
  problem(finding: Finding): Problem {
    const [start, end] = this.#range(finding);
    return this.problemAt(start, end, finding.message);
  }

  /** The same for a range of characters. */
  problemAt(start: number, end: number, message: string): Problem {
    const { line, col } = this.#lines.linePos(start);
    const lineStart = this.#lines.lineStarts[line - 1] ?? 0;
    const lineEnd = this.text.indexOf('\n', lineStart);
    const text = this.#shown.slice(lineStart, lineEnd < 0 ? undefined : lineEnd).trimEnd();
    const excerpt = renderExcerpt(text, line, col, end - start);
    return { file: this.file, line, column: col, message: printable(message), excerpt };
  }

  #range({ path, at, offset }: Finding): [number, number] {
    const { pair, node } = find(this.#document, path);
    const keyNode = pair !== undefined && isNode(pair.key) ? pair.key : undefined;
    const wanted = at === 'key' ? (keyNode ?? node) : (node ?? keyNode);
    const [start, end] = wanted?.range ?? keyNode?.range ?? [0, 0];
    if (offset === undefined || at === 'key') return [start, end];
    const inner = start + offset + (isScalar(wanted) && wanted.type !== 'PLAIN' ? 1 : 0);
    return inner < end ? [inner, inner + 1] : [start, end];
  }
}

/** The node at the path, or its nearest ancestor that is in the text, with the pair that holds it. */
function find(document: Document, path: Path): { pair?: Pair | undefined; node?: Node | undefined } {
  let node = resolve(document, document.contents);
  let pair: Pair | undefined;
  for (const part of path) {
    const next = child(node, part);
    if (next === undefined) break;
    pair = isPair(next) ? next : undefined;
    node = resolve(document, isPair(next) ? next.value : next);
  }
  return { pair, node };
}

function child(node: Node | undefined, part: string | number): unknown {
  if (isMap(node))
    return node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
  return isSeq(node) ? node.items[Number(part)] : undefined;
}

function resolve(document: Document, node: unknown): Node | undefined {
  if (isAlias(node)) return node.resolve(document);
  return isNode(node) ? node : undefined;
}

function renderExcerpt(line: string, lineNumber: number, column: number, length: number): string {
  const from = column > MAX_EXCERPT - 20 ? column - 40 : 0;
  const shown = printable(line.slice(from, from + MAX_EXCERPT).trimEnd());
  const number = String(lineNumber).padStart(5);
  const carets = '^'.repeat(Math.max(1, Math.min(length, shown.length - (column - 1 - from))));
  return `${number} | ${shown}\n${' '.repeat(5)} | ${' '.repeat(column - 1 - from)}${carets}`;
}
