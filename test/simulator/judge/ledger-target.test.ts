import type { Policy } from '../../../simulator/judge/policy.ts';
import { table } from './ledger-table.ts';

const evict: Partial<Policy> = { maxSessions: 2, capRule: 'evict-idle' };

table('The cap', [
  {
    title: 'a call in flight whose answer comes at once: it may have been over, its session idle and evicted',
    policy: evict,
    epsilonMs: 100,
    play: (s) => {
      s.open(1, 0).open(2, 0);
      const call = s.send(1, 1);
      s.look(2, [1, 2]).open(3, 2.5).look(3, [2, 3]).served(1, call, 3.05);
    },
  },
  {
    title: 'an open stream that the server ends at once: its session was not idle',
    policy: evict,
    epsilonMs: 100,
    play: (s) =>
      s
        .open(1, 0)
        .stream(1, 0)
        .open(2, 0)
        .look(2, [1, 2])
        .open(3, 2.5)
        .look(3, [2, 3])
        .streamClosed(1, 3.05, 'server'),
    lost: [1],
  },
  {
    title: 'others fill the target to its cap: evicted, and that is excused',
    policy: { maxSessions: 5, capRule: 'evict-idle' },
    play: (s) =>
      s.look(0, ['x']).open(1, 1).open(2, 1).look(2, [1, 2, 'x', 'y', 'z']).look(3, [2, 'x', 'y', 'z']),
  },
  {
    title: 'an idle session missing while the target is at its cap: evicted, and that is excused',
    policy: evict,
    play: (s) => s.open(1, 0).open(2, 1).look(2, [1, 2]).open(3, 3).look(4, [2, 3]),
  },
  {
    title: 'its next request gets 404: excused as well',
    policy: evict,
    play: (s) => s.open(1, 0).open(2, 1).open(3, 3).notFound(1, 4).look(5, [2, 3]),
  },
  {
    title: 'once excused always excused, though the cap is no longer reached',
    policy: evict,
    play: (s) =>
      s
        .open(1, 0)
        .open(2, 1)
        .open(3, 3)
        .look(4, [2, 3])
        .delete(2, 5)
        .delete(3, 5)
        .look(6, [])
        .look(7, [])
        .notFound(1, 8),
  },
  {
    title: 'a session with a call in flight is evicted: not excused',
    policy: evict,
    play: (s) => {
      s.open(1, 0).open(2, 0).look(1, [1, 2]);
      const call = s.send(1, 0.5);
      s.open(3, 3).look(4, [2, 3]).aborted(1, call, 5, 60);
    },
    lost: [1],
    when: 4,
  },
  {
    title: 'a session with an open stream is evicted: not excused',
    policy: evict,
    play: (s) => s.open(1, 0).stream(1, 0).open(2, 0).look(1, [1, 2]).open(3, 3).look(4, [2, 3]),
    lost: [1],
    when: 4,
  },
  {
    title: 'a session is missing below the cap: not excused',
    policy: { maxSessions: 5, capRule: 'evict-idle' },
    play: (s) => s.open(1, 0).open(2, 1).look(2, [1, 2]).open(3, 3).look(4, [2, 3]),
    lost: [1],
    when: 4,
  },
  {
    title: 'a target that refuses at its cap has no excuse',
    policy: { maxSessions: 2, capRule: 'refuse' },
    play: (s) => s.open(1, 0).open(2, 1).look(2, [1, 2]).open(3, 3).look(4, [2, 3]),
    lost: [1],
    when: 4,
  },
]);

table('Shutdown', [
  {
    title: 'signalled: a session opened after that is owed nothing',
    play: (s) => s.signal(1).open(1, 2).look(3, []),
  },
  {
    title: 'signalled: missing sessions are fine from then on',
    play: (s) =>
      s.open(1, 0).stream(1, 0).signal(5).streamClosed(1, 5.5, 'server').look(6, []).notFound(1, 7),
  },
  {
    title: 'signalled: what was missing before that is still lost',
    play: (s) => s.open(1, 0).look(4, []).signal(5),
    lost: [1],
  },
  {
    title: 'signalled: sessions may stay as long as before',
    play: (s) => s.open(1, 0).signal(5).look(6, [1]).look(12, [1]),
  },
  {
    title: 'exited: none may remain',
    play: (s) => s.open(1, 0).exit(5).look(6, [1]),
    leaked: [1],
  },
  {
    title: 'exited without a signal: sessions lost with it are no matter of the idle rule',
    play: (s) => s.open(1, 0).exit(5).look(6, []),
  },
  {
    title: 'a target started again after its exit is under the full policy',
    play: (s) => s.open(1, 0).signal(4).exit(5).open(2, 6).look(7, []),
    lost: [2],
  },
]);

table('Sessions of others', [
  {
    title: 'listed before the run: known as foreign from then on',
    play: (s) => s.look(0, ['x', 'y']).open(1, 1).look(2, ['x', 'y', 1]),
  },
  {
    title: 'a new stranger on a target used by others: not held against anyone',
    play: (s) => s.look(0, ['x']).open(1, 1).look(2, ['x', 'z', 1]),
  },
  {
    title: 'counted before the run: taken off the counts',
    play: (s) => s.count(0, 3).open(1, 1).count(2, 4),
  },
  {
    title: 'counted before the run: one too few is a loss, one too many a leak',
    play: (s) => s.count(0, 3).open(1, 1).count(2, 3).count(3, 5),
    lost: [null],
    leaked: [null],
  },
  {
    title: 'stated by hand',
    play: (s) => {
      s.ledger.setForeign({ before: 3, after: 3 });
      s.open(1, 1).count(2, 4);
    },
  },
]);

table('Samples', [
  {
    title: 'a sample that was long under way accuses nobody of what changed meanwhile',
    play: (s) => s.open(1, 0).open(2, 0).delete(1, 5).abandon(2, 1).look(13, [1], { since: 4 }),
  },
  {
    title: 'a stale sample accuses nobody either',
    play: (s) => s.open(1, 0).open(2, 9).delete(1, 5).look(10, [1], { stale: 6 }),
  },
  {
    title: 'a fresh one does, of both',
    play: (s) => s.open(1, 0).open(2, 9).delete(1, 5).look(10, [1]),
    lost: [2],
    leaked: [1],
  },
  {
    title: 'within ε of the end of must and of may nobody is blamed',
    epsilonMs: 100,
    play: (s) => s.open(1, 0).open(2, 0).abandon(1, 1).abandon(2, 1).look(9.95, [1]).look(12.05, [1]),
  },
  {
    title: 'beyond ε somebody is',
    epsilonMs: 100,
    play: (s) => s.open(1, 0).open(2, 0).abandon(1, 1).abandon(2, 1).look(9.85, [1]).look(12.15, [1]),
    lost: [2],
    leaked: [1],
    when: 9.85,
  },
  {
    title: 'a listing with fewer entries than its count is no proof that somebody is missing',
    play: (s) => s.open(1, 0).open(2, 0).look(1, [1], { count: 2 }),
  },
]);

table('Counts only', [
  {
    title: 'opened at the very instant of the count: either is right',
    play: (s) => s.open(1, 0).open(2, 1).count(1, 1),
  },
  {
    title: 'lost by a 404: the count does not accuse it again',
    play: (s) => s.open(1, 0).open(2, 0).notFound(2, 5).count(6, 1),
    lost: [2],
  },
  {
    title: 'between must and may: right',
    play: (s) => s.open(1, 0).open(2, 0).initialize(3, 1).count(1, 2).count(1, 3),
  },
  {
    title: 'fewer than must live: somebody is lost',
    play: (s) => s.open(1, 0).open(2, 0).count(1, 1),
    lost: [null],
  },
  {
    title: 'more than may live: somebody is leaked',
    play: (s) => s.open(1, 0).delete(1, 1).open(2, 0).count(2, 2),
    leaked: [null],
  },
  {
    title: 'a call without its answer obliges nobody here',
    play: (s) => {
      s.open(1, 0);
      s.send(1, 1);
      s.count(12, 0);
    },
  },
  {
    title: 'a leak hidden behind a kill: counts cannot see it',
    play: (s) => s.open(1, 0).delete(1, 1).open(2, 0).count(2, 1),
  },
  {
    title: 'a leak hidden behind a kill: sets can',
    play: (s) => s.open(1, 0).delete(1, 1).open(2, 0).look(2, [1]),
    lost: [2],
    leaked: [1],
  },
  {
    title: 'evicted at the cap: excused here too',
    policy: evict,
    play: (s) => s.open(1, 0).open(2, 1).open(3, 3).count(4, 2),
  },
]);
