/** Turns values into positions. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
  readonly from: number;
  readonly to: number;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Equal steps, with ticks at round numbers. */
export function linear(domain: Range, range: Range, tickCount = 5): Scale {
  const span = domain.to - domain.from || 1;
  const at = (value: number) => range.from + ((value - domain.from) / span) * (range.to - range.from);
  return { at, ticks: roundSteps(domain, roundStep(span / tickCount)), ...domain };
}

/** Equal factors, with a tick at each power of ten. Values below `domain.from` stand at it. */
export function logarithmic(domain: Range, range: Range): Scale {
  const [low, high] = [Math.log10(domain.from), Math.log10(domain.to)];
  const at = (value: number) => {
    const share = (Math.log10(Math.max(value, domain.from)) - low) / (high - low || 1);
    return range.from + share * (range.to - range.from);
  };
  const decades = Array.from(
    { length: Math.floor(high) - Math.ceil(low) + 1 },
    (_, n) => 10 ** (Math.ceil(low) + n),
  );
  return { at, ticks: decades, ...domain };
}

/** Ticks of a time axis, ms. */
export function timeAxis(domain: Range, range: Range, tickCount = 10): Scale {
  const step = TIME_STEPS.find((one) => one >= (domain.to - domain.from) / tickCount);
  const scale = linear(domain, range);
  return { ...scale, ticks: roundSteps(domain, step ?? roundStep((domain.to - domain.from) / tickCount)) };
}

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const TIME_STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 20, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12, 24, 48].map((n) => n * HOUR),
];

/** The smallest of 1, 2, 2.5, 5 times a power of ten that is no less. */
function roundStep(least: number): number {
  if (least <= 0 || !Number.isFinite(least)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
}

const MAX_TICKS = 50;

function roundSteps({ from, to }: Range, step: number): number[] {
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  const count = Math.min(MAX_TICKS, Math.max(0, last - first + 1));
  // Multiplied, not added up: 0.1 + 0.2 is not 0.3.
  return Array.from({ length: count }, (_, n) => Number(((first + n) * step).toPrecision(12)));
}
