import type { Check } from '../judge/check.ts';
import { formatBytes } from '../judge/format.ts';
import { HELD } from '../judge/held.ts';
import { HANDLES_REMEDY, LEAK_UNITS } from '../judge/leak-checks.ts';
import type { LeakUnit } from '../judge/leak-series.ts';
import { UNIT_DEFAULTS } from '../leak/leak-options.ts';
import type { Finding } from './probe.ts';

/** A check of the audit that is measured as `mcp-soak leak` does it, after all probes. */
export interface MemoryCheck
  extends Pick<Check, 'name'>,
    Readonly<Record<'demands' | 'limit' | 'clause' | 'remedy', string>> {
  readonly failureModes: readonly [string, ...string[]];
  /** What has to come and go for it to be seen. */
  readonly unit: LeakUnit;
}

const CLAUSE = 'operation: a server runs for months';

/** In the order in which they are measured; those of one unit together. */
export const MEMORY_CHECKS: readonly MemoryCheck[] = [
  perUnit('session', 'A session that has ended leaves no memory behind.'),
  {
    name: 'handles_return',
    failureModes: ['F11', 'F58'],
    unit: 'session',
    demands: 'Timers, sockets, files, threads and listeners are as many after each round as before it.',
    limit: 'as many as before',
    clause: CLAUSE,
    remedy: HANDLES_REMEDY,
  },
  held('session'),
  perUnit('request', 'A request that was answered leaves no memory behind in a session that stays.'),
  perUnit('event', 'An event that was sent is not kept for ever.'),
  perUnit('reader', 'A client that asked for events and read none leaves no memory behind once it is gone.'),
  held('reader'),
];

function perUnit(unit: LeakUnit, demands: string): MemoryCheck {
  const limit = `<= ${formatBytes(UNIT_DEFAULTS[unit].budgetBytes)} per ${unit}`;
  return { ...LEAK_UNITS[unit], name: `memory_per_${unit}`, unit, demands, limit, clause: CLAUSE };
}

function held(unit: keyof typeof HELD): MemoryCheck {
  const { name, failureModes, demands, remedy, maxBytes } = HELD[unit];
  return { name, failureModes, unit, demands, remedy, limit: `<= ${formatBytes(maxBytes)}`, clause: CLAUSE };
}

/** What one unit takes at most in the good case, its warm-up included, ms. */
const UNIT_LASTS_MS = 30_000;

export function memoryLasts(checks: readonly MemoryCheck[]): number {
  return UNIT_LASTS_MS * unitsOf(checks).length;
}

/** What has to be measured for these. */
export function unitsOf(checks: readonly MemoryCheck[]): LeakUnit[] {
  return [...new Set(checks.map(({ unit }) => unit))];
}

/** A memory check that came to this, without a measurement. */
export function withoutMeasurement(check: MemoryCheck, { verdict, observed, reason = '' }: Finding): Check {
  return { ...asAudited(check), verdict, observed, reason, limit: check.limit, evidence: [] };
}

/** A memory check as it was judged. */
export function asMeasured(check: MemoryCheck, judged: Check): Check {
  const observed = judged.verdict === 'not-observable' ? 'unknown' : judged.observed;
  return { ...judged, ...asAudited(check), observed };
}

function asAudited({ name, failureModes, demands, clause, remedy }: MemoryCheck) {
  const kind: Check['kind'] = 'audit';
  const evidence: Check['class'] = 'memory';
  return { name, kind, class: evidence, failureModes: [...failureModes], demands, clause, remedy };
}
