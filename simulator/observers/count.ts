/** One reading: what it shows was true at some instant of `[sentAt - stalenessMs, receivedAt]`. */
export interface CountReading {
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly stalenessMs: number;
  readonly count: number;
}

/** The number of sessions as something else than the target's own listing tells it. */
export interface CountSource {
  /** @throws CountError when there is no answer in time, or none with a count in it */
  read(): Promise<CountReading>;
  close(): void;
}

/** A source that does not tell how many sessions there are: says which, what was expected, and what came. */
export class CountError extends Error {
  override name = 'CountError';
}

/** A count of sessions is a whole number, not negative. */
export function asCount(value: number, source: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CountError(`${source}: expected a whole number >= 0, got ${value}`);
}
