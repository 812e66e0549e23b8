import { expect, it } from 'vitest';
import { spreadOf } from '../../../simulator/judge/repeats.ts';

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

it.each([
  [[3, 1], { lo: 1, hi: 3, coverage: 0.5 }, 'of two, the range holds the median in half of all cases'],
  [[2, 9, 4], { lo: 2, hi: 9, coverage: 0.75 }, 'of three'],
  [upTo(5), { lo: 1, hi: 5, coverage: 0.9375 }, 'of five: surer than 90 %'],
  [upTo(8), { lo: 2, hi: 7, coverage: 0.9296875 }, 'of eight the outermost are not needed'],
])('the spread of %j is %j: %s', (samples, spread) => expect(spreadOf(samples)).toEqual(spread));

it('a single sample has none', () => expect(spreadOf([1])).toBeUndefined());
