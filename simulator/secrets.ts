import type { Check } from './judge/check.ts';
import type { RunResult } from './result.ts';

/** Shorter values (`1`, `en`, `alice`) stand in many a text by chance: taking them out would make it unreadable. */
const LEAST_LENGTH = 8;
const HIDDEN = '…';

/**
 * Values that nothing which is written may show. Our own texts name headers and never hold their values; but a target
 * may repeat one in an answer or in its log, and a command may hold one.
 */
export class Secrets {
  /** The longest first, so that none is left half. */
  readonly #values: readonly string[];

  constructor(values: Iterable<string>) {
    const long = [...values].filter(({ length }) => length >= LEAST_LENGTH);
    this.#values = [...new Set(long)].sort((a, b) => b.length - a.length);
  }

  /** Values of headers, and the credentials in them: what follows `Bearer` or `Basic` (RFC 9110, 11.4). */
  static of(values: readonly string[]): Secrets {
    return new Secrets(values.flatMap((value) => [value, value.replace(/^[\w-]+ +/, '')]));
  }

  readonly hide = (text: string): string => {
    let hidden = text;
    for (const value of this.#values) hidden = withoutBeginning(hidden.replaceAll(value, HIDDEN), value);
    return hidden;
  };

  /** The same result, with nothing of them in what a target or a scenario may have said. */
  hideIn(result: RunResult): RunResult {
    if (this.#values.length === 0) return result;
    const { hide } = this;
    const { scenario, target, checks, errorGroups, leaks, replay } = result;
    return {
      ...result,
      scenario: { ...scenario, ...(scenario.text !== undefined && { text: hide(scenario.text) }) },
      target: { ...target, name: hide(target.name), endpoint: hide(target.endpoint) },
      checks: checks.map((check) => hiddenIn(check, hide)),
      ...(errorGroups && { errorGroups: errorGroups.map((group) => ({ ...group, said: hide(group.said) })) }),
      ...(leaks && { leaks: leaks.map((leak) => ({ ...leak, reason: hide(leak.reason) })) }),
      replay: hide(replay),
    };
  }
}

const HARMLESS: readonly string[] = ['accept-language', 'origin', 'referer', 'user-agent'];

/** The values of headers that may be secrets: not those that say where somebody comes from, and stand in many a text. */
export function credentialsIn(headers: Readonly<Record<string, string | undefined>> = {}): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || HARMLESS.includes(name.toLowerCase()) ? [] : [value],
  );
}

/** Long texts are cut, and end with the beginning of a value where that fell into the cut. */
function withoutBeginning(text: string, value: string): string {
  const at = text.lastIndexOf(value.slice(0, LEAST_LENGTH));
  if (at < 0) return text;
  const rest = text.slice(at);
  const beginning = rest.endsWith(HIDDEN) ? rest.slice(0, -HIDDEN.length) : rest;
  return value.startsWith(beginning) ? text.slice(0, at) + HIDDEN : text;
}

function hiddenIn(check: Check, hide: (text: string) => string): Check {
  const { observed, reason, evidence } = check;
  return { ...check, observed: hide(observed), reason: hide(reason), evidence: evidence.map(hide) };
}
