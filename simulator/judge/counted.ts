/** Integers that were read at the end of each cycle: open files, timers, threads. */
export interface Counted {
  readonly what: string;
  readonly values: readonly number[];
}

/** Fewer readings show no trend. */
const MIN_READINGS = 6;

/**
 * Whether an integer that has to return to where it was climbs instead: each third of its readings lies wholly above
 * the one before. One step up (a thread pool that is started, say) is no climb, and what is counted in passing (a timer
 * that runs just now) comes and goes. Undefined: too few readings to say.
 */
export function climbs({ values }: Counted): boolean | undefined {
  if (values.length < MIN_READINGS) return undefined;
  const third = Math.floor(values.length / 3);
  const [first, middle, last] = [values.slice(0, third), values.slice(third, -third), values.slice(-third)];
  return Math.min(...middle) > Math.max(...first) && Math.min(...last) > Math.max(...middle);
}
