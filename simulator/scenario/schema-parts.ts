import * as z from 'zod';
import { DurationError, parseDuration } from './duration.ts';
import { type Limit, overLimit } from './limits.ts';
import { quote, unknownWord } from './nearest.ts';

/** The two worlds a scenario runs in. */
export const MODES = ['virtual', 'real'] as const;
export type Mode = (typeof MODES)[number];

/** A duration expression, left as text: plans resolve it against the target's policy. */
export const duration = z
  .string({ error: (issue) => missingUnit(issue.input) })
  .superRefine((text, context) => {
    try {
      parseDuration(text);
    } catch (error) {
      if (!(error instanceof DurationError)) throw error;
      const params = { offset: error.offset };
      context.addIssue({ code: 'custom', message: error.message, input: text, params });
    }
  })
  .meta({
    description: 'Sum of times and policy times: 5s, 0.8T, T + C + 5s (units ms, s, m, h; T, C, H, D)',
  });

/** A duration without T, C, H and D, for settings that these come from. */
export const constantDuration = duration.superRefine((text, context) => {
  const symbol = /[TCHD]/.exec(text);
  if (symbol === null) return;
  const message = `${symbol[0]} has no value here: the policy follows from this setting, write a time such as 5s`;
  context.addIssue({ code: 'custom', message, input: text, params: { offset: symbol.index } });
});

/** One value for both modes, or one for each. */
export function perMode<Value extends z.ZodType>(value: Value) {
  const each = z.strictObject({ virtual: value, real: value });
  return z.union([value, each], { error: 'expected one value, or { virtual: …, real: … }' });
}

/** One word of a closed list. */
export function word<const Words extends readonly string[]>(noun: string, words: Words) {
  return z.enum(words, {
    error: ({ input }) =>
      typeof input === 'string'
        ? unknownWord(noun, input, words)
        : `expected a word for the ${noun}. Allowed: ${words.join(', ')}`,
  });
}

/** A whole number from `least` up to a limit. */
export function whole(name: string, limit: Limit, least = 1) {
  return z
    .int({ error: ({ input }) => `${name} is a whole number, got ${describe(input)}` })
    .min(least, { error: `${name} is at least ${least}` })
    .max(limit.most, { error: overLimit(`${name} is`, limit) });
}

/** A number above 0 up to a limit. */
export function positive(name: string, limit: Limit) {
  return z
    .number({ error: ({ input }) => `${name} is a number, got ${describe(input)}` })
    .positive({ error: `${name} is above 0` })
    .max(limit.most, { error: overLimit(`${name} is`, limit) });
}

/** A number from 0 up to a limit. */
export function notNegative(name: string, limit: Limit) {
  return z
    .number({ error: ({ input }) => `${name} is a number, got ${describe(input)}` })
    .min(0, { error: `${name} is 0 or more` })
    .max(limit.most, { error: overLimit(`${name} is`, limit) });
}

const BYTE_UNITS = { B: 1, KiB: 1024, MiB: 1024 * 1024 } as const;

/** `1KiB/s`, as text: `parseBytesPerSecond` gives the number. */
export function bytesPerSecond(name: string, limit: Limit) {
  return z.string({ error: `${name} is a rate such as 1KiB/s` }).superRefine((input, context) => {
    const bytes = parseBytesPerSecond(input);
    const isTooMuch = bytes !== undefined && bytes > limit.most;
    if (bytes !== undefined && bytes > 0 && !isTooMuch) return;
    const message = isTooMuch
      ? overLimit(`${name} is`, limit, ' bytes per second')
      : `${name} is a rate such as 512B/s, 1KiB/s or 0.5MiB/s, got ${quote(input)}`;
    context.addIssue({ code: 'custom', message, input });
  });
}

/** Undefined when the text is no rate. */
export function parseBytesPerSecond(input: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,9})?) ?(B|KiB|MiB)\/s$/.exec(input) ?? [];
  if (unit !== 'B' && unit !== 'KiB' && unit !== 'MiB') return undefined;
  return Number(digits) * BYTE_UNITS[unit];
}

/** Text of a readable length. */
export function text(name: string, limit: Limit) {
  return z
    .string({ error: ({ input }) => `${name} is text, got ${describe(input)}` })
    .min(1, { error: `${name} is not empty` })
    .max(limit.most, { error: overLimit(`${name} is`, limit, ' characters') });
}

/** A value as a message names it. */
export function describe(input: unknown): string {
  if (input === null || input === undefined) return 'nothing';
  if (typeof input === 'string') return quote(input);
  if (typeof input === 'object') return Array.isArray(input) ? 'a list' : 'a mapping';
  return String(input);
}

function missingUnit(input: unknown): string | undefined {
  return typeof input === 'number'
    ? `${input} has no unit: write ${input}ms, ${input}s, ${input}m or ${input}h`
    : undefined;
}
