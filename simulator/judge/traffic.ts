import * as z from 'zod';
import { coarser } from './round-width.ts';

const count = z.number().int().nonnegative();

/** Requests over time: how many, how many failed, how long they took from the moment they were due. */
export const TrafficSchema = z.object({
  /** Width of an interval, ms of the run's clock. */
  bucketMs: z.number().positive(),
  /** Intervals with a request in them, by when it was done; percentiles are exact to 2 %. */
  points: z.array(
    z.object({
      t: z.number(),
      requests: count,
      errors: count,
      p50Ms: z.number(),
      p95Ms: z.number(),
      p99Ms: z.number(),
      maxMs: z.number(),
    }),
  ),
});
export type Traffic = z.infer<typeof TrafficSchema>;

/** Intervals kept; beyond that they grow coarser. */
export const MAX_BUCKETS = 300;
const FIRST_BUCKET_MS = 100;
/** Bounds of latency cells grow by this factor, so that a cell's middle is off by 2 % at most. */
const GROWTH = 1.04;
const LEAST_MS = 0.001;
/** From 1 µs to more than an hour. */
const CELLS = 570;

interface Bucket {
  requests: number;
  errors: number;
  maxMs: number;
  readonly cells: Uint32Array;
}

/** Counts requests into intervals. At most 300 of them, 2.3 KiB each. */
export class TrafficCount {
  #bucketMs = FIRST_BUCKET_MS;
  #buckets = new Map<number, Bucket>();

  /** `at`: when it was done; `durationMs`: since it was due. */
  add(at: number, durationMs: number, isError: boolean): void {
    const index = Math.floor(Math.max(0, at) / this.#bucketMs);
    const bucket = bucketAt(this.#buckets, index);
    bucket.requests += 1;
    if (isError) bucket.errors += 1;
    bucket.maxMs = Math.max(bucket.maxMs, durationMs);
    const cell = cellOf(durationMs);
    bucket.cells[cell] = (bucket.cells[cell] ?? 0) + 1;
    while (Math.floor(Math.max(0, at) / this.#bucketMs) >= MAX_BUCKETS) this.#coarsen();
  }

  /** Undefined when there was no request. */
  snapshot(): Traffic | undefined {
    if (this.#buckets.size === 0) return undefined;
    const points = [...this.#buckets]
      .sort(([a], [b]) => a - b)
      .map(([index, bucket]) => ({
        t: index * this.#bucketMs,
        requests: bucket.requests,
        errors: bucket.errors,
        p50Ms: quantile(bucket, 0.5),
        p95Ms: quantile(bucket, 0.95),
        p99Ms: quantile(bucket, 0.99),
        maxMs: rounded(bucket.maxMs),
      }));
    return { bucketMs: this.#bucketMs, points };
  }

  #coarsen(): void {
    const bucketMs = coarser(this.#bucketMs);
    const buckets = new Map<number, Bucket>();
    for (const [index, bucket] of this.#buckets) {
      const sum = bucketAt(buckets, Math.floor((index * this.#bucketMs) / bucketMs));
      sum.requests += bucket.requests;
      sum.errors += bucket.errors;
      sum.maxMs = Math.max(sum.maxMs, bucket.maxMs);
      for (const [cell, n] of bucket.cells.entries()) sum.cells[cell] = (sum.cells[cell] ?? 0) + n;
    }
    this.#bucketMs = bucketMs;
    this.#buckets = buckets;
  }
}

function bucketAt(buckets: Map<number, Bucket>, index: number): Bucket {
  const found = buckets.get(index);
  if (found) return found;
  const made = { requests: 0, errors: 0, maxMs: 0, cells: new Uint32Array(CELLS) };
  buckets.set(index, made);
  return made;
}

function cellOf(ms: number): number {
  const cell = Math.ceil(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / Math.log(GROWTH));
  return Math.min(CELLS - 1, Math.max(0, cell));
}

function quantile({ requests, maxMs, cells }: Bucket, q: number): number {
  const rank = Math.ceil(q * requests);
  let seen = 0;
  for (const [cell, n] of cells.entries()) {
    seen += n;
    // The middle of the cell, which its largest sample may not reach.
    if (seen >= rank) return rounded(Math.min(maxMs, LEAST_MS * GROWTH ** (cell - 0.5)));
  }
  return rounded(maxMs);
}

/** Whole microseconds: more digits are noise. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
