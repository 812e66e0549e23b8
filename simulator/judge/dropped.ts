import * as z from 'zod';
import { formatLength } from './format.ts';

/** Whose fault it is that arrivals found no free virtual user. */
export const DropCauseSchema = z.object({
  cause: z.enum(['target', 'generator', 'scenario']),
  /** As a sentence. */
  why: z.string(),
});
export type DropCause = z.infer<typeof DropCauseSchema>;

export interface DropEvidence {
  readonly dropped: number;
  /** Why no time measured by this run can be trusted (validity.ts), if so. */
  readonly timingInvalid: string | undefined;
  /** Of the workload that is shortest of virtual users: how many its flow needs at its peak rate even if every answer came at once. */
  readonly shortest:
    | { readonly workload: string; readonly needed: number; readonly maxVUs: number }
    | undefined;
  readonly serviceP99Ms: number | undefined;
}

/**
 * The generator, when it sent late: it would have kept its virtual users busy by itself. The scenario, when its flow
 * alone takes longer than its virtual users have. Otherwise they were waiting for the target.
 */
export function causeOfDrops({
  dropped,
  timingInvalid,
  shortest,
  serviceP99Ms,
}: DropEvidence): DropCause | undefined {
  if (dropped === 0) return undefined;
  if (timingInvalid !== undefined) return { cause: 'generator', why: timingInvalid };
  if (shortest && shortest.needed > shortest.maxVUs) {
    const { workload, needed, maxVUs } = shortest;
    const why = `${workload} needs ${Math.ceil(needed)} virtual users for its think times alone and has ${maxVUs}: raise maxVUs`;
    return { cause: 'scenario', why };
  }
  const answered = serviceP99Ms === undefined ? '' : ` (service time p99 ${formatLength(serviceP99Ms)})`;
  return { cause: 'target', why: `virtual users were all waiting for answers of the target${answered}` };
}
