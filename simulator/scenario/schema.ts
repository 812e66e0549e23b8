import * as z from 'zod';
import { CAP_RULES } from '../judge/policy.ts';
import { parseSelector, parseThreshold, ThresholdError } from '../judge/threshold.ts';
import { CLIENT_PROFILES } from './client-profile.ts';
import { eventSchema } from './event-schema.ts';
import { flowSchema } from './flow-schema.ts';
import { authTokens, clientHeaders } from './headers-schema.ts';
import { INVARIANT_NAMES } from './invariant-names.ts';
import { LIMITS, overLimit } from './limits.ts';
import { unknownWord } from './nearest.ts';
import {
  constantDuration,
  duration,
  notNegative,
  perMode,
  positive,
  text,
  whole,
  word,
} from './schema-parts.ts';

/** The revisions of MCP that have sessions. */
export const PROTOCOL_VERSIONS = ['2025-03-26', '2025-06-18', '2025-11-25'] as const;
export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];
/** Revision that clients speak when a scenario does not say. */
export const DEFAULT_PROTOCOL_VERSION: ProtocolVersion = '2025-11-25';
/** Virtual looks cost nothing; real ones must not become load of their own. */
export const DEFAULT_OBSERVE = { virtual: '6s', real: '1s' };

/** As in k6. Those with a rate are open models, the others closed ones (see `modelOf` in schedule.ts). */
export const EXECUTORS = [
  'constant-arrival-rate',
  'ramping-arrival-rate',
  'per-vu-iterations',
  'constant-vus',
  'ramping-vus',
] as const;
export type ExecutorKind = (typeof EXECUTORS)[number];

/** What sends the requests of a workload, where our own clients do not: raw load, in real time only. */
export const ENGINES = ['autocannon'] as const;

/** How arrivals are spaced: evenly, or at random with exponential gaps, as those of independent clients are. */
export const ARRIVALS = ['even', 'poisson'] as const;

function stagesTo<Target extends z.ZodType>(target: Target) {
  return z
    .array(z.strictObject({ duration, target }))
    .min(1, { error: 'stages are not empty' })
    .max(LIMITS.stages.most, { error: overLimit('stages are', LIMITS.stages) });
}

const maxVUs = whole('maxVUs', LIMITS.vus);
const arrivals = word('kind of arrivals', ARRIVALS);

/** Settings of each executor; the workload's `real:` and `virtual:` may override them. */
const settings = {
  'constant-arrival-rate': { rate: positive('rate', LIMITS.ratePerSecond), duration, maxVUs, arrivals },
  'ramping-arrival-rate': {
    startRate: notNegative('startRate', LIMITS.ratePerSecond),
    stages: stagesTo(notNegative('target', LIMITS.ratePerSecond)),
    maxVUs,
    arrivals,
  },
  'per-vu-iterations': {
    vus: whole('vus', LIMITS.vus),
    iterations: whole('iterations', LIMITS.plannedSessions),
  },
  'constant-vus': { vus: whole('vus', LIMITS.vus), duration },
  'ramping-vus': {
    startVUs: whole('startVUs', LIMITS.vus, 0),
    stages: stagesTo(whole('target', LIMITS.vus, 0)),
    gracefulRampDown: duration,
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
  profile: word('client profile', CLIENT_PROFILES).optional().meta({
    description: 'What the client does when it is refused, cut off or told that its session is gone',
  }),
  headers: clientHeaders.optional(),
});

const common = {
  startTime: perMode(duration)
    .optional()
    .meta({ description: 'Since the cycle began: workloads may begin one after another' }),
  client: client.optional(),
  failureModes: failureModes.optional(),
  flow: flowSchema,
};

const engine = word('engine', ENGINES).optional().meta({
  description:
    'Saturates the target with one request over and over, on a session per virtual user; closed model, real mode only',
});

const constantRate = settings['constant-arrival-rate'];
const constantRateOverrides = z.strictObject(constantRate).partial().optional();
const rampingRate = settings['ramping-arrival-rate'];
const rampingRateOverrides = z.strictObject(rampingRate).partial().optional();
const perVu = settings['per-vu-iterations'];
const perVuOverrides = z.strictObject(perVu).partial().optional();
const constantVus = settings['constant-vus'];
const constantVusOverrides = z.strictObject(constantVus).partial().optional();
const rampingVus = settings['ramping-vus'];
const rampingVusOverrides = z.strictObject(rampingVus).partial().optional();

export const WorkloadSchema = z.discriminatedUnion('executor', [
  z.strictObject({
    executor: z.literal('constant-arrival-rate'),
    rate: perMode(constantRate.rate),
    duration: perMode(constantRate.duration),
    maxVUs: perMode(constantRate.maxVUs),
    arrivals: perMode(constantRate.arrivals).optional(),
    engine,
    virtual: constantRateOverrides,
    real: constantRateOverrides,
    ...common,
  }),
  z.strictObject({
    executor: z.literal('ramping-arrival-rate'),
    startRate: perMode(rampingRate.startRate).optional(),
    stages: perMode(rampingRate.stages),
    maxVUs: perMode(rampingRate.maxVUs),
    arrivals: perMode(rampingRate.arrivals).optional(),
    virtual: rampingRateOverrides,
    real: rampingRateOverrides,
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
  z.strictObject({
    executor: z.literal('constant-vus'),
    vus: perMode(constantVus.vus),
    duration: perMode(constantVus.duration),
    engine,
    virtual: constantVusOverrides,
    real: constantVusOverrides,
    ...common,
  }),
  z.strictObject({
    executor: z.literal('ramping-vus'),
    startVUs: perMode(rampingVus.startVUs).optional(),
    stages: perMode(rampingVus.stages),
    gracefulRampDown: perMode(rampingVus.gracefulRampDown).optional(),
    virtual: rampingVusOverrides,
    real: rampingVusOverrides,
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
  streamLostTimeout: constantDuration
    .optional()
    .meta({ description: 'S: how long a session outlives the loss of its stream; off when left out' }),
  heartbeat: constantDuration.optional(),
  keepAlive: constantDuration.optional(),
  drain: constantDuration.optional(),
  maxSessions: whole('maxSessions', LIMITS.plannedSessions).optional(),
  maxSessionsPerClient: whole('maxSessionsPerClient', LIMITS.plannedSessions).optional(),
  capRule: word('cap rule', CAP_RULES).optional(),
  maxEvents: whole('maxEvents', LIMITS.plannedSessions)
    .optional()
    .meta({ description: 'Events kept per session for streams that come back' }),
  maxBuffered: whole('maxBuffered', LIMITS.rawBodyBytes)
    .optional()
    .meta({ description: 'Bytes that may wait for a slow reader' }),
  rateLimit: word('switch', ['on', 'off'])
    .optional()
    .meta({ description: 'Off when left out, and on when a rate is set: all load comes from one address' }),
  initializeRate: whole('initializeRate', LIMITS.plannedSessions)
    .optional()
    .meta({ description: 'Sessions that one address may ask for in a minute' }),
  sessionRate: whole('sessionRate', LIMITS.ratePerSecond)
    .optional()
    .meta({ description: 'Requests that one session may send in a second' }),
  clientTimeouts: z.record(hubClientName, constantDuration).optional(),
});
export type HubSettings = z.infer<typeof hub>;

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
    .strictObject({ authTokens: authTokens.optional(), virtual: hub.optional(), real: hub.optional() })
    .optional()
    .meta({ description: 'Options of the bundled reference hub; other targets ignore them' }),
  cycles: whole('cycles', LIMITS.cycles).default(1),
  workloads: z.record(workloadName, WorkloadSchema).refine((workloads) => Object.keys(workloads).length > 0, {
    error: 'a scenario has at least one workload',
  }),
  events: z
    .array(eventSchema)
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
