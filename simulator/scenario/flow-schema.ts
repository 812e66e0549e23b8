import * as z from 'zod';
import { LIMITS } from './limits.ts';
import { unknownWord } from './nearest.ts';
import { duration, text, whole, word } from './schema-parts.ts';
import { ABANDONMENTS, BARE_STEPS, HANDSHAKES, LISTS, STEPS_WITH_SETTINGS, type StepName } from './step.ts';

const json = z.json({ error: 'expected a JSON value: text, number, true, false, null, list or mapping' });
const name = (what: string) => text(what, LIMITS.nameLength);

const call = z.strictObject({
  tool: name('tool'),
  arguments: z
    .record(z.string(), json)
    .optional()
    .meta({ description: 'A value { duration: 1.2T } becomes that number of milliseconds' }),
  timeout: duration.optional().meta({ description: 'The client waits this long for the answer; 60s' }),
  abortAfter: duration.optional().meta({ description: 'The client gives up after this time, on purpose' }),
  longest: duration
    .optional()
    .meta({ description: 'The longest the call can go on in the target; its timeout' }),
});

const method = z
  .string()
  .regex(/^notifications\/[\w./-]{1,90}$/, { error: 'a notification is named notifications/…' });

const notify = z.union([method, z.strictObject({ method, params: z.record(z.string(), json).optional() })], {
  error: 'expected notifications/…, or { method: …, params: … }',
});

const think = z.union([duration, z.strictObject({ between: z.tuple([duration, duration]) })], {
  error: 'expected 5s, or { between: [1s, 5s] }',
});

const bareStep = z.enum(BARE_STEPS, {
  error: ({ input }) => {
    if (typeof input !== 'string') return undefined;
    const needsSettings = STEPS_WITH_SETTINGS.some((step) => step === input);
    if (needsSettings) return `the step '${input}' needs settings: write ${input}: …`;
    return unknownWord('step', input, STEP_NAMES);
  },
});

const stepWithSettings = z
  .strictObject({
    initialize: z.strictObject({ handshake: word('handshake', HANDSHAKES).optional() }).optional(),
    call: call.optional(),
    list: word('list', LISTS).optional(),
    notify: notify.optional(),
    think: think.optional(),
    repeat: z
      .strictObject({
        times: whole('times', LIMITS.repeatTimes),
        get steps() {
          return flowSchema;
        },
      })
      .optional(),
    abandon: word('way to abandon', ABANDONMENTS).optional(),
  })
  .refine((step) => Object.keys(step).length === 1, {
    // An unknown step has been reported already, and is not counted here.
    when: ({ issues }) => issues.length === 0,
    error: ({ input }) => {
      const names = typeof input === 'object' && input !== null ? Object.keys(input) : [];
      if (names.length === 0) return 'a step needs a name';
      return `a step has one name, got ${names.join(', ')}: begin each step with its own '-'`;
    },
  })
  // JSON Schema knows no refinements; this says the same to editors.
  .meta({ minProperties: 1, maxProperties: 1 });

export const StepSchema = z.union([bareStep, stepWithSettings], {
  error: 'expected a step such as listen, or call: { tool: … }',
});
export type Step = z.infer<typeof StepSchema>;

/** The steps of one iteration, in order. */
export const flowSchema = z.array(StepSchema).min(1, { error: 'a list of steps is not empty' });

/** Every step there is. */
export const STEP_NAMES: readonly StepName[] = [
  ...new Set<StepName>([...BARE_STEPS, ...STEPS_WITH_SETTINGS]),
];

/** What the step is called in the file. */
export function stepName(step: Step): StepName {
  if (typeof step === 'string') return step;
  const found = STEPS_WITH_SETTINGS.find((key) => step[key] !== undefined);
  if (found === undefined) throw new Error('a step without a name passed the schema');
  return found;
}
