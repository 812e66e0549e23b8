import * as z from 'zod';
import { LIMITS, overLimit } from './limits.ts';
import { unknownWord } from './nearest.ts';
import { rawRequest } from './raw-schema.ts';
import { bytesPerSecond, duration, text, whole, word } from './schema-parts.ts';
import {
  ABANDONMENTS,
  BARE_STEPS,
  FAULT_SCOPES,
  HANDSHAKES,
  LISTS,
  STEPS_WITH_SETTINGS,
  type StepName,
} from './step.ts';

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
  progress: z
    .boolean()
    .optional()
    .meta({ description: 'Asks for progress, which must come in order, and to this call only' }),
});

const initialize = z.strictObject({
  handshake: word('handshake', HANDSHAKES).optional(),
  longest: duration
    .optional()
    .meta({ description: 'The longest it can go on in the target when its answer is lost; 60s' }),
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

const concurrent = z
  .strictObject({
    calls: z
      .array(call)
      .min(1, { error: 'a list of calls is not empty' })
      .max(LIMITS.concurrentCalls.most, { error: overLimit('calls at once are', LIMITS.concurrentCalls) })
      .optional(),
    times: whole('times', LIMITS.concurrentCalls).optional(),
    call: call.optional(),
  })
  .refine(
    ({ calls, times, call: repeated }) => {
      if (calls) return times === undefined && repeated === undefined;
      return times !== undefined && repeated !== undefined;
    },
    { error: 'expected { calls: [{ tool: … }, …] }, or { times: 5, call: { tool: … } }' },
  );

const reopening = z.strictObject({
  after: duration.optional().meta({ description: 'How long the stream stays closed; 0s' }),
});

const expectEvents = z.strictObject({
  within: duration.optional().meta({ description: 'How long the last of them may take; 5s' }),
});

const FAULTS = ['delay', 'cutAfterBytes', 'slowRead', 'halfBody'] as const;

const fault = z
  .strictObject({
    delay: duration.optional().meta({ description: 'The request arrives so much later' }),
    cutAfterBytes: whole('cutAfterBytes', LIMITS.rawBodyBytes, 0)
      .optional()
      .meta({ description: 'After so many bytes of the answer the connection breaks' }),
    slowRead: bytesPerSecond('slowRead', LIMITS.slowReadBytesPerSecond)
      .optional()
      .meta({ description: 'The answer is read at this rate: 1KiB/s' }),
    halfBody: z
      .literal(true, { error: 'halfBody is true, or left out' })
      .optional()
      .meta({ description: "The second half of the request's body never comes" }),
    for: word('scope', FAULT_SCOPES).optional(),
  })
  .refine((settings) => FAULTS.some((name) => settings[name] !== undefined), {
    error: `a fault is one or more of ${FAULTS.join(', ')}`,
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
    initialize: initialize.optional(),
    call: call.optional(),
    concurrent: concurrent.optional(),
    list: word('list', LISTS).optional(),
    notify: notify.optional(),
    think: think.optional(),
    reconnect: reopening.optional(),
    resume: reopening.optional(),
    raw: rawRequest.optional(),
    fault: fault.optional(),
    repeat: z
      .strictObject({
        times: whole('times', LIMITS.repeatTimes),
        get steps() {
          return flowSchema;
        },
      })
      .optional(),
    parallel: z
      .strictObject({
        get flows() {
          return z
            .array(flowSchema)
            .min(2, { error: 'flows side by side are at least two' })
            .max(LIMITS.parallelFlows.most, {
              error: overLimit('flows side by side are', LIMITS.parallelFlows),
            });
        },
      })
      .optional(),
    abandon: word('way to abandon', ABANDONMENTS).optional(),
    'expect-events': expectEvents.optional(),
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
