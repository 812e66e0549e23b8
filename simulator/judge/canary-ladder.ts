import { type Check, MAX_EVIDENCE } from './check.ts';
import { formatCount, formatLength } from './format.ts';
import { ruleOfThree } from './rule-of-three.ts';

/**
 * One canary: a session that was opened, left alone, and asked once. Its idle age when the question reached the
 * target lies in [ageLoMs, ageHiMs]: from the answer to its last use to the sending of the probe, and from the
 * sending of its last use to the answer to the probe.
 */
export interface CanaryProbe {
  readonly ageLoMs: number;
  readonly ageHiMs: number;
  /** false: answered 404. */
  readonly alive: boolean;
}

/** What a target promises of a session nobody uses, and how far neither side is blamed. All in ms. */
export interface CanaryPromise {
  /** T */
  readonly timeoutMs: number;
  /** C */
  readonly cleanupMs: number;
  /** ε */
  readonly epsilonMs: number;
}

/** When one canary is opened and how long it is left alone, ms. */
export interface Rung {
  readonly openAfterMs: number;
  readonly ageMs: number;
}

/** Thirds: before T, between T and T + C, after T + C. */
const ZONES = 3;
/** The golden ratio: its multiples spread evenly over [0, 1) however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Nobody asks for more: what is learned grows with the square root, the load on a stranger's server with the number. */
export const MAX_CANARIES = 300;

/**
 * The ladder for a known promise: a third of the canaries is asked at ages in [T − g, T), a third in [T, T + C],
 * a third in (T + C, T + C + g]. They are opened at moments spread over C, so that a sweep is met in every phase.
 * @throws RangeError when fewer than three or too many canaries are wanted
 */
export function planLadder(
  { timeoutMs, cleanupMs, epsilonMs }: CanaryPromise,
  { canaries }: { canaries: number },
): Rung[] {
  if (!Number.isInteger(canaries) || canaries < ZONES || canaries > MAX_CANARIES) {
    throw new RangeError(
      `canaries: got ${canaries}, allowed: whole numbers from ${ZONES} to ${MAX_CANARIES}`,
    );
  }
  const slack = 2 * epsilonMs + 1;
  const end = timeoutMs + cleanupMs;
  const gap = Math.max(timeoutMs / 10, cleanupMs / 2, slack);
  const zones = [
    { from: Math.max(0, timeoutMs - slack - gap), to: Math.max(0, timeoutMs - slack) },
    { from: timeoutMs, to: end },
    { from: end + slack, to: end + slack + gap },
  ];
  const perZone = Math.ceil(canaries / ZONES);
  return Array.from({ length: canaries }, (_, index) => {
    const zone = zones[index % ZONES] ?? { from: 0, to: 0 };
    const place = perZone === 1 ? 0 : Math.floor(index / ZONES) / (perZone - 1);
    return {
      openAfterMs: ((index * GOLDEN) % 1) * cleanupMs,
      ageMs: zone.from + place * (zone.to - zone.from),
    };
  });
}

/** What the ladder showed. */
export interface LadderVerdict {
  /** Gone before T; and of how many that would have shown it. */
  readonly early: readonly CanaryProbe[];
  readonly askedEarly: number;
  /** Alive after T + C; and of how many. */
  readonly late: readonly CanaryProbe[];
  readonly askedLate: number;
  /** The highest age at which one was surely still alive, and the lowest by which one was surely gone; null: none was. */
  readonly lastAliveMs: number | null;
  readonly firstGoneMs: number | null;
}

/** Interval arithmetic: a probe whose age is not known well enough accuses nobody. */
export function judgeLadder(
  probes: readonly CanaryProbe[],
  { timeoutMs, cleanupMs, epsilonMs }: CanaryPromise,
): LadderVerdict {
  const early = probes.filter(({ ageHiMs }) => ageHiMs + epsilonMs < timeoutMs);
  const late = probes.filter(({ ageLoMs }) => ageLoMs > timeoutMs + cleanupMs + epsilonMs);
  const alive = probes.filter((probe) => probe.alive);
  const gone = probes.filter((probe) => !probe.alive);
  return {
    early: early.filter((probe) => !probe.alive),
    askedEarly: early.length,
    late: late.filter((probe) => probe.alive),
    askedLate: late.length,
    lastAliveMs: alive.length === 0 ? null : Math.max(...alive.map(({ ageLoMs }) => ageLoMs)),
    firstGoneMs: gone.length === 0 ? null : Math.min(...gone.map(({ ageHiMs }) => ageHiMs)),
  };
}

/** The check `reap_lag` of a target that does not list its sessions. `opened`: canaries, whether asked or not. */
export function canaryCheck(probes: readonly CanaryProbe[], promise: CanaryPromise, opened: number): Check {
  const { early, askedEarly, late, askedLate, lastAliveMs, firstGoneMs } = judgeLadder(probes, promise);
  const wrong = [
    ...early.map((probe) => `early: ${lineOfProbe(probe)}, T = ${formatLength(promise.timeoutMs)}`),
    ...late.map(
      (probe) =>
        `late: ${lineOfProbe(probe)}, T = ${formatLength(promise.timeoutMs)}, C = ${formatLength(promise.cleanupMs)}`,
    ),
  ];
  const boundary = [
    ...(lastAliveMs === null ? [] : [`alive up to ${formatLength(lastAliveMs)}`]),
    ...(firstGoneMs === null ? [] : [`gone from ${formatLength(firstGoneMs)}`]),
  ];
  const check: Check = {
    name: 'reap_lag',
    kind: 'invariant',
    class: 'counts',
    verdict: 'pass',
    observed: [
      `${rateOf(early.length, askedEarly, 'early')}, ${rateOf(late.length, askedLate, 'late')}`,
      ...boundary,
    ].join('; '),
    limit: '0 early, 0 late',
    reason: '',
    failureModes: ['F01', 'F12', 'F15'],
    evidence: wrong.slice(0, MAX_EVIDENCE),
  };
  const [first] = wrong;
  if (first !== undefined) return { ...check, verdict: 'fail', reason: first };
  if (opened === 0) return { ...check, verdict: 'invalid', reason: 'the target opened none of the canaries' };
  if (askedEarly > 0 && askedLate > 0) return check;
  const side = askedEarly === 0 ? 'before T' : 'after T + C';
  return {
    ...check,
    verdict: 'invalid',
    reason: `no canary was asked ${side} for sure: of ${formatCount(opened, 'canary session')} ${probes.length} got an answer in time`,
  };
}

function rateOf(found: number, asked: number, word: string): string {
  const bound = found === 0 && asked > 0 ? ` (rate <= ${ruleOfThree(asked)} % at 95 %)` : '';
  return `${found} ${word} of ${asked} ${asked === 1 ? 'canary' : 'canaries'}${bound}`;
}

function lineOfProbe({ ageLoMs, ageHiMs, alive }: CanaryProbe): string {
  const [lo, hi] = [formatLength(ageLoMs), formatLength(ageHiMs)];
  return `a canary was ${alive ? 'alive' : 'answered 404'} after ${lo === hi ? lo : `${lo} to ${hi}`} without use`;
}
