import { type Check, MAX_EVIDENCE, type Verdict } from './check.ts';
import { climbs } from './counted.ts';
import { formatBytes } from './format.ts';
import { HELD, heldCheck } from './held.ts';
import type { LeakSeries, LeakUnit } from './leak-series.ts';

/** What each unit of a leak is about, and how others mended it. */
export const LEAK_UNITS: Readonly<
  Record<LeakUnit, { failureModes: readonly [string, ...string[]]; remedy: string }>
> = {
  session: {
    failureModes: ['F05', 'F06'],
    remedy:
      'Let every way out of a session go through one function that removes it from every table, closes its transport and its MCP server, and takes back its timers and listeners.',
  },
  request: {
    failureModes: ['F09'],
    remedy:
      'Forget what belongs to a request in a `finally` once its answer is sent; in JSON mode the transport of the TypeScript SDK does not.',
  },
  event: {
    failureModes: ['F42'],
    remedy: 'Bound the store of events by number, bytes and age, per session, and drop it with the session.',
  },
  reader: {
    failureModes: ['F48'],
    remedy: HELD.reader.remedy,
  },
};

export const HANDLES_REMEDY =
  'Clear timers, remove listeners and close sockets where the session ends, with it: clearInterval, off, destroy.';

/** Checks on memory over cycles; `handles_return` speaks of all of them together. Empty when nothing was measured. */
export function judgeLeaks(leaks: readonly LeakSeries[]): Check[] {
  if (leaks.length === 0) return [];
  return [...leaks.map(memoryCheck), ...leaks.flatMap(heldCheck), handlesCheck(leaks)];
}

function memoryCheck(series: LeakSeries): Check {
  const { unit, verdict, reason, budgetBytes, slope } = series;
  const observed = slope
    ? `${formatBytes(slope.bytes)} per ${unit} (${formatBytes(slope.lo)} to ${formatBytes(slope.hi)}) over ${units(series)} ${unit}s`
    : `${units(series)} ${unit}s`;
  return {
    name: `memory_per_${unit}`,
    kind: 'leak',
    class: 'memory',
    verdict,
    observed,
    limit: `<= ${formatBytes(budgetBytes)} per ${unit}`,
    reason: verdict === 'fail' ? [reason, culprit(series)].filter((part) => part !== '').join(': ') : reason,
    failureModes: [...LEAK_UNITS[unit].failureModes],
    evidence: evidenceOf(series),
    ...(verdict === 'fail' && { remedy: LEAK_UNITS[unit].remedy }),
  };
}

function units({ readings, warmupCycles, unitsPerCycle }: LeakSeries): number {
  return readings.at(-1)?.units ?? warmupCycles * unitsPerCycle;
}

/** The most telling class and the way to it, in a line. */
function culprit({ growing }: LeakSeries): string {
  const [first] = growing;
  if (!first) return '';
  const way = first.retainers.length === 0 ? '' : `, held by ${first.retainers.slice(0, -1).join(' → ')}`;
  return `${first.className} +${first.counts.join('/')} per cycle${way}`;
}

function evidenceOf({
  growing,
  allocations,
  warmupCycles,
  unitsPerCycle,
  source,
  isPinned,
  readings,
  unit,
}: LeakSeries) {
  const how = {
    heap: 'heap and external memory after forced collections',
    anonymous: 'anonymous memory',
    rss: 'resident memory, nothing collected',
  }[source];
  return [
    `${warmupCycles} cycles of warm-up and ${readings.length} measured, ${unitsPerCycle} ${unit}s each; ${how}${isPinned ? ', V8 pinned' : ''}`,
    ...growing.map(
      ({ className, counts, retainers }) =>
        `${className} +${counts.join('/')}${retainers.length === 0 ? '' : `: ${retainers.join(' → ')}`}`,
    ),
    ...allocations.map(({ site, bytes }) => `${formatBytes(bytes)} per ${unit} allocated in ${site}`),
  ].slice(0, MAX_EVIDENCE);
}

/** Integers that have to return exactly: one forgotten in every cycle is enough to be seen. */
function handlesCheck(leaks: readonly LeakSeries[]): Check {
  const all = leaks.flatMap(({ unit, counted }) => counted.map((one) => ({ unit, ...one })));
  const judged = all.map((one) => ({ ...one, climbs: climbs(one) }));
  const climbing = judged.filter((one) => one.climbs === true);
  const isUndecided = judged.every((one) => one.climbs === undefined);
  const verdict: Verdict = climbing.length > 0 ? 'fail' : isUndecided ? 'invalid' : 'pass';
  const lines = climbing.map(
    ({ unit, what, values }) =>
      `${what}: ${values.at(0)} → ${values.at(-1)} over ${values.length} cycles of ${unit}s`,
  );
  const kinds = new Set(judged.map(({ what }) => what));
  return {
    name: 'handles_return',
    kind: 'leak',
    class: 'memory',
    verdict,
    observed:
      verdict === 'fail'
        ? `${climbing.length} of ${judged.length} counts climb`
        : `${kinds.size} kinds counted after each cycle`,
    limit: 'as many as before',
    reason: verdict === 'fail' ? lines.join(', ') : isUndecided ? 'there were too few readings' : '',
    failureModes: ['F11', 'F58'],
    evidence: lines.slice(0, MAX_EVIDENCE),
    ...(verdict === 'fail' && { remedy: HANDLES_REMEDY }),
  };
}
