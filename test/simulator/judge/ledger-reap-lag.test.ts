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
    title: 'ended while its stream was open: early, however long ago the last request was',
    play: (s) => s.open(1, 0).stream(1, 0).look(25, [1]).look(30, []).abandon(1, 40, 'destroyed'),
    lag: { early: 1, inTime: 1, certified: 0 },
  },
  {
    title: 'seen only while its stream was open: certifies nothing',
    play: (s) =>
      s.open(1, 0).stream(1, 0).look(12, [1]).streamClosed(1, 30, 'client').abandon(1, 30).look(40, []),
    lag: { tooCoarse: 1, certified: 0, early: 0, inTime: 1 },
  },
  {
    title: 'seen after the client closed its stream, then gone: certified',
    play: (s) =>
      s.open(1, 0).stream(1, 0).streamClosed(1, 30, 'client').abandon(1, 30).look(30.5, [1]).look(41, []),
    lag: { certified: 1, early: 0 },
    hiMs: [11_000],
  },
  {
    title: 'ended while a call was in flight that left in time: early',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 5);
      return s.look(14, [1]).look(16, []).aborted(1, call, 20, 60).abandon(1, 20);
    },
    lag: { early: 1 },
  },
  {
    title:
      'where streams protect nothing, its own stream tells when it ended: certified by that, and exactly',
    policy: { openStreamProtects: false },
    play: (s) => s.open(1, 0).stream(1, 0).streamClosed(1, 11, 'server').abandon(1, 12).notFound(1, 30),
    lag: { certified: 1, inTime: 1, maxHiMs: 11_000 },
    hiMs: [11_000],
  },
  {
    title: 'an ended stream alone is no ended session: nothing is known',
    policy: { openStreamProtects: false },
    play: (s) => s.open(1, 0).stream(1, 0).streamClosed(1, 11, 'server').abandon(1, 12),
    lag: { certified: 0, early: 0, tooCoarse: 0, inTime: 0 },
    hiMs: [],
  },
  {
    title: 'an ended stream, and a session that lived on: the stream tells nothing',
    policy: { openStreamProtects: false },
    play: (s) =>
      s.open(1, 0).stream(1, 0).streamClosed(1, 11, 'server').call(1, 12).abandon(1, 12).notFound(1, 60),
    lag: { certified: 0, early: 0, tooCoarse: 1, inTime: 0 },
    hiMs: [48_000],
  },
  {
    title: 'an ended stream, and a listing that shows the session after it: the stream tells nothing',
    policy: { openStreamProtects: false },
    play: (s) =>
      s.open(1, 0).stream(1, 0).streamClosed(1, 6, 'server').abandon(1, 6).look(7, [1]).look(60, []),
    lag: { certified: 0, early: 0, tooCoarse: 1, inTime: 0 },
  },
  {
    title:
      'a stream that the target ends before T, to have it opened again, makes no early end of a late look',
    policy: { openStreamProtects: false },
    play: (s) => s.open(1, 0).stream(1, 0).streamClosed(1, 5, 'server').abandon(1, 6).notFound(1, 16),
    lag: { early: 0, certified: 0, tooCoarse: 1 },
    hiMs: [16_000],
  },
  {
    title: 'where streams protect, one that the target ends with its session was ended early',
    play: (s) => s.open(1, 0).stream(1, 0).streamClosed(1, 30, 'server').abandon(1, 31).notFound(1, 32),
    lag: { early: 1 },
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
