import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  judgeLeak,
  type LeakJudgement,
  type LeakRule,
  type MemoryReading,
  mostReadings,
} from '../../../simulator/judge/leak-verdict.ts';

const UNITS = 20;
const RULE: LeakRule = { budgetBytes: 64, cycles: 12, unit: 'session' };

type Growth = (cycle: number) => number;

/** Readings as they are asked for; `bytes`: memory at the end of each cycle. */
function watch(
  bytes: Growth,
  rule = RULE,
): { judgement: LeakJudgement & { kind: 'decided' }; readings: number } {
  const readings: MemoryReading[] = [];
  for (;;) {
    const judgement = judgeLeak(readings, rule);
    if (judgement.kind === 'decided') return { judgement, readings: readings.length };
    for (let more = 0; more < judgement.cycles; more += 1) {
      const cycle = readings.length + 1;
      readings.push({ units: cycle * UNITS, bytes: 17e6 + bytes(cycle) });
    }
    if (readings.length > mostReadings(rule.cycles)) throw new Error('It asks for more than it may.');
  }
}

/** Noise of a healthy server, measured: mostly nothing, a few hundred bytes, now and then one large step. */
const NOISE = [0, 0, -112, 288, 16, 376, -392, 0, 280, 0, 0, -16, 96, 0, 0, 504, -264, -16, 0, 0];
const noise: Growth = (cycle) => NOISE[cycle % NOISE.length] ?? 0;

describe('judgeLeak', () => {
  it.each<[why: string, bytes: Growth, verdict: string, readings: number]>([
    ['nothing grows', () => 0, 'pass', 12],
    ['only noise', noise, 'pass', 12],
    ['a large step once', (cycle) => noise(cycle) + (cycle > 6 ? 142_200 : 0), 'pass', 24],
    ['a drift below the budget', (cycle) => cycle * UNITS * 30 + noise(cycle), 'pass', 12],
    ['a leak above the budget', (cycle) => cycle * UNITS * 120 + noise(cycle), 'fail', 24],
    ['a large leak', (cycle) => cycle * UNITS * 27_000, 'fail', 24],
    [
      'a leak in steps, as a Map that doubles',
      (cycle) => cycle * UNITS * 75 + 2 ** Math.ceil(Math.log2(cycle)) * 900,
      'fail',
      24,
    ],
    [
      'a cache full after 300 sessions',
      (cycle) => Math.min(cycle, 15) * UNITS * 1_100 + noise(cycle),
      'pass',
      36,
    ],
    [
      'a cache full early in the first stretch',
      (cycle) => Math.min(cycle, 4) * UNITS * 1_100 + noise(cycle),
      'pass',
      24,
    ],
    ['a cache full within the second stretch', (cycle) => Math.min(cycle, 20) * UNITS * 1_100, 'pass', 36],
    ['a warm-up that ends', (cycle) => 90_000 * (1 - Math.exp(-cycle / 4)), 'pass', 24],
    ['a growth that ever slows', (cycle) => 4e6 * Math.sqrt(cycle), 'invalid', 48],
  ])('%s', (_, bytes, verdict, readings) => {
    const { judgement, readings: seen } = watch(bytes);
    expect([judgement.verdict, seen, judgement.reason]).toEqual([verdict, readings, judgement.reason]);
  });

  it('says of a cache that it levelled off, and of a leak how much each session leaves', () => {
    const cache = watch((cycle) => Math.min(cycle, 15) * UNITS * 1_100).judgement;
    expect(cache.reason).toContain('levelled off');
    const leak = watch((cycle) => cycle * UNITS * 120).judgement;
    expect(leak.reason).toBe('every session leaves 120 B behind, and that had not stopped after 480 of them');
    expect(leak.decidedFrom).toBe(12);
  });

  it('is undecided about memory that goes up and down too much, and says what would have been seen', () => {
    const { judgement } = watch((cycle) => ((cycle * 7_919) % 101) * 8_000);
    expect(judgement.verdict).toBe('invalid');
    expect(judgement.reason).toContain('would have been seen');
    expect(judgement.detectableBytes).toBeGreaterThan(64);
  });

  it('is undecided about a growth that may be above the budget or below it', () => {
    const { judgement } = watch((cycle) => cycle * UNITS * 64 + noise(cycle));
    expect(judgement.verdict).toBe('invalid');
    expect(judgement.reason).toMatch(
      /^every session leaves .+ to .+ behind, which may be more or less than 64 B$/,
    );
  });

  it('never fails a server that only makes noise, and never passes a leak of four times the budget', () => {
    const noisy = fc.array(fc.integer({ min: -400, max: 400 }), { minLength: 100, maxLength: 100 });
    fc.assert(
      fc.property(noisy, (jitter) => {
        const at: Growth = (cycle) => jitter[cycle] ?? 0;
        expect(watch(at).judgement.verdict).not.toBe('fail');
        const leaking: Growth = (cycle) => at(cycle) + cycle * UNITS * 256;
        expect(watch(leaking).judgement.verdict).toBe('fail');
      }),
    );
  });

  it('does not mind how much memory there was before', () => {
    const units = fc.integer({ min: 0, max: 200 });
    fc.assert(
      fc.property(units, fc.integer({ min: 0, max: 1e9 }), (slope, base) => {
        const bytes: Growth = (cycle) => cycle * UNITS * slope + noise(cycle);
        const moved = watch((cycle) => base + bytes(cycle)).judgement;
        expect(moved.verdict).toBe(watch(bytes).judgement.verdict);
      }),
      { numRuns: 50 },
    );
  });
});
