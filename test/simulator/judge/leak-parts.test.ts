import { describe, expect, it } from 'vitest';
import { climbs } from '../../../simulator/judge/counted.ts';
import { formatBytes } from '../../../simulator/judge/format.ts';
import { judgeLeaks } from '../../../simulator/judge/leak-checks.ts';
import { type LeakSeries, LeakSeriesSchema } from '../../../simulator/judge/leak-series.ts';
import { isWarm } from '../../../simulator/judge/warm-up.ts';

describe('isWarm', () => {
  const rule = { unitsPerCycle: 20, budgetBytes: 64, minCycles: 5, maxCycles: 20 };
  it.each<[why: string, bytes: number[], expected: boolean]>([
    ['too few cycles', [0, 0, 0, 0], false],
    ['flat', [0, 6_480, 7_096, 7_096, 7_096, 7_096], true],
    ['still rising, and nothing to compare with', [0, 9_000, 16_000, 22_000, 27_000, 31_000], false],
    ['rising less and less', [0, 9_000, 18_000, 27_000, 36_000, 40_000, 44_000, 48_000, 52_000], false],
    [
      'rising as fast as ever: a leak',
      [0, 9_000, 18_000, 27_000, 36_000, 45_000, 54_000, 63_000, 72_000],
      true,
    ],
    ['waited for long enough', Array.from({ length: 20 }, (_, cycle) => 1e6 / (21 - cycle)), true],
  ])('%s', (_, bytes, expected) => {
    expect(isWarm(bytes, rule)).toBe(expected);
  });
});

describe('climbs', () => {
  it.each<[why: string, values: number[], expected: boolean | undefined]>([
    ['the same throughout', [3, 3, 3, 3, 3, 3], false],
    ['one more in every cycle', [3, 4, 5, 6, 7, 8], true],
    ['one more in every other cycle', [3, 3, 4, 4, 5, 5], true],
    ['a thread pool that is started once', [4, 4, 8, 8, 8, 8], false],
    ['one that runs just now', [3, 4, 3, 3, 4, 3], false],
    ['falls', [8, 7, 6, 5, 4, 3], false],
    ['too few readings', [1, 2, 3, 4, 5], undefined],
  ])('%s', (_, values, expected) => {
    expect(climbs({ what: 'Timeout', values })).toBe(expected);
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [32.04, '32 B'],
    [-112.4, '-112.4 B'],
    [1_536, '1.5 KiB'],
    [4.5 * 1_024 * 1_024, '4.5 MiB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('judgeLeaks', () => {
  const healthy: LeakSeries = {
    name: 'initialize, echo, DELETE',
    unit: 'session',
    source: 'heap',
    isPinned: true,
    verdict: 'pass',
    reason: '',
    budgetBytes: 64,
    warmupCycles: 5,
    unitsPerCycle: 20,
    readings: [{ units: 340, bytes: 17e6 }],
    slope: { bytes: 0, lo: -0.2, hi: 2.8 },
    pRising: 0.7,
    detectableBytes: 65.5,
    growing: [],
    allocations: [],
    counted: [{ what: 'sockets', values: [9, 9, 9, 9, 9, 9] }],
  };
  const leaking: LeakSeries = {
    ...healthy,
    verdict: 'fail',
    reason: 'every session leaves 26.5 KiB behind',
    slope: { bytes: 27_136, lo: 27_000, hi: 27_200 },
    growing: [
      {
        className: 'Transport',
        counts: [20, 20, 20],
        retainers: ['process', '_events', 'SIGTERM', 'zombies (Map)', 'Transport'],
      },
    ],
    allocations: [{ site: 'addRule ajv/dist/core.js:565', bytes: 10_641 }],
    counted: [{ what: 'Timeout', values: [21, 41, 61, 81, 101, 121] }],
  };

  it('passes a healthy series, with the interval and what was done', () => {
    expect(judgeLeaks([LeakSeriesSchema.parse(healthy)])).toMatchObject([
      {
        name: 'memory_per_session',
        verdict: 'pass',
        observed: '0 B per session (-0.2 B to 2.8 B) over 340 sessions',
      },
      { name: 'handles_return', verdict: 'pass' },
    ]);
  });

  it('names what leaks, what holds it, where it was allocated, and what mends it', () => {
    const [memory, handles] = judgeLeaks([leaking]);
    expect(memory?.reason).toContain(
      'Transport +20/20/20 per cycle, held by process → _events → SIGTERM → zombies (Map)',
    );
    expect(memory?.evidence).toContain('10.4 KiB per session allocated in addRule ajv/dist/core.js:565');
    expect(memory?.remedy).toContain('one function');
    expect(handles).toMatchObject({
      verdict: 'fail',
      reason: 'Timeout: 21 → 121 over 6 cycles of sessions',
      failureModes: ['F11', 'F58'],
    });
  });

  it('holds what a stalled reader costs against two MiB', () => {
    const reader: LeakSeries = { ...healthy, unit: 'reader' };
    const verdictAt = (heldBytes: number) =>
      judgeLeaks([{ ...reader, heldBytes }]).find(({ name }) => name === 'reader_buffer_bounded')?.verdict;
    expect(verdictAt(700_000)).toBe('pass');
    expect(verdictAt(4_700_000)).toBe('fail');
  });

  it('holds what an open session weighs against one MiB, or what was said, and says how many fit', () => {
    const weighed = (more: Partial<LeakSeries>) =>
      judgeLeaks([{ ...healthy, ...more }]).find(({ name }) => name === 'session_weight');
    expect(weighed({ heldBytes: 5_120 })).toMatchObject({
      verdict: 'pass',
      observed: '5 KiB for each session that is open: 209,715 in 1 GiB',
    });
    expect(weighed({ heldBytes: 1_048_577 })?.verdict).toBe('fail');
    expect(weighed({ heldBytes: 1_048_577, heldBudgetBytes: 2_000_000 })?.verdict).toBe('pass');
    expect(weighed({ heldBytes: 5_120, heldBudgetBytes: 5_119 })?.verdict).toBe('fail');
    expect(weighed({})).toBeUndefined();
    expect(weighed({ source: 'rss' })?.verdict).toBe('not-observable');
  });

  it('says nothing where nothing was measured', () => {
    expect(judgeLeaks([])).toEqual([]);
  });
});
