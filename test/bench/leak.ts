import { fork } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { realClock } from '../../simulator/clock/real.ts';
import type { LeakSeries } from '../../simulator/judge/leak-series.ts';
import { median } from '../../simulator/judge/theil-sen.ts';
import { measureLeak } from '../../simulator/leak/measure-leak.ts';
import { leakTarget } from '../leak/leak-target.ts';

/*
 * What the search for leaks finds, and what it takes for one: a planted leak of 32 bytes per session, and servers that
 * keep nothing, each in a process of its own, with a noisy neighbour that uses a core.
 *
 *   npm run bench:leak -- --runs 20      20 leaking and 40 healthy servers (the default)
 */

const DEFAULT_RUNS = 20;
/** A leak of 32 bytes has to be found within this, ms, the start of the target included. */
const WITHIN_MS = 15_000;

interface Run {
  readonly series: LeakSeries;
  readonly ms: number;
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: String(DEFAULT_RUNS) } } });
const runs = Number(values.runs);
if (!Number.isSafeInteger(runs) || runs < 1) {
  throw new Error(`--runs: got '${values.runs}', allowed: a whole number from 1`);
}
const neighbour = fork(fileURLToPath(new URL('burner.ts', import.meta.url)));
try {
  const leaking = await several('obj:32', runs);
  const healthy = await several('none', 2 * runs);
  report(leaking, healthy);
} finally {
  neighbour.disconnect();
}

async function several(leak: string, count: number): Promise<Run[]> {
  const done: Run[] = [];
  for (let n = 1; n <= count; n += 1) {
    const beganAt = performance.now();
    const target = await leakTarget(leak);
    try {
      const options = { unit: 'session', isStrict: true, namesCulprit: false } as const;
      const series = await measureLeak(target, options, { clock: realClock() });
      const ms = performance.now() - beganAt;
      done.push({ series, ms });
      process.stdout.write(
        `${leak} ${n}/${count}: ${series.verdict}, ${figure(series)}, ${(ms / 1_000).toFixed(1)} s ${series.reason}\n`,
      );
    } finally {
      await target.stop();
    }
  }
  return done;
}

function figure({ slope, readings }: LeakSeries): string {
  const bytes = slope
    ? `${slope.bytes.toFixed(1)} B [${slope.lo.toFixed(1)}, ${slope.hi.toFixed(1)}]`
    : 'nothing';
  return `${bytes} per session over ${readings.at(-1)?.units ?? 0}`;
}

function report(leaking: readonly Run[], healthy: readonly Run[]): void {
  const found = leaking.filter(({ series }) => series.verdict === 'fail');
  const inTime = found.filter(({ ms }) => ms <= WITHIN_MS);
  const alarms = healthy.filter(({ series }) => series.verdict === 'fail');
  const passed = healthy.filter(({ series }) => series.verdict === 'pass');
  const cpu = cpus();
  process.stdout.write(
    `\nleak of 32 B per session: found in ${found.length} of ${leaking.length} runs, ${inTime.length} of them within ${WITHIN_MS / 1_000} s; ${times(leaking)}; ` +
      `slope ${range(leaking)} B\n` +
      `healthy: ${alarms.length} false alarms in ${healthy.length} runs, ${passed.length} passed, ${healthy.length - alarms.length - passed.length} undecided; ${times(healthy)}; ` +
      `slope ${range(healthy)} B\n` +
      `budget 16 B per session, 20 sessions a cycle; a neighbour used a core throughout; load ${loadavg()[0]?.toFixed(1)}, ` +
      `${cpu.length} × ${cpu[0]?.model ?? 'unknown'}, Node ${process.versions.node}\n`,
  );
  if (inTime.length < leaking.length || alarms.length > 0) process.exitCode = 1;
}

function times(of: readonly Run[]): string {
  const all = of.map(({ ms }) => ms / 1_000);
  return `${median(all).toFixed(1)} s in the median, ${Math.max(...all).toFixed(1)} s at most`;
}

function range(of: readonly Run[]): string {
  const slopes = of.map(({ series }) => series.slope?.bytes ?? 0);
  return `${Math.min(...slopes).toFixed(1)} to ${Math.max(...slopes).toFixed(1)}`;
}
