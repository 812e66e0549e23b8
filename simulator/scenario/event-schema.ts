import * as z from 'zod';
import { DurationError, parseDuration } from './duration.ts';
import { quote } from './nearest.ts';
import { constantDuration, duration, perMode, word } from './schema-parts.ts';

export const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** What can happen to a target, as it is written: each event is one of these. */
export const EVENT_KINDS = ['signal', 'restart', 'kill', 'pause', 'clock-jump'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

const only = (name: string) => z.literal(true, { error: `${name} is true, or not there` }).optional();

/** `+1h`, `-30s`: a duration with its sign. */
const clockJump = z
  .string({ error: 'a clock jumps by a time with its sign, such as +1h or -1h' })
  .superRefine((text, context) => {
    const message = jumpProblem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message, input: text });
  })
  .meta({ description: 'By how much the wall clock jumps: +1h, -1h (virtual mode)' });

export const eventSchema = z
  .strictObject({
    at: perMode(duration).meta({ description: 'Since the run began' }),
    signal: word('signal', SIGNALS)
      .optional()
      .meta({ description: 'Sent to the target, which has to end by itself' }),
    restart: only('restart').meta({ description: 'SIGTERM, and when it has ended, started again' }),
    kill: only('kill').meta({ description: 'SIGKILL; it stays down unless a restart follows' }),
    pause: constantDuration
      .optional()
      .meta({ description: 'Frozen for so long: SIGSTOP, then SIGCONT (real mode)' }),
    'clock-jump': clockJump.optional(),
  })
  .superRefine((event, context) => {
    const kinds = EVENT_KINDS.filter((kind) => event[kind] !== undefined);
    if (kinds.length === 1) return;
    const got = kinds.length === 0 ? 'none' : kinds.join(' and ');
    const message = `an event is one of ${EVENT_KINDS.join(', ')}; got ${got}`;
    context.addIssue({ code: 'custom', message, input: event });
  });
export type ScenarioEvent = z.infer<typeof eventSchema>;

function jumpProblem(text: string): string | undefined {
  if (!/^[+-]/.test(text)) return `a clock jumps forwards or backwards: write +${text} or -${text}`;
  try {
    const { terms } = parseDuration(text.slice(1));
    if (terms.some(({ kind }) => kind === 'symbol'))
      return `a clock jumps by a time such as +1h, got ${quote(text)}`;
    return undefined;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    return error.message;
  }
}
