import { createRandom } from './random.ts';

/** A stretch of time in which a rate, or a number of users, moves in a straight line to `target`, as in k6. */
export interface Stage {
  readonly durationMs: number;
  /** Sessions per second, or virtual users, at the end of the stage. */
  readonly target: number;
}

interface Arrivals {
  readonly maxVUs: number;
  /** Iterations that become due. Evenly spaced: floor(rate × duration); at random: what the seed gives. */
  readonly arrivals: number;
  /** Exponential gaps from this stream of random numbers; absent: evenly spaced. */
  readonly poisson?: { readonly seed: number; readonly workload: string };
}

export type RampingArrivals = Arrivals & {
  readonly kind: 'ramping-arrival-rate';
  readonly startRate: number;
  readonly stages: readonly Stage[];
};
export type ConstantArrivals = Arrivals & {
  readonly kind: 'constant-arrival-rate';
  readonly ratePerSecond: number;
  readonly durationMs: number;
};
export type ArrivalExecutor = ConstantArrivals | RampingArrivals;

/** Carried by an engine: connections with a session each, and one request on each of them over and over. */
export interface Saturation {
  readonly kind: 'saturation';
  readonly connections: number;
  readonly durationMs: number;
  /** Of all connections together; `null`: as fast as answers come. */
  readonly ratePerSecond: number | null;
}

/** How iterations (one session each, unless the client opens a new one) are started, resolved to numbers. */
export type PlannedExecutor =
  | ArrivalExecutor
  | Saturation
  | { readonly kind: 'per-vu-iterations'; readonly vus: number; readonly iterations: number }
  | { readonly kind: 'constant-vus'; readonly vus: number; readonly durationMs: number }
  | {
      readonly kind: 'ramping-vus';
      readonly startVUs: number;
      readonly stages: readonly Stage[];
      /** How long an iteration may outlast its virtual user's time; `null`: until it is done. */
      readonly gracefulRampDownMs: number | null;
    };

/**
 * `open`: iterations begin when they are due, however long earlier ones take. `closed`: a slow target slows its
 * own load down (coordinated omission), so response times flatter it.
 */
export function modelOf(executor: Pick<PlannedExecutor, 'kind'>): 'open' | 'closed' {
  return executor.kind.endsWith('-arrival-rate') ? 'open' : 'closed';
}

/**
 * When iteration `n` (from 0) of evenly spaced arrivals is due, whole ms since the workload began; computed from
 * `n` alone, so that no error adds up. A closed executor has no schedule: its iterations are due as soon as a
 * virtual user is free.
 */
export function dueAt(executor: PlannedExecutor, n: number): number {
  switch (executor.kind) {
    case 'constant-arrival-rate':
      return floorExact((n * 1000) / executor.ratePerSecond);
    case 'ramping-arrival-rate':
      return floorExact(timeOf(executor, n));
    case 'per-vu-iterations':
    case 'constant-vus':
    case 'ramping-vus':
    case 'saturation':
      return 0;
  }
}

/** When each iteration is due, in order, whole ms since the workload began. */
export function* dueTimes(executor: ArrivalExecutor): Generator<number> {
  if (executor.poisson === undefined) {
    for (let n = 0; n < executor.arrivals; n += 1) yield dueAt(executor, n);
    return;
  }
  const { seed, workload } = executor.poisson;
  const random = createRandom(seed, workload, 'arrivals');
  const total = expectedArrivals(executor);
  // Arrivals at rate 1 on an axis of expected arrivals, bent back to time: the rate may change as it likes.
  const gap = () => -Math.log(1 - random.next());
  for (let expected = gap(); expected < total; expected += gap()) {
    yield Math.floor(timeOf(executor, expected));
  }
}

/** The integral of the rate: how many arrivals there are to be, not rounded. */
export function expectedArrivals(executor: ConstantRate | RampingRate): number {
  return segmentsOf(executor).reduce((sum, segment) => sum + areaOf(segment), 0);
}

/** How many iterations become due before the end: the n-th counts when its whole period is over by then. */
export function evenArrivals(executor: ConstantRate | RampingRate): number {
  return floorExact(expectedArrivals(executor));
}

/** How many sessions the executor plans in one cycle; 0 where time alone decides (see `mostSessionsPerCycle`). */
export function sessionsPerCycle(executor: PlannedExecutor): number {
  switch (executor.kind) {
    case 'constant-arrival-rate':
    case 'ramping-arrival-rate':
      return executor.arrivals;
    case 'per-vu-iterations':
      return executor.vus * executor.iterations;
    case 'saturation':
      return executor.connections;
    case 'constant-vus':
    case 'ramping-vus':
      return 0;
  }
}

/**
 * An iteration of a closed executor takes at least this long: in virtual time answers take none, and a virtual
 * user that never waits would keep the clock from ever moving on.
 */
export const MIN_ITERATION_MS = 10;

/** The most sessions a cycle can attempt when an iteration takes at least `iterationMs`. */
export function mostSessionsPerCycle(executor: PlannedExecutor, iterationMs: number): number {
  const shortest = Math.max(MIN_ITERATION_MS, iterationMs);
  switch (executor.kind) {
    case 'constant-vus':
      return executor.vus * Math.ceil(executor.durationMs / shortest);
    case 'ramping-vus':
      return userSpans(executor)
        .flat()
        .reduce((sum, { fromMs, untilMs }) => sum + Math.ceil((untilMs - fromMs) / shortest), 0);
    default:
      return sessionsPerCycle(executor);
  }
}

/** A stretch of time in which a virtual user begins iterations: [from, until), ms since the workload began. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * When each virtual user (by number, from 0) is at work: on the way up user k begins when the line of the
 * stages reaches k + 1, on the way down it stops when the line falls to k.
 */
export function userSpans({
  startVUs,
  stages,
}: Pick<Extract<PlannedExecutor, { kind: 'ramping-vus' }>, 'startVUs' | 'stages'>): Span[][] {
  const most = Math.max(startVUs, ...stages.map(({ target }) => target));
  return Array.from({ length: most }, (_, user) => spansOf(user, startVUs, stages));
}

function spansOf(user: number, startVUs: number, stages: readonly Stage[]): Span[] {
  const spans: Span[] = [];
  let fromMs: number | undefined = user < startVUs ? 0 : undefined;
  let [at, line] = [0, startVUs];
  for (const { durationMs, target } of stages) {
    const crossing = (level: number) => at + Math.round(((level - line) / (target - line)) * durationMs);
    if (fromMs === undefined && target >= user + 1) fromMs = crossing(user + 1);
    else if (fromMs !== undefined && target <= user) {
      spans.push({ fromMs, untilMs: crossing(user) });
      fromMs = undefined;
    }
    at += durationMs;
    line = target;
  }
  if (fromMs !== undefined) spans.push({ fromMs, untilMs: at });
  return spans.filter((span) => span.untilMs > span.fromMs);
}

type ConstantRate = Pick<ConstantArrivals, 'kind' | 'ratePerSecond' | 'durationMs'>;
type RampingRate = Pick<RampingArrivals, 'kind' | 'startRate' | 'stages'>;

/** A stretch of the rate that is a straight line. Rates per second. */
interface Segment {
  readonly fromRate: number;
  readonly toRate: number;
  readonly durationMs: number;
}

function segmentsOf(executor: ConstantRate | RampingRate): Segment[] {
  if (executor.kind === 'constant-arrival-rate') {
    const { ratePerSecond, durationMs } = executor;
    return [{ fromRate: ratePerSecond, toRate: ratePerSecond, durationMs }];
  }
  return executor.stages.map(({ target, durationMs }, index) => ({
    fromRate: executor.stages[index - 1]?.target ?? executor.startRate,
    toRate: target,
    durationMs,
  }));
}

function areaOf({ fromRate, toRate, durationMs }: Segment): number {
  return ((fromRate + toRate) * durationMs) / 2000;
}

/**
 * When so many arrivals are to have come: the inverse of the integral of the rate, ms. Inside a segment of rate
 * r + a·t it solves r·t + a·t²/2 = x; in this form it loses no digits and holds for a = 0, too. Where the rate
 * is 0 for a while, the moment at which it rises again.
 */
function timeOf(executor: ConstantRate | RampingRate, expected: number): number {
  let [rest, beganAt] = [expected, 0];
  for (const segment of segmentsOf(executor)) {
    const area = areaOf(segment);
    if (rest < area) {
      const { fromRate, toRate, durationMs } = segment;
      const [rate, slope] = [fromRate / 1000, (toRate - fromRate) / 1000 / durationMs];
      const root = Math.sqrt(Math.max(0, rate * rate + 2 * slope * rest));
      return rest === 0 ? beganAt : beganAt + (2 * rest) / (rate + root);
    }
    rest -= area;
    beganAt += segment.durationMs;
  }
  return beganAt;
}

/** Floor, but 0.29 × 100 s is 29 and not 28: a decimal rate must not lose an arrival to binary rounding. */
function floorExact(value: number): number {
  return Math.floor(value + Math.max(1, value) * 2 ** -50);
}
