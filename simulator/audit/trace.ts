import { MAX_EVIDENCE } from '../judge/check.ts';
import { answerLine, curlOf } from './curl.ts';
import type { HttpExchange } from './http-exchange.ts';
import type { Headers } from './wire-request.ts';

/** Entries kept while a probe runs: a flood must not keep all of its answers. */
const MAX_ENTRIES = 64;

/** What happened on the wire during one probe, as lines. Session ids are credentials: `$A`, `$B` stand for them. */
export class Trace {
  readonly #endpoint: URL;
  readonly #common: Headers;
  readonly #names = new Map<string, string>();
  #entries: (HttpExchange | string)[] = [];
  #isStopped = false;

  constructor(endpoint: URL, common: Headers) {
    this.#endpoint = endpoint;
    this.#common = common;
  }

  add(exchange: HttpExchange): void {
    this.#push(exchange);
  }

  note(line: string): void {
    this.#push(line);
  }

  /** From now on this session id reads `$A`, the next one `$B`. */
  name(sessionId: string): void {
    if (!this.#names.has(sessionId)) this.#names.set(sessionId, `$${letters(this.#names.size)}`);
  }

  clear(): void {
    this.#entries = [];
  }

  /** What comes later is tidying up. */
  stop(): void {
    this.#isStopped = true;
  }

  /** At most MAX_EVIDENCE lines: the last ones. */
  lines(): string[] {
    const said = this.#entries.map((entry) => this.#render(entry));
    while (said.flat().length > MAX_EVIDENCE) said.shift();
    return said.flat();
  }

  #push(entry: HttpExchange | string): void {
    if (this.#isStopped) return;
    this.#entries.push(entry);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
  }

  #render(entry: HttpExchange | string): string[] {
    if (typeof entry === 'string') return [this.#hide(entry)];
    const spell = (text: string) => this.#hide(text);
    const common = hidden(this.#common);
    return [curlOf(entry.request, { endpoint: this.#endpoint, common, spell }), spell(answerLine(entry))];
  }

  #hide(line: string): string {
    let text = line;
    for (const [id, name] of this.#names) text = text.replaceAll(id, name);
    return text;
  }
}

/** What every request carries may be a token: named, not shown. */
function hidden(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value === undefined ? value : '…']),
  );
}

/** A, B … Z, AA, AB … */
function letters(index: number): string {
  const rest = Math.floor(index / 26);
  return `${rest === 0 ? '' : letters(rest - 1)}${String.fromCharCode(65 + (index % 26))}`;
}
