import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findTimeout, ladder, rungsAt } from '../../simulator/canaries.ts';
import type { Clock } from '../../simulator/clock/clock.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import {
  type CanaryProbe,
  canaryCheck,
  MAX_CANARIES,
  planLadder,
} from '../../simulator/judge/canary-ladder.ts';
import { estimateTimeout } from '../../simulator/judge/timeout-estimate.ts';
import { type Reaper, ReaperModel } from './reaper-model.ts';

async function inTime<T>(story: (clock: Clock) => Promise<T>): Promise<T> {
  const time = new VirtualTime();
  try {
    return await time.drive(() => story(time.clock));
  } finally {
    time.uninstall();
  }
}

const PROMISE = { timeoutMs: 2_000, cleanupMs: 500, epsilonMs: 0 };

/** The verdict on a server that promises T = 2 s, C = 0.5 s. */
function judged(reaper: Reaper, canaries = 60) {
  return inTime(async (clock) => {
    const model = new ReaperModel(clock, reaper);
    const { probes, opened } = await ladder(clock, model, planLadder(PROMISE, { canaries }));
    return { check: canaryCheck(probes, PROMISE, opened), model, probes, endedAt: clock.now() };
  });
}

describe('a ladder of canaries, on a server that promises T = 2 s and C = 0.5 s', () => {
  it.each<[string, Reaper]>([
    ['sweeps', { kind: 'sweep', timeoutMs: 2_000, sweepMs: 500, phaseMs: 130 }],
    ['has a timer for each session', { kind: 'timer', timeoutMs: 2_000 }],
    ['looks when it is asked', { kind: 'lazy', timeoutMs: 2_000 }],
    [
      'sweeps, over a slow network',
      { kind: 'sweep', timeoutMs: 2_000, sweepMs: 500, thereMs: 40, backMs: 40 },
    ],
  ])('passes one that %s', async (_, reaper) => {
    const { check } = await judged(reaper);
    expect([check.verdict, check.reason]).toEqual(['pass', '']);
    expect(check.observed).toMatch(
      /^0 early of \d+ canaries \(rate <= \d+ % at 95 %\), 0 late of \d+ canaries/,
    );
    expect(check.observed).toMatch(/alive up to \S+ s; gone from \S+ s$/);
  });

  it.each<[string, Reaper, RegExp]>([
    [
      'T is really 1.5 s',
      { kind: 'timer', timeoutMs: 1_500 },
      /^early: a canary was answered 404 after 1\.\d+ s/,
    ],
    ['T is 1.9 s', { kind: 'timer', timeoutMs: 1_900 }, /^early: a canary was answered 404 after 1\.9\d* s/],
    ['T is a tenth', { kind: 'lazy', timeoutMs: 200 }, /^early/],
    ['T is really 1.5 s, swept', { kind: 'sweep', timeoutMs: 1_500, sweepMs: 500, phaseMs: 77 }, /^early/],
    [
      'it sweeps every 1.5 s',
      { kind: 'sweep', timeoutMs: 2_000, sweepMs: 1_500 },
      /^late: a canary was alive after/,
    ],
    ['it never reaps', { kind: 'never', timeoutMs: 2_000 }, /^late/],
  ])('fails one where %s', async (_, reaper, reason) => {
    const { check } = await judged(reaper);
    expect([check.verdict, check.reason]).toEqual(['fail', expect.stringMatching(reason)]);
    expect(check.evidence[0]).toBe(check.reason);
  });

  it('asks each canary once, and waits as long as the oldest needs', async () => {
    const { model, endedAt } = await judged({ kind: 'timer', timeoutMs: 2_000 });
    expect(model.sessions.map(({ touches }) => touches)).toEqual(Array.from({ length: 60 }, () => 1));
    // At most C to open them all, and T + C + g.
    expect(endedAt).toBeLessThanOrEqual(500 + 2_500 + 251);
  });

  it('cannot decide on a network too slow to tell one side of T from the other', async () => {
    const { check } = await judged({ kind: 'timer', timeoutMs: 2_000, thereMs: 400, backMs: 400 }, 9);
    expect(check.verdict).toBe('invalid');
    expect(check.reason).toContain('no canary was asked before T for sure');
  });

  it('cannot decide where no canary was opened', async () => {
    const { check } = await judged({ kind: 'timer', timeoutMs: 2_000, isShut: true });
    expect([check.verdict, check.reason]).toEqual(['invalid', 'the target opened none of the canaries']);
  });

  it('never accuses a server that keeps its promise, however slow the network', async () => {
    const servers = fc.record({
      kind: fc.constantFrom('sweep', 'timer', 'lazy'),
      timeoutMs: fc.constant(2_000),
      sweepMs: fc.integer({ min: 50, max: 500 }),
      phaseMs: fc.integer({ min: 0, max: 499 }),
      thereMs: fc.integer({ min: 0, max: 800 }),
      backMs: fc.integer({ min: 0, max: 800 }),
    });
    await fc.assert(
      fc.asyncProperty(servers, async (reaper) => {
        const { check } = await judged(reaper, 30);
        expect(check.verdict).not.toBe('fail');
      }),
      { numRuns: 60 },
    );
  });

  it('is bounded', () => {
    for (const canaries of [2, MAX_CANARIES + 1, 4.5]) {
      expect(() => planLadder(PROMISE, { canaries })).toThrow(`canaries: got ${canaries}, allowed`);
    }
  });
});

describe('the search for an unknown timeout', () => {
  const search = (reaper: Reaper, budgetMs = 600_000) =>
    inTime(async (clock) => {
      const model = new ReaperModel(clock, reaper);
      const found = await findTimeout(clock, model, { budgetMs });
      return { found, model, tookMs: clock.now() };
    });

  it('doubles the ages, then narrows them down', async () => {
    const { found, tookMs, model } = await search({ kind: 'timer', timeoutMs: 10_000 });
    expect(found).toMatchObject({ loMs: 9_500, hiMs: 10_000 });
    expect(found.confidence).toBe('longer than 9.5 s and at most 10 s: 9 sessions asked once each');
    expect(tookMs).toBeLessThanOrEqual(3 * 10_000);
    expect(Math.max(...model.sessions.map(({ touches }) => touches))).toBe(1);
  });

  it('says how long sessions live at least when none ended within the budget', async () => {
    const { found, tookMs } = await search({ kind: 'timer', timeoutMs: 300_000 }, 40_000);
    expect(found).toMatchObject({ loMs: 32_000, hiMs: null });
    expect(found.confidence).toBe('longer than 32 s: none had ended, 6 sessions asked once each');
    expect(tookMs).toBe(32_000);
  });

  it('stays coarse where a finer ladder would go beyond the budget', async () => {
    const { found } = await search({ kind: 'timer', timeoutMs: 10_000 }, 20_000);
    expect(found).toMatchObject({ loMs: 8_000, hiMs: 16_000 });
  });

  it('knows nothing of a server that opens no session', async () => {
    const { found } = await search({ kind: 'timer', timeoutMs: 1, isShut: true });
    expect(found).toMatchObject({ loMs: 0, hiMs: null, confidence: 'unknown: no session could be asked' });
  });

  const reapers: fc.Arbitrary<Reaper> = fc.record({
    kind: fc.constantFrom('sweep', 'timer', 'lazy'),
    timeoutMs: fc.integer({ min: 50, max: 60_000 }),
    sweepMs: fc.integer({ min: 10, max: 30_000 }),
    phaseMs: fc.integer({ min: 0, max: 30_000 }),
    thereMs: fc.integer({ min: 0, max: 300 }),
    backMs: fc.integer({ min: 0, max: 300 }),
  });

  it('always bounds the truth, whatever kind of server and network', async () => {
    await fc.assert(
      fc.asyncProperty(reapers, async (reaper) => {
        const { found } = await search(reaper, 200_000);
        const { timeoutMs, sweepMs = 0 } = reaper;
        const cleanupMs = reaper.kind === 'sweep' ? sweepMs : 0;
        // An interval that contains an end: T <= hi, T + C > lo. Without a sweep that is T itself.
        expect(found.loMs).toBeLessThan(timeoutMs + cleanupMs);
        if (found.hiMs !== null) expect(found.hiMs).toBeGreaterThanOrEqual(timeoutMs);
      }),
      { numRuns: 80 },
    );
  });
});

describe('an estimate', () => {
  const at = (ageMs: number, alive: boolean): CanaryProbe => ({ ageLoMs: ageMs, ageHiMs: ageMs + 10, alive });

  it.each<[string, CanaryProbe[], number, number | null, string]>([
    ['all gone at once', [at(100, false), at(50, false)], 0, 60, 'at most 60 ms: 2 sessions asked once each'],
    ['a sharp edge', [at(100, true), at(150, false)], 100, 160, 'longer than 100 ms and at most 160 ms'],
    [
      'a sweep: ends at different ages',
      [at(100, true), at(150, false), at(180, true), at(200, false)],
      100,
      210,
      'as with a sweep: one had ended by 160 ms, another was alive at 180 ms',
    ],
    ['alive beyond all that had gone', [at(150, false), at(180, true)], 0, null, 'as with a sweep'],
  ])('from %s', (_, probes, loMs, hiMs, words) => {
    const estimate = estimateTimeout(probes);
    expect([estimate.loMs, estimate.hiMs]).toEqual([loMs, hiMs]);
    expect(estimate.confidence).toContain(words);
  });
});

describe('a ladder', () => {
  it('that is stopped gives back what it has', async () => {
    const climbed = await inTime(async (clock) => {
      const stop = new AbortController();
      clock.at(1_500, () => stop.abort());
      const model = new ReaperModel(clock, { kind: 'timer', timeoutMs: 5_000 });
      const { probes, opened } = await ladder(clock, model, rungsAt([1_000, 2_000]), { signal: stop.signal });
      return { probes, opened, now: clock.now() };
    });
    expect(climbed).toEqual({
      probes: [{ ageLoMs: 1_000, ageHiMs: 1_000, alive: true }],
      opened: 2,
      now: 1_500,
    });
  });

  it('has a highest number of rungs', async () => {
    await inTime(async (clock) => {
      const model = new ReaperModel(clock, { kind: 'never', timeoutMs: 0 });
      const many = rungsAt(Array.from({ length: MAX_CANARIES + 1 }, () => 1));
      await expect(ladder(clock, model, many)).rejects.toThrow('rungs: got 301, allowed: at most 300');
    });
  });
});
