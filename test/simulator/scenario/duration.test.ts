import { describe, expect, test } from 'vitest';
import {
  DurationError,
  formatDuration,
  MAX_DURATION_MS,
  parseDuration,
  policyTimes,
  resolveDuration,
} from '../../../simulator/scenario/duration.ts';
import { POLICY } from './fixture.ts';

const TIMES = { T: 1500, C: 300, H: null, D: 1400 };
const ms = (text: string) => resolveDuration(parseDuration(text), TIMES);

describe('a duration expression resolves to whole milliseconds', () => {
  test.each([
    ['5s', 5000, 'a unit'],
    ['250ms', 250, 'the smallest unit'],
    ['1.5m', 90_000, 'a decimal number'],
    ['2h', 7_200_000, 'the largest unit'],
    ['0s', 0, 'nothing at all is a duration'],
    ['T', 1500, 'a symbol alone'],
    ['0.8T', 1200, 'a share of a symbol'],
    ['T + C + 5s', 6800, 'a sum'],
    ['2T - 1s', 2000, 'a difference'],
    ['  2T-1s ', 2000, 'spaces do not matter'],
    ['T - T', 0, 'down to zero'],
    ['0.3333T', 500, 'rounded: 499.95'],
    ['1s - 2s + 3s', 2000, 'negative only on the way'],
    ['2147483647ms', MAX_DURATION_MS, 'the longest timer'],
  ])('%s is %d ms (%s)', (text, expected) => {
    expect(ms(text)).toBe(expected);
  });

  test('a symbol not known yet (NaN) makes the result unknown', () => {
    expect(resolveDuration(parseDuration('T + 1s'), { ...TIMES, T: Number.NaN })).toBeNaN();
  });

  test('T is the timeout of the named client', () => {
    expect(policyTimes(POLICY, 'patient')).toEqual({ T: 3000, C: 300, H: 1000, D: 1400 });
    expect(policyTimes(POLICY, 'other').T).toBe(1500);
  });
});

describe('what is not a duration is refused at the character', () => {
  test.each([
    ['', 0, "expected a time such as 5s or 0.8T, got the end in the duration ''"],
    ['5', 0, '5 has no unit: write 5ms, 5s, 5m or 5h'],
    ['T + 5', 4, '5 has no unit: write 5ms, 5s, 5m or 5h'],
    ['5 s', 0, '5 has no unit: write 5ms, 5s, 5m or 5h'],
    ['5x', 1, "unknown unit 'x'. Allowed: ms, s, m, h, T, C, H, D"],
    ['5msec', 1, "unknown unit 'msec'. Allowed: ms, s, m, h, T, C, H, D"],
    ['0.8t', 3, "unknown unit 't': did you mean 'T'? Allowed: ms, s, m, h, T, C, H, D"],
    ['s', 0, "the unit 's' needs a number: 5s"],
    ['5m30s', 2, "expected + or - before '30s' in the duration '5m30s'"],
    ['T +', 3, "expected a time such as 5s or 0.8T, got the end in the duration 'T +'"],
    ['-5s', 0, "expected a time such as 5s or 0.8T, got '-5s' in the duration '-5s'"],
    ['T * 2', 2, "expected + or - before '* 2' in the duration 'T * 2'"],
    ['1s - 2s', 0, "the duration '1s - 2s' is negative: -1000 ms"],
    ['H + 1s', 0, 'H is not promised by this target: state it with --policy handshakeTimeout=…'],
    ['600h', 0, "the duration '600h' is longer than timers reach (596h 31m 24s)"],
    [`${'1s+'.repeat(100)}1s`, 0, `a duration is shorter than '${'1s+'.repeat(20)}…'`],
  ])('%s', (text, offset, message) => {
    expect(() => ms(text)).toThrow(new DurationError(message, offset));
    try {
      ms(text);
    } catch (error) {
      expect(error).toMatchObject({ offset });
    }
  });
});

test.each([
  [0, '0 ms'],
  [0.25, '0.25 ms'],
  [250, '250 ms'],
  [999.6, '1 s'],
  [1500, '1.5 s'],
  [59_960, '1m 0s'],
  [348_000, '5m 48s'],
  [360_000, '6m 0s'],
  [7_205_000, '2h 0m 5s'],
  [-1500, '-1.5 s'],
])('%d ms reads %s', (value, text) => {
  expect(formatDuration(value)).toBe(text);
});
