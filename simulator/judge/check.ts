import * as z from 'zod';

/**
 * pass · fail · no-data: the check saw nothing, which fails the run · invalid: it could not be decided,
 * `reason` says why · not-observable: it cannot be seen on this target at all.
 */
export const VerdictSchema = z.enum(['pass', 'fail', 'no-data', 'invalid', 'not-observable']);
export type Verdict = z.infer<typeof VerdictSchema>;

/** Which kind of evidence a check rests on. Validity is decided per class: a starved generator voids only `timing`. */
export const EvidenceClassSchema = z.enum(['counts', 'protocol', 'timing', 'memory']);
export type EvidenceClass = z.infer<typeof EvidenceClassSchema>;

/** One judged rule: what was seen, what was allowed, and the proof. */
export const CheckSchema = z.object({
  /** Stable snake_case id, as named in scenario files. */
  name: z.string(),
  kind: z.enum(['invariant', 'threshold', 'expectation', 'leak', 'audit']),
  class: EvidenceClassSchema,
  verdict: VerdictSchema,
  /** What was seen, with unit: `0 of 1,100 sessions`. */
  observed: z.string(),
  /** What is allowed, with unit: `0`, `<= 6m 0s`. */
  limit: z.string(),
  /** Why it failed or could not be decided, as a sentence; empty for a pass. */
  reason: z.string().default(''),
  /** Ids of the failure modes (F01 … F58) this check looks for. */
  failureModes: z.array(z.string()).default([]),
  /** At most ten lines: sessions (by VU, never by id) and times that decided it, or requests and their answers. */
  evidence: z.array(z.string()).default([]),
  /** What a healthy server does, as a sentence; without it the name says enough. */
  demands: z.string().optional(),
  /** What demands it, where that is a published text: `MCP 2025-11-25, basic/transports: Session Management, 3`. */
  clause: z.string().optional(),
  /** How others mended it, as a sentence; shown when the check failed. */
  remedy: z.string().optional(),
});
export type Check = z.infer<typeof CheckSchema>;

/** The most lines of evidence that a check keeps. */
export const MAX_EVIDENCE = 10;
