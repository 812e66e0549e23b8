import { describe, expect, it } from 'vitest';
import { EXIT, exitCodeOf, verdictOf, worstExitCode } from '../../simulator/exit-code.ts';
import type { Check, Verdict } from '../../simulator/judge/check.ts';
import type { RunVerdict } from '../../simulator/result.ts';

it('has the codes that scripts rely on', () => {
  expect(EXIT).toEqual({ pass: 0, invalid: 98, fail: 99, badInput: 104, aborted: 105, crash: 107 });
});

it.each<[RunVerdict, number]>([
  ['pass', 0],
  ['invalid', 98],
  ['fail', 99],
  ['aborted', 105],
])('ends a run that is %s with %i', (verdict, code) => {
  expect(exitCodeOf(verdict)).toBe(code);
});

describe('several runs', () => {
  it.each<[string, number[], number]>([
    ['a crash is worst', [0, 98, 99, 105, 104, 107], 107],
    ['then bad input', [0, 98, 99, 105, 104], 104],
    ['then an abort', [0, 98, 99, 105], 105],
    ['then a failure', [0, 98, 99], 99],
    ['then what could not be decided', [98, 0, 0], 98],
    ['all passed', [0, 0], 0],
    ['none at all', [], 0],
  ])('end with the worst of them: %s', (_, codes, worst) => {
    expect(worstExitCode(codes)).toBe(worst);
    expect(worstExitCode(codes.toReversed())).toBe(worst);
  });
});

describe('a run', () => {
  const checks = (...verdicts: Verdict[]): Check[] =>
    verdicts.map((verdict) => ({
      name: 'some_check',
      kind: 'invariant',
      class: 'counts',
      verdict,
      observed: '',
      limit: '',
      reason: '',
      failureModes: [],
      evidence: [],
    }));

  it.each<[string, Verdict[], boolean, RunVerdict]>([
    ['passes with all its checks', ['pass', 'pass'], false, 'pass'],
    ['passes with what cannot be seen on this target', ['pass', 'not-observable'], false, 'pass'],
    ['fails with one of them', ['pass', 'fail', 'invalid'], false, 'fail'],
    ['fails with one that saw nothing', ['pass', 'no-data'], false, 'fail'],
    ['is invalid with one that could not be decided', ['pass', 'invalid'], false, 'invalid'],
    ['is aborted whatever its checks say', ['fail'], true, 'aborted'],
  ])('%s', (_, verdicts, isAborted, expected) => {
    expect(verdictOf(checks(...verdicts), isAborted)).toBe(expected);
  });
});
