import { describe, expect, it } from 'vitest';
import {
  MAX_BINS,
  MAX_GROUPS,
  type ReapedSession,
  ReapHistogram,
} from '../../../simulator/judge/reap-histogram.ts';

const reaped = (changes: Partial<ReapedSession> = {}): ReapedSession => ({
  rule: 'idle',
  timeoutMs: 1_000,
  fromMs: 1_000,
  toMs: 1_500,
  goneMs: 1_200,
  verdict: 'certified',
  ...changes,
});

function histogramOf(sessions: readonly ReapedSession[]) {
  const histogram = new ReapHistogram();
  for (const session of sessions) histogram.add(session);
  return histogram.groups();
}

describe('the histogram of reaped sessions', () => {
  it('counts each verdict apart, and those that never went in no bin', () => {
    const groups = histogramOf([
      reaped(),
      reaped({ goneMs: 1_200.9 }),
      reaped({ goneMs: 900, verdict: 'early' }),
      reaped({ goneMs: undefined, verdict: 'late' }),
    ]);
    expect(groups).toEqual([
      {
        rule: 'idle',
        fromMs: 1_000,
        toMs: 1_500,
        stillThere: 1,
        binMs: 10,
        bins: [
          { at: 90, certified: 0, early: 1, late: 0, tooCoarse: 0 },
          { at: 120, certified: 2, early: 0, late: 0, tooCoarse: 0 },
        ],
      },
    ]);
  });

  it('stays bounded, loses nobody, and is the same in any order', () => {
    const sessions = Array.from({ length: 5_000 }, (_, n) => reaped({ goneMs: (n * 7_919) % 3_600_000 }));
    const [group] = histogramOf(sessions);
    expect(group?.bins.length).toBeLessThanOrEqual(MAX_BINS);
    expect(group?.bins.reduce((sum, { certified }) => sum + certified, 0)).toBe(5_000);
    expect(histogramOf(sessions.toReversed())).toEqual([group]);
  });

  it('keeps rules and timeouts apart, up to a number', () => {
    const rules = ['idle', 'handshake', 'stream'] as const;
    expect(histogramOf(rules.map((rule) => reaped({ rule }))).map(({ rule }) => rule)).toEqual(rules);
    const many = Array.from({ length: 100 }, (_, n) => reaped({ timeoutMs: n }));
    const groups = histogramOf(many);
    expect(groups).toHaveLength(MAX_GROUPS);
    expect(groups.flatMap(({ bins }) => bins).reduce((sum, { certified }) => sum + certified, 0)).toBe(100);
  });

  it('says null where nothing bounds it', () => {
    expect(histogramOf([reaped({ toMs: Number.POSITIVE_INFINITY })])).toMatchObject([
      { fromMs: 1_000, toMs: null },
    ]);
  });
});
