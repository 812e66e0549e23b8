import type { Check, Verdict } from '../judge/check.ts';
import { formatLength } from '../judge/format.ts';
import type { RunResult } from '../result.ts';

/** Decided first, and what went wrong before what went well. */
const URGENCY: readonly Verdict[] = ['fail', 'no-data', 'invalid', 'pass', 'not-observable'];

export function byUrgency(checks: readonly Check[]): Check[] {
  return URGENCY.flatMap((verdict) => checks.filter((check) => check.verdict === verdict));
}

/** Those that keep a run from passing, the worst first. */
export function troublesOf(checks: readonly Check[]): Check[] {
  return byUrgency(checks).filter(({ verdict }) => verdict !== 'pass' && verdict !== 'not-observable');
}

/** What a run came to, in a few words. */
export function headlineOf(result: RunResult): string {
  const count = (...verdicts: Verdict[]) =>
    result.checks.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const total = result.checks.length - count('not-observable');
  return {
    pass: `all ${total} checks passed`,
    fail: `${count('fail', 'no-data')} of ${total} checks failed`,
    invalid: `${count('invalid')} of ${total} checks could not be decided`,
    aborted: 'stopped by a signal; what there was has been judged',
  }[result.verdict];
}

/** How long it took, on which clock. */
export function timeTaken({ mode, durationMs, wallMs }: RunResult): string {
  return mode === 'virtual'
    ? `${formatLength(durationMs)} of virtual time in ${formatLength(wallMs)}`
    : `${formatLength(durationMs)} of real time`;
}
