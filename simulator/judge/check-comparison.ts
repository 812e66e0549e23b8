import type { Verdict } from './check.ts';
import type { CheckRow, ComparedRun } from './comparison.ts';

/** The verdicts of each check, before and now: the worst of the runs on either side. */
export function checkRows(baselines: readonly ComparedRun[], currents: readonly ComparedRun[]): CheckRow[] {
  const all = new Map(
    [...baselines, ...currents].flatMap((run) => run.checks).map((one) => [one.name, one.class]),
  );
  return [...all].map(([name, evidence]) => {
    // One that failed in any of the baselines was no promise.
    const before = worstOf(
      baselines.flatMap((run) => run.checks.find((one) => one.name === name)?.verdict ?? []),
    );
    const seen = currents.map((run) => run.checks.find((one) => one.name === name));
    const verdicts = seen.map((one) => one?.verdict ?? null);
    const now = verdicts.includes(null) ? null : worstOf(verdicts.filter((verdict) => verdict !== null));
    const why = seen.find((one) => one !== undefined && one.verdict === now)?.reason ?? '';
    const judged = judgeCheck(before, now);
    const times = verdicts.filter((verdict) => verdict === now).length;
    const often =
      currents.length > 1 && judged.verdict !== 'pass' ? ` in ${times} of ${currents.length} runs` : '';
    const parts = [
      `${judged.reason}${judged.reason === '' ? '' : often}`,
      judged.verdict === 'pass' ? '' : why,
    ];
    const reason = parts.filter((part) => part !== '').join(': ');
    return {
      kind: 'check',
      name,
      class: evidence,
      verdict: judged.verdict,
      reason,
      baseline: before,
      current: now,
    };
  });
}

/**
 *   before \ now     pass   fail, no-data   invalid         not-observable   absent
 *   pass             pass   fail            invalid         no-data          no-data
 *   fail, no-data    pass   pass (still)    pass            pass             pass
 *   anything else    pass   fail            not-observable  not-observable   not-observable
 */
function judgeCheck(before: Verdict | null, now: Verdict | null): { verdict: Verdict; reason: string } {
  if (now === 'pass') return { verdict: 'pass', reason: '' };
  if (before === 'fail' || before === 'no-data') {
    return { verdict: 'pass', reason: now === 'fail' ? 'failed in the baseline, too' : '' };
  }
  if (now === 'fail' || now === 'no-data') {
    const verdict =
      before === 'pass' ? 'passed in the baseline, fails' : 'fails, and did not in the baseline';
    return { verdict: 'fail', reason: verdict };
  }
  if (before !== 'pass') return { verdict: 'not-observable', reason: 'nothing to compare' };
  if (now === 'invalid')
    return { verdict: 'invalid', reason: 'passed in the baseline, could not be decided' };
  return { verdict: 'no-data', reason: 'passed in the baseline, is not seen any more' };
}

function worstOf(verdicts: readonly Verdict[]): Verdict | null {
  return WORST.find((verdict) => verdicts.includes(verdict)) ?? null;
}

/** Worst first. */
const WORST: readonly Verdict[] = ['fail', 'no-data', 'invalid', 'not-observable', 'pass'];
