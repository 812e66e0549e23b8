import * as z from 'zod';
import { OTHER } from './metrics.ts';

const count = z.number().int().nonnegative();

/** Requests that went wrong in the same way. */
export const ErrorGroupSchema = z.object({
  /** JSON-RPC method, or `DELETE`, `GET`. */
  method: z.string(),
  /** As in the metrics: `timeout`, `http_500`, … */
  class: z.string(),
  count,
  /** Clock of the run, ms, when the first and the last was over. */
  firstAt: z.number(),
  lastAt: z.number(),
  /** What the target said the first time; empty when it said nothing. */
  said: z.string(),
  /** Whose request the first was: workload, virtual user and iteration. */
  who: z.string(),
});
export type ErrorGroup = z.infer<typeof ErrorGroupSchema>;

/** Further ones share `(other)`: methods and statuses come from scenarios and targets. */
export const MAX_ERROR_GROUPS = 64;
const MAX_SAID = 300;

/** Groups errors; bounded, whatever a target says. */
export class ErrorGroups {
  readonly #groups = new Map<string, ErrorGroup>();

  add(error: { method: string; class: string; at: number; said: string; who: string }): void {
    const key = `${error.class} ${error.method}`;
    const found = this.#groups.get(key) ?? (this.#isFull ? this.#groups.get(OTHER) : undefined);
    if (found) {
      found.count += 1;
      found.firstAt = Math.min(found.firstAt, error.at);
      found.lastAt = Math.max(found.lastAt, error.at);
      return;
    }
    const { at, who } = error;
    const said = anonymous(error.said);
    const named = this.#isFull
      ? { method: OTHER, class: OTHER }
      : { method: error.method, class: error.class };
    this.#groups.set(this.#isFull ? OTHER : key, {
      ...named,
      count: 1,
      firstAt: at,
      lastAt: at,
      said,
      who,
    });
  }

  /** The commonest first. */
  list(): ErrorGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count || a.firstAt - b.firstAt);
  }

  get #isFull(): boolean {
    return this.#groups.size >= MAX_ERROR_GROUPS - 1;
  }
}

/** Ids that a target repeats are credentials, and would make equal runs differ. */
function anonymous(said: string): string {
  const short = said.length > MAX_SAID ? `${said.slice(0, MAX_SAID)}…` : said;
  return short.toWellFormed().replace(/[\w-]{16,}/g, (word) => (/\d/.test(word) ? '(id)' : word));
}
