import * as z from 'zod';
import { CheckSchema } from './judge/check.ts';
import { CourseSchema } from './judge/course.ts';
import { DropCauseSchema } from './judge/dropped.ts';
import { ErrorGroupSchema } from './judge/error-groups.ts';
import { LeakSeriesSchema } from './judge/leak-series.ts';
import { MetricsSnapshotSchema } from './judge/metrics.ts';
import { PolicySchema } from './judge/policy.ts';
import { ReapGroupSchema } from './judge/reap-histogram.ts';
import { StrainSchema } from './judge/strain.ts';
import { TrafficSchema } from './judge/traffic.ts';

/** What a whole run comes to. `aborted`: stopped by a signal; what there was has been judged. */
export const RunVerdictSchema = z.enum(['pass', 'fail', 'invalid', 'aborted']);
export type RunVerdict = z.infer<typeof RunVerdictSchema>;

/** A scenario is a page or two. */
export const MAX_SCENARIO_TEXT = 64 * 1024;

const count = z.number().int().nonnegative();

/** One look at the target, and what the simulator's own books said then. */
export const SeriesPointSchema = z.object({
  /** Clock of the run, ms. */
  t: z.number(),
  /** Sessions as the target counts them. */
  observed: count,
  /** Sessions that the policy protects, and those that it tolerates at most. */
  must: count,
  may: count,
  rssBytes: z.number().optional(),
  cpuCores: z.number().optional(),
  openFiles: count.optional(),
  /** Of a Node target, where it was asked for; heap after forced garbage collection, between cycles only. */
  heapBytes: z.number().optional(),
  handles: count.optional(),
  loopDelayMs: z.number().optional(),
  gcMs: z.number().optional(),
});
export type SeriesPoint = z.infer<typeof SeriesPointSchema>;

/**
 * Everything that is known of a run: the one document that reports are made from and results are compared by.
 * `version` rises whenever an older reader would misread it.
 */
export const RunResultSchema = z.object({
  format: z.literal('mcp-soak-result'),
  version: z.literal(1),
  tool: z.string(),
  scenario: z.object({
    name: z.string(),
    description: z.string(),
    file: z.string(),
    covers: z.array(z.string()),
    /** The file as it was written, cut at MAX_SCENARIO_TEXT characters. */
    text: z.string().optional(),
  }),
  mode: z.enum(['virtual', 'real']),
  seed: count,
  target: z.object({
    name: z.string(),
    endpoint: z.string(),
    sessionsAre: z.enum(['listed', 'counted', 'none']),
  }),
  policy: PolicySchema,
  /** ISO 8601, wall clock. */
  startedAt: z.string(),
  /** Length of the run on its own clock, and on the wall, ms. */
  durationMs: z.number(),
  wallMs: z.number(),
  verdict: RunVerdictSchema,
  exitCode: count,
  checks: z.array(CheckSchema),
  sessions: z.object({
    attempted: count,
    opened: count,
    refused: count,
    /** Attempts whose answer never came: the target may hold a session for them or not. */
    unknown: count,
    deleted: count,
    liveAtEnd: count,
  }),
  /** How sessions ended that were not deleted; with `deleted` and `liveAtEnd` they add up to `opened`. */
  otherEnds: z
    .object({
      /** Answered 404. */
      notFound: count,
      /** No longer listed. */
      unlisted: count,
      /** Went with the target's process. */
      targetExit: count,
      /** Nobody saw them gone, and the policy tolerates them no longer (leaked ones too). */
      presumed: count,
    })
    .optional(),
  reapLag: z.object({ early: count, late: count, certified: count, tooCoarse: count, maxMs: z.number() }),
  /** The same over time, by what had to end them. */
  reapGroups: z.array(ReapGroupSchema).optional(),
  /** Extra sessions that were left alone and asked once each, where the target does not list its sessions. */
  canaries: z.object({ opened: count, asked: count }).optional(),
  metrics: MetricsSnapshotSchema,
  series: z.array(SeriesPointSchema),
  /** Phases, and what was done to the target. */
  course: CourseSchema.optional(),
  /** Requests over time. */
  traffic: TrafficSchema.optional(),
  /** Failed requests by method and kind. */
  errorGroups: z.array(ErrorGroupSchema).optional(),
  /** Memory over cycles, where a leak was looked for. */
  leaks: z.array(LeakSeriesSchema).optional(),
  generator: z.object({
    planned: count,
    started: count,
    dropped: count,
    lagP50Ms: z.number(),
    lagP99Ms: z.number(),
    lagMaxMs: z.number(),
    loopDelayP99Ms: z.number().nullable(),
    localFailures: count,
    localFailuresBy: z.record(z.string(), count).optional(),
    /** How hard its process and its machine had it. Absent in virtual time. */
    strain: StrainSchema.optional(),
    /** `closed`: a slow target slows its own load down, so that response times flatter it. */
    model: z.enum(['open', 'closed', 'mixed']).optional(),
    /** Why claims about time could not be decided; absent when they could. */
    timingInvalid: z.string().optional(),
    /** Whose fault it was that arrivals were dropped; absent when none were. */
    dropCause: DropCauseSchema.optional(),
  }),
  eventLog: z.object({ lines: count, sha256: z.string(), isTruncated: z.boolean() }),
  environment: z.object({
    node: z.string(),
    platform: z.string(),
    cpus: count,
    memoryBytes: z.number(),
  }),
  /** The command that makes this run again. */
  replay: z.string(),
});

export type RunResult = z.infer<typeof RunResultSchema>;
