import type { Check } from './check.ts';
import { formatBytes, grouped } from './format.ts';
import type { LeakSeries, LeakUnit } from './leak-series.ts';

/** What one unit may hold while it lasts, for the units where that has a bound of its own. */
export interface HeldRule extends Readonly<Record<'name' | 'demands' | 'tooMuch' | 'remedy', string>> {
  readonly maxBytes: number;
  readonly failureModes: readonly [string, ...string[]];
  /** In words, for people. */
  readonly observed: (bytes: number) => string;
  /** Bytes are few, so that garbage which nobody can make a process collect would drown them. */
  readonly isFine: boolean;
}

const MIB = 1_024 * 1_024;
const GIB = 1_024 * MIB;

export const HELD = {
  reader: {
    name: 'reader_buffer_bounded',
    failureModes: ['F48'],
    demands: 'What waits for a client that does not read has a bound.',
    maxBytes: 2 * MIB,
    observed: (bytes) => `${formatBytes(bytes)} held for each peer that does not read`,
    tooMuch: 'what is sent to a peer that does not read piles up in the memory of the target',
    remedy:
      'Look at `writableLength` of a stream before writing to it, and end the stream of a peer that does not read.',
    isFine: false,
  },
  session: {
    name: 'session_weight',
    failureModes: ['F50'],
    demands: 'A session that lives and waits is light: what all of them have in common is there once.',
    // Servers that built their catalogue anew weighed 5 to 71 MiB a session; 50 tools of the SDK weigh 0.9 MiB.
    maxBytes: MIB,
    observed: (bytes) =>
      `${formatBytes(bytes)} for each session that is open${bytes >= 1 ? `: ${grouped(Math.round(GIB / bytes))} in 1 GiB` : ''}`,
    tooMuch:
      'each session brings with it what others have already: the catalogue of tools, say, or its schemas',
    remedy:
      'Make tools, schemas and their validator once, outside of what is made for each session, and let all sessions share them.',
    isFine: true,
  },
} as const satisfies Partial<Record<LeakUnit, HeldRule>>;

/** The rule of a unit; undefined where what it holds has no bound of its own. */
export function heldRule(unit: LeakUnit): HeldRule | undefined {
  return unit === 'reader' || unit === 'session' ? HELD[unit] : undefined;
}

/** What a unit held, against its bound. None where it was not read, and the reason is told elsewhere. */
export function heldCheck(series: LeakSeries): Check[] {
  const rule = heldRule(series.unit);
  if (!rule) return [];
  const { heldBytes, heldBudgetBytes: maxBytes = rule.maxBytes } = series;
  const common: Pick<Check, 'name' | 'kind' | 'class' | 'failureModes' | 'limit' | 'evidence'> = {
    name: rule.name,
    kind: 'leak',
    class: 'memory',
    failureModes: [...rule.failureModes],
    limit: `<= ${formatBytes(maxBytes)}`,
    evidence: [],
  };
  if (heldBytes === undefined) {
    const isDrowned = rule.isFine && series.source === 'rss';
    return isDrowned ? [{ ...common, verdict: 'not-observable', observed: 'unknown', reason: DROWNED }] : [];
  }
  const isTooMuch = heldBytes > maxBytes;
  return [
    {
      ...common,
      verdict: isTooMuch ? 'fail' : 'pass',
      observed: rule.observed(heldBytes),
      reason: isTooMuch ? rule.tooMuch : '',
      ...(isTooMuch && { remedy: rule.remedy }),
    },
  ];
}

const DROWNED = 'nobody can make this process collect its garbage, which is more than a session weighs';
