import { expect, it } from 'vitest';
import type { Verdict } from '../../../../simulator/judge/check.ts';
import { marginOf } from '../../../../simulator/reporters/html/margin.ts';
import { check } from '../results.ts';

it.each<[string, string, Verdict, string | undefined, string]>([
  ['41 ms', '< 250 ms', 'pass', '84 % left', 'units of one kind'],
  ['1.5 s', '< 250 ms', 'fail', 'over by 500 %', 'seconds against milliseconds'],
  ['6m 30s', '<= 6m 0s', 'fail', 'over by 8.3 %', 'lengths of time'],
  ['120 MiB', '< 0.5 GiB', 'pass', '77 % left', 'bytes'],
  ['90', '>= 100', 'fail', 'short by 10 %', 'a floor'],
  ['900 of 1,000 sessions', '0', 'fail', '900 too many', 'a count against zero'],
  ['0 of 1,000 sessions', '0', 'pass', undefined, 'nothing to say of zero'],
  ['0 % (0 of 5)', '== 0 %', 'pass', undefined, 'equality has no margin'],
  ['400', '404', 'fail', undefined, 'a status is no amount'],
  ['alive', 'alive to the end', 'pass', undefined, 'words'],
  ['41 ms', '< 250 MiB', 'pass', undefined, 'two kinds of unit'],
  ['41 ms', '< 250 ms', 'invalid', undefined, 'what was not decided'],
])('%s, allowed %s, %s: %s (%s)', (observed, limit, verdict, margin) => {
  expect(marginOf(check('c', verdict, { observed, limit }))).toBe(margin);
});
