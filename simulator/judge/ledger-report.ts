import * as z from 'zod';
import { ReapGroupSchema } from './reap-histogram.ts';

const count = z.number().int().nonnegative();

/** One broken rule: a session that was lost or leaked. */
export const FindingSchema = z.object({
  /** Number of the attempt; null when it cannot be told which session it was. */
  session: z.number().int().nullable(),
  /** The look that showed it: at some instant of [fromMs, toMs] on the run's clock. */
  fromMs: z.number(),
  toMs: z.number(),
  /** By how much, ms: too early (lost) or too late (leaked); null when there is no such number. */
  byMs: z.number().nullable(),
  why: z.string(),
});
export type Finding = z.infer<typeof FindingSchema>;

export const FindingsSchema = z.object({ total: count, first: z.array(FindingSchema) });
export type FindingList = z.infer<typeof FindingsSchema>;

/** One line of the account: a number that must lie in [atLeast, atMost]; null where nothing bounds it. */
export const BookRowSchema = z.object({
  name: z.string(),
  observed: z.number(),
  atLeast: z.number().nullable(),
  atMost: z.number().nullable(),
});
export type BookRow = z.infer<typeof BookRowSchema>;

/** What the ledger found, as plain data. Times in ms on the run's clock. */
export const LedgerReportSchema = z.object({
  attempts: z.object({ begun: count, opened: count, refused: count, lost: count, unanswered: count }),
  /** How the opened sessions ended, as far as the simulator can know; with `live` they add up to `opened`. */
  ends: z.object({
    deleted: count,
    /** Answered 404. */
    notFound: count,
    /** No longer listed. */
    unlisted: count,
    targetExit: count,
    /** The policy tolerates them no longer, and nobody saw them gone (leaked ones too). */
    presumed: count,
    live: count,
  }),
  samples: z.object({
    listed: count,
    counted: count,
    /** Listings with fewer entries than the count they came with: used as counts. */
    partial: count,
  }),
  /** Sessions whose early loss, and sessions whose overdue end, would have been noticed. */
  judged: z.object({ held: count, ended: count }),
  /** Requests to sessions that had to be gone, answered 404. */
  probesNotFound: count,
  lost: FindingsSchema,
  leaked: FindingsSchema,
  /** Worst difference between the target's count and the bounds, where it only counts. */
  counts: z.object({ maxDeficit: count, maxExcess: count }),
  /** Sessions listed that no attempt explains. */
  strangers: count,
  foreign: z.object({ before: count, after: count.nullable(), isSteady: z.boolean() }),
  reapLag: z.object({
    early: count,
    late: count,
    certified: count,
    tooCoarse: count,
    /** Known to be gone by the last tolerated instant (every certified one, and some too coarse). */
    inTime: count,
    maxHiMs: z.number().nullable(),
    /** Early and late ones. */
    wrong: FindingsSchema,
    groups: z.array(ReapGroupSchema),
  }),
  books: z.array(BookRowSchema),
  cycles: z.object({
    total: count,
    /** Ended before the policy's deadlines had passed: nothing to demand. */
    unsettled: count,
    notZero: FindingsSchema,
  }),
  /** Where the target promises a cap: the most it was seen to hold, and what was wrong about it. */
  cap: z.object({
    most: count,
    refusedWhenFull: count,
    exceeded: FindingsSchema,
    refusedWrongly: FindingsSchema,
  }),
  /** Events that reached the ledger after a look that was later than they: accusations are void. */
  lateEvents: count,
});
export type LedgerReport = z.infer<typeof LedgerReportSchema>;
