import type { Check } from './judge/check.ts';
import type { RunVerdict } from './result.ts';

/** What the process ends with. k6's numbers, so that nobody has to learn new ones. */
export const EXIT = {
  pass: 0,
  /** A check could not be decided. */
  invalid: 98,
  /** A check failed, or saw no data. */
  fail: 99,
  /** A scenario, an option or a target that cannot be used. */
  badInput: 104,
  /** Stopped by a signal. */
  aborted: 105,
  /** mcp-soak itself, or the target, broke. */
  crash: 107,
} as const;

/** Where several apply, the first of these is it. */
const PRECEDENCE = [EXIT.crash, EXIT.badInput, EXIT.aborted, EXIT.fail, EXIT.invalid, EXIT.pass];

/** The exit code of several runs together. */
export function worstExitCode(codes: readonly number[]): number {
  return PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.pass;
}

/** A check that saw nothing fails the run: it may not look as if it had passed. */
export function verdictOf(checks: readonly Check[], isAborted: boolean): RunVerdict {
  if (isAborted) return 'aborted';
  if (checks.some(({ verdict }) => verdict === 'fail' || verdict === 'no-data')) return 'fail';
  return checks.some(({ verdict }) => verdict === 'invalid') ? 'invalid' : 'pass';
}

export function exitCodeOf(verdict: RunVerdict): number {
  return EXIT[verdict];
}
