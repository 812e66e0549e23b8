/** A limit on what a scenario may ask for, and why it is there. */
export interface Limit {
  readonly most: number;
  readonly reason: string;
}

export const LIMITS = {
  fileBytes: { most: 1024 * 1024, reason: 'a scenario is a page, not a data set' },
  aliases: { most: 100, reason: 'aliases of aliases can blow a short file up to gigabytes' },
  documentDepth: { most: 64, reason: 'readers of nested documents recurse' },
  mappingKeys: { most: 1000, reason: 'one page names no more things than that' },
  cycles: { most: 1000, reason: 'more cycles say nothing more about a trend' },
  vus: {
    most: 20_000,
    reason: 'each virtual user holds up to two sockets, and a client address has about 64,000 ports',
  },
  ratePerSecond: {
    most: 10_000,
    reason: 'due times are whole milliseconds, and one process starts no more sessions',
  },
  plannedSessions: { most: 1_000_000, reason: 'the ledger keeps a record of every session of the run' },
  stages: { most: 100, reason: 'a ramp of more stages is a curve, and nobody writes that by hand' },
  concurrentCalls: {
    most: 100,
    reason: 'each call at once takes a connection of its own, and a client has few',
  },
  parallelFlows: {
    most: 20,
    reason: 'each flow at once takes a connection of its own, and a client has few',
  },
  rawBodyBytes: {
    most: 64 * 1024 * 1024,
    reason: 'it is held in memory as a whole, and four times the largest body any server takes',
  },
  rawHeaders: { most: 1000, reason: 'servers stop reading headers well before' },
  rawHeaderValue: { most: 256 * 1024, reason: 'servers stop reading a head well before' },
  clientHeaders: { most: 20, reason: 'every request carries them' },
  clientHeaderValue: { most: 8 * 1024, reason: 'servers take no head of more than 16 KiB' },
  authTokens: { most: 100, reason: 'the hub compares with every one of them' },
  slowReadBytesPerSecond: { most: 1024 * 1024 * 1024, reason: 'a faster reader is not slow' },
  repeatTimes: { most: 100_000, reason: 'a longer flow belongs into more iterations' },
  stepsPerIteration: { most: 10_000_000, reason: 'repeats inside repeats multiply' },
  nesting: { most: 5, reason: 'deeper repeats cannot be read' },
  events: { most: 10, reason: 'a time line of a run is a handful of signals' },
  nameLength: { most: 100, reason: 'names are column heads in reports' },
} as const satisfies Record<string, Limit>;

/** `rate is at most 10,000: due times …` */
export function overLimit(what: string, { most, reason }: Limit, unit = ''): string {
  return `${what} at most ${most.toLocaleString('en-US')}${unit}: ${reason}`;
}
