import * as z from 'zod';
import { parseSelector, parseThreshold, ThresholdError } from '../judge/threshold.ts';
import { flowSchema } from './flow-schema.ts';
import { INVARIANT_NAMES } from './invariant-names.ts';
import { LIMITS } from './limits.ts';
import { unknownWord } from './nearest.ts';
import { constantDuration, duration, perMode, positive, text, whole, word } from './schema-parts.ts';

/** The revisions of MCP that have sessions. */
export const PROTOCOL_VERSIONS = ['2025-03-26', '2025-06-18', '2025-11-25'] as const;
export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];
/** Revision that clients speak when a scenario does not say. */
export const DEFAULT_PROTOCOL_VERSION: ProtocolVersion = '2025-11-25';
/** Virtual looks cost nothing; real ones must not become load of their own. */
export const DEFAULT_OBSERVE = { virtual: '6s', real: '1s' };

export const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
export const EXECUTORS = ['constant-arrival-rate', 'per-vu-iterations'] as const;
export type ExecutorKind = (typeof EXECUTORS)[number];

/** Settings of each executor; the workload's `real:` and `virtual:` may override them. */
const settings = {
  'constant-arrival-rate': {
    rate: positive('rate', LIMITS.ratePerSecond),
    duration,
    maxVUs: whole('maxVUs', LIMITS.vus),
  },
  'per-vu-iterations': {
    vus: whole('vus', LIMITS.vus),
    iterations: whole('iterations', LIMITS.plannedSessions),
  },
} as const;

/** The keys that only workloads with this executor have. */
export function settingsOf(executor: ExecutorKind): string[] {
  return Object.keys(settings[executor]);
}

const failureModes = z.array(
  z.string().regex(/^F(0[1-9]|[1-4]\d|5[0-8])$/, { error: 'a failure mode is an id from F01 to F58' }),
);

const client = z.strictObject({
  name: text('name', LIMITS.nameLength).optional(),
  protocolVersion: word('protocol version', PROTOCOL_VERSIONS).optional(),
});

const common = { client: client.optional(), failureModes: failureModes.optional(), flow: flowSchema };

const arrivalRate = settings['constant-arrival-rate'];
const arrivalRateOverrides = z.strictObject(arrivalRate).partial().optional();
const perVu = settings['per-vu-iterations'];
const perVuOverrides = z.strictObject(perVu).partial().optional();

export const WorkloadSchema = z.discriminatedUnion('executor', [
  z.strictObject({
    executor: z.literal('constant-arrival-rate'),
    rate: perMode(arrivalRate.rate),
    duration: perMode(arrivalRate.duration),
    maxVUs: perMode(arrivalRate.maxVUs),
    virtual: arrivalRateOverrides,
    real: arrivalRateOverrides,
    ...common,
  }),
  z.strictObject({
    executor: z.literal('per-vu-iterations'),
    vus: perMode(perVu.vus),
    iterations: perMode(perVu.iterations),
    virtual: perVuOverrides,
    real: perVuOverrides,
    ...common,
  }),
]);
export type Workload = z.infer<typeof WorkloadSchema>;

/** The hub takes these timeouts as one text: `patient=3s,batch=30m`. */
const hubClientName = text('client name', LIMITS.nameLength).regex(/^[^,=]+$/, {
  error: 'a client with a timeout of its own has no comma and no = in its name',
});

const hub = z.strictObject({
  sessionTimeout: constantDuration.optional(),
  cleanupInterval: constantDuration.optional(),
  handshakeTimeout: constantDuration.optional(),
  heartbeat: constantDuration.optional(),
  keepAlive: constantDuration.optional(),
  drain: constantDuration.optional(),
  maxSessions: whole('maxSessions', LIMITS.plannedSessions).optional(),
  clientTimeouts: z.record(hubClientName, constantDuration).optional(),
});
export type HubSettings = z.infer<typeof hub>;

const event = z.strictObject({
  at: perMode(duration).meta({ description: 'Since the run began' }),
  signal: word('signal', SIGNALS),
});

const thresholds = z.record(z.string(), z.array(z.string())).superRefine((record, context) => {
  for (const [selector, rules] of Object.entries(record)) {
    for (const issue of thresholdIssues(selector, rules)) context.addIssue({ code: 'custom', ...issue });
  }
});

const workloadName = z.string().regex(/^[A-Za-z][\w.-]{0,99}$/, {
  error: 'a workload is named by letters, digits, _ . and -, beginning with a letter',
});

/** A scenario file as it is written. Types, validation and the JSON Schema for editors all come from here. */
export const ScenarioSchema = z.strictObject({
  version: z.literal(1, { error: 'this release reads scenarios of version 1' }),
  name: z.string().regex(/^[a-z][a-z0-9-]{0,99}$/, {
    error: 'a scenario is named by small letters, digits and -, beginning with a letter',
  }),
  description: text('description', { most: 300, reason: 'it is one line of `mcp-soak list`' }),
  covers: failureModes.default([]),
  hub: z
    .strictObject({ virtual: hub.optional(), real: hub.optional() })
    .optional()
    .meta({ description: 'Options of the bundled reference hub; other targets ignore them' }),
  cycles: whole('cycles', LIMITS.cycles).default(1),
  workloads: z.record(workloadName, WorkloadSchema).refine((workloads) => Object.keys(workloads).length > 0, {
    error: 'a scenario has at least one workload',
  }),
  events: z
    .array(event)
    .max(LIMITS.events.most, { error: `events are at most ${LIMITS.events.most}: ${LIMITS.events.reason}` })
    .default([]),
  settle: perMode(duration).meta({ description: 'How long the target is watched after the workloads ended' }),
  observe: perMode(duration)
    .default(DEFAULT_OBSERVE)
    .meta({ description: "How often the target's sessions are looked at" }),
  thresholds: thresholds.default({}),
  invariants: z
    .array(word('invariant', INVARIANT_NAMES))
    .optional()
    .meta({ description: 'Left out: all that apply' }),
});
export type Scenario = z.infer<typeof ScenarioSchema>;

interface ThresholdIssue {
  message: string;
  path: (string | number)[];
  input: unknown;
  params: { at: 'key' | 'value'; offset: number };
}

function thresholdIssues(selector: string, rules: readonly string[]): ThresholdIssue[] {
  const issues: ThresholdIssue[] = [];
  const attempt = (parse: () => unknown, path: (string | number)[], at: 'key' | 'value') => {
    try {
      parse();
    } catch (error) {
      if (!(error instanceof ThresholdError)) throw error;
      const { unknown, offset } = error;
      const message = unknown ? unknownWord(unknown.noun, unknown.word, unknown.allowed) : error.message;
      issues.push({ message, path, input: selector, params: { at, offset } });
    }
  };
  attempt(() => parseSelector(selector), [selector], 'key');
  if (issues.length > 0) return issues;
  rules.forEach((rule, index) => {
    attempt(() => parseThreshold(selector, rule), [selector, index], 'value');
  });
  return issues;
}
