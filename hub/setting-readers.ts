import { createHash } from 'node:crypto';
import * as z from 'zod';
import { parseDuration } from './duration.ts';

/*
 * How the text of a setting is read. A text that does not fit is an issue whose message says what is expected;
 * the text itself is named by whoever reports it, who knows whether it may be shown.
 */

/** Timers take 31 bits of milliseconds; anything longer would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const TIMER_RANGE = 'a duration of at least 1ms such as 250ms, 30s or 5m, at most 596h';

/** A setting's reader: text in, the value of the configuration out. */
export type Reader = z.ZodType<unknown, string>;

export const plainText = z.string().min(1);

export const duration = z.string().transform((text, context) => {
  const ms = toTimerMs(text);
  if (ms !== undefined) return ms;
  return misfit(context, `expected ${TIMER_RANGE}`);
});

/** A duration, or `off`: then null. */
export const durationOrOff = z.string().transform((text, context) => {
  if (text === 'off') return null;
  const ms = toTimerMs(text);
  if (ms !== undefined) return ms;
  return misfit(context, `expected off, or ${TIMER_RANGE}`);
});

export const count = ({ min, max }: { min: number; max: number }) =>
  z.string().transform((text, context) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    return misfit(context, `expected a whole number from ${min} to ${max}`);
  });

/** `on` or `off`. */
export const onOrOff = z.string().transform((text, context) => {
  if (text === 'on' || text === 'off') return text === 'on';
  return misfit(context, 'expected on or off');
});

/** Names separated by commas, in small letters: host names have no case. */
export const names = z.string().transform((text) => entriesOf(text).map((entry) => entry.toLowerCase()));

/** `batch-agent=30m,ui=2m` */
export const clientTimeouts = z.string().transform((text, context) => {
  const timeouts: Record<string, number> = {};
  for (const entry of entriesOf(text)) {
    const [name = '', timeout = '', ...rest] = entry.split('=').map((part) => part.trim());
    const ms = parseDuration(timeout);
    if (name === '' || ms === undefined || ms <= 0 || rest.length > 0) {
      return misfit(context, 'expected name=duration pairs such as batch-agent=30m,ui=2m');
    }
    timeouts[name] = ms;
  }
  return timeouts;
});

/** A token that may be presented, by its digest: the token itself is kept nowhere. */
export interface StaticToken {
  /** Who presents it. Two tokens of one name are one identity: that is how a token is replaced. */
  readonly name: string;
  /** SHA-256, hex. */
  readonly digest: string;
}

/** A token as RFC 6750 writes it, long enough not to be guessed; its name before it, if it has one. */
const TOKEN = /^(?:(?<name>[A-Za-z][\w.-]{0,99})=)?(?<token>[A-Za-z0-9._~+/-]{16,4096}=*)$/;

/** `ci=<token>,laptop=<token>`, or a bare token. */
export const staticTokens = z.string().transform((text, context) => {
  const tokens: StaticToken[] = [];
  for (const [index, entry] of entriesOf(text).entries()) {
    const { name = `token-${index + 1}`, token } = TOKEN.exec(entry)?.groups ?? {};
    if (token === undefined) {
      return misfit(
        context,
        'expected tokens of at least 16 letters, digits and - . _ ~ + /, each alone or as name=token',
      );
    }
    tokens.push({ name, digest: createHash('sha256').update(token).digest('hex') });
  }
  return tokens;
});

function toTimerMs(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 1 && ms <= MAX_TIMER_MS ? Math.round(ms) : undefined;
}

function entriesOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function misfit(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
