import { type Policy, timeoutFor } from '../judge/policy.ts';
import { quote, unknownWord } from './nearest.ts';

/*
 * The grammar of durations in scenario files. Spaces may stand round + and -, never inside a term.
 *
 *   expression = term { ( "+" | "-" ) term }
 *   term       = number unit | [ number ] symbol
 *   number     = digits [ "." digits ]
 *   unit       = "ms" | "s" | "m" | "h"
 *   symbol     = "T" | "C" | "H" | "D"        what the target's policy promises
 */

export const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
export const POLICY_SYMBOLS = ['T', 'C', 'H', 'D'] as const;
export type PolicySymbol = (typeof POLICY_SYMBOLS)[number];

/** Node timers hold 31 bits of milliseconds (24.8 days); a longer one would fire at once. */
export const MAX_DURATION_MS = 2 ** 31 - 1;

/** Every duration anybody writes by hand is shorter. */
const MAX_LENGTH = 200;

/** `offset`: where in the text the term begins. `factor` carries the sign. */
export type DurationTerm = { readonly offset: number } & (
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'symbol'; readonly symbol: PolicySymbol; readonly factor: number }
);

export interface DurationExpression {
  readonly text: string;
  readonly terms: readonly DurationTerm[];
}

/** What the symbols stand for, ms. `null`: not promised. `NaN`: not known yet, which makes the result NaN. */
export type PolicyTimes = Readonly<Record<PolicySymbol, number | null>>;

/** A duration that cannot be read or resolved. `offset`: the character of the text it is about. */
export class DurationError extends Error {
  override readonly name = 'DurationError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** The values of T, C, H and D for a client of this name, ms. */
export function policyTimes(policy: Policy, clientName: string): PolicyTimes {
  return {
    T: timeoutFor(policy, clientName),
    C: policy.cleanupIntervalMs,
    H: policy.handshakeTimeoutMs,
    D: policy.deadPeerMs,
  };
}

/** Reads a duration expression. Throws DurationError. */
export function parseDuration(text: string): DurationExpression {
  if (text.length > MAX_LENGTH) throw new DurationError(`a duration is shorter than ${quote(text)}`, 0);
  const terms: DurationTerm[] = [];
  let rest = skipSpaces(text, 0);
  let sign = 1;
  for (;;) {
    const term = parseTerm(text, rest, sign);
    terms.push(term.term);
    rest = skipSpaces(text, term.end);
    const operator = text[rest];
    if (operator === undefined) return { text, terms };
    if (operator !== '+' && operator !== '-') {
      throw new DurationError(`expected + or - before '${text.slice(rest)}' in the duration '${text}'`, rest);
    }
    sign = operator === '+' ? 1 : -1;
    rest = skipSpaces(text, rest + 1);
  }
}

/** Whole milliseconds, >= 0. Throws DurationError when a symbol is not promised or the result is out of range. */
export function resolveDuration(expression: DurationExpression, times: PolicyTimes): number {
  let sum = 0;
  for (const term of expression.terms) {
    sum += term.kind === 'time' ? term.ms : term.factor * promised(term.symbol, times, term.offset);
  }
  const ms = Math.round(sum);
  if (ms < 0) throw new DurationError(`the duration '${expression.text}' is negative: ${ms} ms`, 0);
  if (ms > MAX_DURATION_MS) {
    const most = formatDuration(MAX_DURATION_MS);
    throw new DurationError(`the duration '${expression.text}' is longer than timers reach (${most})`, 0);
  }
  return ms;
}

/** Time for people: `250 ms`, `1.5 s`, `5m 48s`, `2h 0m 5s`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (Math.round(ms) < 1000) return `${Number(ms.toFixed(ms < 10 ? 2 : 0))} ms`;
  if (Math.round(ms / 100) < 600) return `${Number((ms / 1000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}h ` : ''}${minutes}m ${seconds % 60}s`;
}

function parseTerm(text: string, offset: number, sign: number): { term: DurationTerm; end: number } {
  const match = /^(\d+(?:\.\d+)?)?([A-Za-z]+)?/.exec(text.slice(offset));
  const [whole = '', digits, word] = match ?? [];
  if (whole === '') throw new DurationError(expectedTerm(text, offset), offset);
  const end = offset + whole.length;
  if (word === undefined) {
    throw new DurationError(
      `${digits} has no unit: write ${digits}ms, ${digits}s, ${digits}m or ${digits}h`,
      offset,
    );
  }
  const factor = sign * Number(digits ?? 1);
  if (isSymbol(word)) return { term: { kind: 'symbol', symbol: word, factor, offset }, end };
  if (!isUnit(word)) {
    const known = [...Object.keys(UNIT_MS), ...POLICY_SYMBOLS];
    throw new DurationError(unknownWord('unit', word, known), offset + (digits?.length ?? 0));
  }
  if (digits === undefined) throw new DurationError(`the unit '${word}' needs a number: 5${word}`, offset);
  return { term: { kind: 'time', ms: factor * UNIT_MS[word], offset }, end };
}

function expectedTerm(text: string, offset: number): string {
  const found = offset < text.length ? `'${text.slice(offset)}'` : 'the end';
  return `expected a time such as 5s or 0.8T, got ${found} in the duration '${text}'`;
}

/** As `--policy` names it; in the policy of a library call the name ends in Ms. */
const STATED_BY: Readonly<Record<PolicySymbol, string>> = {
  T: 'sessionTimeout',
  C: 'cleanupInterval',
  H: 'handshakeTimeout',
  D: 'deadPeer',
};

function promised(symbol: PolicySymbol, times: PolicyTimes, offset: number): number {
  const ms = times[symbol];
  if (ms !== null) return ms;
  const message = `${symbol} is not promised by this target: state it with --policy ${STATED_BY[symbol]}=…`;
  throw new DurationError(message, offset);
}

function isSymbol(word: string): word is PolicySymbol {
  return POLICY_SYMBOLS.some((symbol) => symbol === word);
}

function isUnit(word: string): word is keyof typeof UNIT_MS {
  return Object.hasOwn(UNIT_MS, word);
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ') at += 1;
  return at;
}
