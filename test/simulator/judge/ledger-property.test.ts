import { describe, expect, test } from 'vitest';
import { type Defect, playModel } from './ledger-model.ts';

const SEEDS = 300;
const DEFECT_SEEDS = 40;

/** What a defect must be found as, over all its seeds together. */
const DEFECTS: readonly {
  defect: Defect;
  is: 'lost' | 'leaked';
  byCounts: boolean;
  streamLostMs?: number;
}[] = [
  { defect: 'no-reaper', is: 'leaked', byCounts: true },
  { defect: 'from-creation', is: 'lost', byCounts: true },
  { defect: 'kills-in-flight', is: 'lost', byCounts: false },
  { defect: 'ignores-streams', is: 'lost', byCounts: true },
  { defect: 'delete-keeps', is: 'leaked', byCounts: true },
  { defect: 'ignores-window', is: 'leaked', byCounts: true, streamLostMs: 600 },
  { defect: 'halves-window', is: 'lost', byCounts: false, streamLostMs: 1_200 },
  { defect: 'window-for-all', is: 'lost', byCounts: true, streamLostMs: 600 },
];

const HEALTHY = (['listing', 'counts'] as const).flatMap((observes) =>
  [null, 600, 5_000].map((streamLostMs) => ({ observes, streamLostMs })),
);

describe('A ledger on random clients', () => {
  test.each(HEALTHY)('never accuses a server without fault ($observes, S: $streamLostMs)', (world) => {
    let judged = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const report = playModel(seed, 'none', world.observes, world);
      const { lost, leaked, reapLag, ends, attempts } = report;
      const { early, late } = reapLag;
      expect({ seed, lost: lost.first, leaked: leaked.first, early, late }).toEqual({
        seed,
        lost: [],
        leaked: [],
        early: 0,
        late: 0,
      });
      expect(Object.values(ends).reduce((sum, n) => sum + n, 0)).toBe(attempts.opened);
      judged += report.judged.held;
    }
    expect(judged).toBeGreaterThan(SEEDS * 20);
  });

  test.each(DEFECTS)('finds $defect, as sessions $is', ({ defect, is, byCounts, streamLostMs = null }) => {
    for (const observes of ['listing', 'counts'] as const) {
      if (observes === 'counts' && !byCounts) continue;
      let accused = 0;
      let otherwise = 0;
      for (let seed = 1; seed <= DEFECT_SEEDS; seed += 1) {
        const report = playModel(seed, defect, observes, { streamLostMs });
        if (report[is].total > 0) accused += 1;
        if (report[is === 'lost' ? 'leaked' : 'lost'].total > 0) otherwise += 1;
      }
      // At the cap a leak is bounded by evictions, and a kill excused by them.
      expect(accused, observes).toBeGreaterThan(DEFECT_SEEDS / 2);
      expect(otherwise, observes).toBeLessThan(accused);
    }
  });
});
