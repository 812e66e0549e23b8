import { describe, expect, test } from 'vitest';
import type { LedgerReport } from '../../../simulator/judge/ledger-report.ts';
import type { Policy } from '../../../simulator/judge/policy.ts';
import { Script } from './ledger-script.ts';

type Lag = LedgerReport['reapLag'];

interface Case {
  readonly title: string;
  readonly policy?: Partial<Policy>;
  readonly epsilonMs?: number;
  readonly play: (script: Script) => unknown;
  readonly lag: Partial<Lag>;
  /** What the metric gets, ms. */
  readonly hiMs?: number[];
}

const CASES: readonly Case[] = [
  {
    title: 'gone before T: early',
    play: (s) => s.open(1, 0).abandon(1, 1).look(8, [1]).look(9, []),
    lag: { early: 1, inTime: 1, maxHiMs: 9_000 },
    hiMs: [9_000],
  },
  {
    title: 'gone before T, but within ε of it: not early',
    epsilonMs: 1_000,
    play: (s) => s.open(1, 0).abandon(1, 1).look(8, [1]).look(9, []),
    lag: { early: 0, tooCoarse: 1 },
    hiMs: [9_000],
  },
  {
    title: 'seen after T + C: late, and its end still measured',
    play: (s) => s.open(1, 0).abandon(1, 1).look(12.5, [1]).look(13, []),
    lag: { late: 1, inTime: 0, maxHiMs: 13_000 },
    hiMs: [13_000],
  },
  {
    title: 'still there when the run ends: late, without an end',
    play: (s) => s.open(1, 0).abandon(1, 1).look(12.5, [1]).look(50, [1]),
    lag: { late: 1, maxHiMs: null },
    hiMs: [],
  },
  {
    title: 'seen at T, gone by T + C: certified',
    play: (s) => s.open(1, 0).abandon(1, 1).look(10.5, [1]).look(11.5, []),
    lag: { certified: 1, inTime: 1 },
    hiMs: [11_500],
  },
  {
    title: 'last seen before T, gone by T + C: in time, but perhaps early',
    play: (s) => s.open(1, 0).abandon(1, 1).look(9, [1]).look(11, []),
    lag: { tooCoarse: 1, inTime: 1 },
    hiMs: [11_000],
  },
  {
    title: 'seen at T, next look after T + C: perhaps late',
    play: (s) => s.open(1, 0).abandon(1, 1).look(11, [1]).look(20, []),
    lag: { tooCoarse: 1, inTime: 0 },
    hiMs: [20_000],
  },
  {
    title: 'a slow call: late counts from its answer, early from its send',
    play: (s) => s.open(1, 0).call(1, 0, 5).abandon(1, 6).look(16.9, [1]).look(17, []),
    lag: { certified: 1, late: 0, early: 0 },
    hiMs: [17_000],
  },
  {
    title: 'a slow call: seen T after its send is not yet due for sure',
    play: (s) => s.open(1, 0).call(1, 0, 5).abandon(1, 6).look(11, [1]).look(14, []),
    lag: { tooCoarse: 1, certified: 0, early: 0 },
    hiMs: [14_000],
  },
  {
    title: 'missing, then listed by a sample that may be older: still gone when it was missing',
    play: (s) =>
      s.open(1, 0).look(10.5, [1]).look(11, []).look(11.5, [1], { stale: 1 }).abandon(1, 12).look(13, []),
    lag: { certified: 1 },
    hiMs: [11_000],
  },
  {
    title: 'vanished with a stream: D more before it is late, counted from the loss of the stream',
    play: (s) => s.open(1, 0).stream(1, 0).abandon(1, 6, 'destroyed').look(20.5, [1]).look(21, []),
    lag: { certified: 1, inTime: 1 },
    hiMs: [15_000],
  },
  {
    title: 'half a handshake: H takes the place of T',
    play: (s) => s.open(1, 0, { half: true }).abandon(1, 0).look(5, [1]).look(5.5, []),
    lag: { certified: 1 },
    hiMs: [5_500],
  },
  {
    title: 'half a handshake, gone before H: early',
    play: (s) => s.open(1, 0, { half: true }).abandon(1, 0).look(3, []),
    lag: { early: 1 },
    hiMs: [3_000],
  },
  {
    title: 'half a handshake, seen after H + C: late',
    play: (s) => s.open(1, 0, { half: true }).abandon(1, 0).look(6.5, [1]).look(7, []),
    lag: { late: 1 },
    hiMs: [7_000],
  },
  {
    title: 'a client that still lives finds out by its 404',
    play: (s) => s.open(1, 0).look(10.5, [1]).notFound(1, 11.5),
    lag: { certified: 1 },
    hiMs: [11_500],
  },
  {
    title: 'ended by DELETE: no reaping',
    play: (s) => s.open(1, 0).delete(1, 1).look(2, []),
    lag: { early: 0, tooCoarse: 0, certified: 0 },
    hiMs: [],
  },
  {
    title: 'DELETE refused: reaped after all, though nothing obliged the target to wait',
    play: (s) => s.open(1, 0).delete(1, 1, 1, 405).abandon(1, 1).look(2, []),
    lag: { early: 0, tooCoarse: 1 },
    hiMs: [2_000],
  },
  {
    title: 'ended by a shutdown: no reaping',
    play: (s) => s.open(1, 0).abandon(1, 0).signal(1).look(2, []),
    lag: { early: 0, tooCoarse: 0, certified: 0 },
    hiMs: [],
  },
  {
    title: 'evicted at the cap: no reaping',
    policy: { maxSessions: 1, capRule: 'evict-idle' },
    play: (s) => s.open(1, 0).abandon(1, 0).open(2, 1).look(2, [2]),
    lag: { early: 0, tooCoarse: 0, certified: 0 },
    hiMs: [],
  },
];

describe('Reap lag', () => {
  test.each(CASES)('$title', ({ policy, epsilonMs = 0, play, lag, hiMs }) => {
    const script = new Script(policy, epsilonMs);
    play(script);
    const { reapLag } = script.close(1_000);
    expect(reapLag).toMatchObject({ early: 0, late: 0, certified: 0, tooCoarse: 0, ...lag });
    if (hiMs) expect(script.lags).toEqual(hiMs);
  });

  test('says of an early end which session, when, and by how much', () => {
    const script = new Script();
    script.open(7, 0).abandon(7, 1).look(8, [7]).look(9, []);
    expect(script.close(20).reapLag.wrong).toEqual({
      total: 1,
      first: [
        {
          session: 7,
          fromMs: 8_000,
          toMs: 9_000,
          byMs: 1_000,
          why: 'early: last served request was sent at 0.000 s, T = 10 s, gone at 9.000 s',
        },
      ],
    });
  });
});
