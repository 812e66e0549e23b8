import { formatBytes } from './format.ts';
import { risingP } from './mann-kendall.ts';
import { median, type Slope, theilSen } from './theil-sen.ts';

/** Memory at the end of a cycle, and how many units (sessions, say) had come and gone by then. */
export interface MemoryReading {
  readonly units: number;
  readonly bytes: number;
}

/** What a stretch of readings says. */
export interface LeakEstimate {
  /** Bytes per unit. Undefined below six readings. */
  readonly slope: Slope | undefined;
  readonly pRising: number;
  /** The smallest leak that these readings could have shown, bytes per unit. */
  readonly detectableBytes: number | undefined;
}

export type LeakJudgement =
  | { readonly kind: 'more'; readonly cycles: number }
  | ({
      readonly kind: 'decided';
      readonly verdict: 'pass' | 'fail' | 'invalid';
      /** Why, as a sentence; also what a pass has to be read with. Empty when there is nothing to add. */
      readonly reason: string;
      /** Index of the first reading that the verdict rests on. */
      readonly decidedFrom: number;
    } & LeakEstimate);

export interface LeakRule {
  readonly budgetBytes: number;
  /** Cycles of a stretch; as many are added each time it does not decide. */
  readonly cycles: number;
  /** What the readings are counted in: `session`. */
  readonly unit: string;
}

/** A rise is one when a series without any would look like it less often than this. */
const MAX_P = 0.01;
/** Stretches are lengthened this often, all together; then it is said what could have been seen. */
export const MAX_EXTENSIONS = 3;
/** Stretches that follow one another while the growth goes on, but slows. */
const MAX_STRETCHES = 4;
/** The end of a stretch has to rise as well: a cache that filled up within it does not. */
const TAIL_READINGS = 4;

/**
 * Whether memory grows by more than a budget. Not whether it grows: after forced collections the noise is so small that
 * a drift of one byte is significant.
 *
 * | stretch   | readings say                   | then                                                           |
 * |-----------|--------------------------------|----------------------------------------------------------------|
 * | first     | the whole interval < budget    | pass                                                           |
 * | first     | rising, the interval > budget  | a second stretch: a bounded cache looks the same until it is full |
 * | later     | the whole interval < budget    | pass: it levelled off                                          |
 * | later     | rising as before, to the end   | fail                                                           |
 * | later     | rising, but slower or not to the end | another stretch                                          |
 * | any       | neither, but its last part is below | pass: it levelled off                                     |
 * | any       | neither                        | the same stretch, longer; at last invalid                      |
 */
export function judgeLeak(readings: readonly MemoryReading[], rule: LeakRule): LeakJudgement {
  const { budgetBytes, cycles } = rule;
  let [from, length, extensions] = [0, cycles, MAX_EXTENSIONS];
  let before: Slope | undefined;
  for (let stretch = 1; ; ) {
    if (readings.length < from + length) return { kind: 'more', cycles: from + length - readings.length };
    const seen = readings.slice(from, from + length);
    const estimate = estimateLeak(seen, budgetBytes);
    const decide = decision(from, estimate);
    const state = stateOf(estimate, budgetBytes);
    if (state === 'below') return decide('pass', passNote(seen, before, rule));
    if (state === 'unclear') {
      // A ramp or a step at its beginning makes a stretch unclear however long it is: the end of it counts alone, too.
      const end = estimateLeak(seen.slice(-cycles), budgetBytes);
      if (stateOf(end, budgetBytes) === 'below') {
        return decision(from + length - cycles, end)('pass', passNote(seen, before, rule));
      }
      if (extensions === 0) return decide('invalid', unclear(estimate, rule));
      extensions -= 1;
      length += cycles;
      continue;
    }
    if (before && goesOn(estimate, before) && risesToTheEnd(seen, budgetBytes)) {
      return decide('fail', leaks(estimate, seen.at(-1), rule));
    }
    if (stretch === MAX_STRETCHES) return decide('invalid', slowing(estimate, rule));
    stretch += 1;
    before = estimate.slope;
    from += length;
    length = cycles;
  }
}

function decision(decidedFrom: number, estimate: LeakEstimate) {
  return (verdict: 'pass' | 'fail' | 'invalid', reason: string): LeakJudgement => ({
    kind: 'decided',
    verdict,
    reason,
    decidedFrom,
    ...estimate,
  });
}

/** What readings say that nobody waited the end of: a run that was stopped. */
export function estimateLeak(readings: readonly MemoryReading[], budgetBytes: number): LeakEstimate {
  const slope = theilSen(readings.map(({ units, bytes }) => ({ x: units, y: bytes })));
  return {
    slope,
    pRising: risingP(readings.map(({ bytes }) => bytes)),
    detectableBytes: slope && budgetBytes + (slope.hi - slope.lo) / 2,
  };
}

/** The most readings that are asked for. */
export function mostReadings(cycles: number): number {
  return cycles * (MAX_STRETCHES + MAX_EXTENSIONS);
}

function stateOf({ slope, pRising }: LeakEstimate, budgetBytes: number): 'below' | 'rising' | 'unclear' {
  if (!slope) return 'unclear';
  if (slope.hi < budgetBytes) return 'below';
  return pRising < MAX_P && slope.lo > budgetBytes ? 'rising' : 'unclear';
}

/** Not slower than it was: the intervals overlap, or this one lies higher. */
function goesOn({ slope }: LeakEstimate, before: Slope): boolean {
  return slope !== undefined && slope.hi >= before.lo;
}

function risesToTheEnd(readings: readonly MemoryReading[], budgetBytes: number): boolean {
  const tail = readings.slice(-TAIL_READINGS);
  const slopes = tail.flatMap((to, index) =>
    tail.slice(0, index).map((from) => (to.bytes - from.bytes) / (to.units - from.units)),
  );
  return median(slopes) > budgetBytes;
}

function leaks({ slope }: LeakEstimate, last: MemoryReading | undefined, { unit }: LeakRule): string {
  const bytes = slope ? formatBytes(slope.median) : 'memory';
  return `every ${unit} leaves ${bytes} behind, and that had not stopped after ${last?.units ?? 0} of them`;
}

/** A pass that grew on the way to it says so. */
function passNote(
  readings: readonly MemoryReading[],
  before: Slope | undefined,
  { unit, cycles, budgetBytes }: LeakRule,
): string {
  const [first, last] = [readings[0], readings[cycles - 1]];
  const grewAtFirst =
    readings.length > cycles &&
    first !== undefined &&
    last !== undefined &&
    last.bytes - first.bytes > budgetBytes * (last.units - first.units);
  if (!before && !grewAtFirst) return '';
  const reading = grewAtFirst ? last : first;
  return `it grew at first and levelled off after about ${reading?.units ?? 0} ${unit}s: a bounded cache that filled up, or a warm-up`;
}

function unclear({ slope, pRising, detectableBytes }: LeakEstimate, { unit, budgetBytes }: LeakRule): string {
  if (!slope || detectableBytes === undefined) return 'there were too few readings';
  const [lo, hi] = [formatBytes(slope.lo), formatBytes(slope.hi)];
  if (pRising < MAX_P) {
    return `every ${unit} leaves ${lo} to ${hi} behind, which may be more or less than ${formatBytes(budgetBytes)}`;
  }
  return `memory went up and down too much to decide: a leak of ${formatBytes(detectableBytes)} per ${unit} or more would have been seen`;
}

function slowing({ slope }: LeakEstimate, { unit }: LeakRule): string {
  const bytes = slope ? ` (${formatBytes(slope.median)} per ${unit} at the end)` : '';
  return `it still grows, but ever slower${bytes}: a large cache that fills up, perhaps; more ${unit}s would tell`;
}
