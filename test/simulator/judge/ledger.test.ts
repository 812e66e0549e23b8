import { describe, expect, test } from 'vitest';
import type { Policy } from '../../../simulator/judge/policy.ts';
import { Script, sessionsOf } from './ledger-script.ts';

interface Case {
  /** What happens, and what the ledger must make of it. */
  readonly title: string;
  readonly policy?: Partial<Policy>;
  readonly epsilonMs?: number;
  readonly play: (script: Script) => unknown;
  readonly lost?: (number | null)[];
  readonly leaked?: (number | null)[];
}

function table(name: string, cases: readonly Case[]): void {
  describe(name, () => {
    test.each(cases)('$title', ({ policy, epsilonMs = 0, play, lost = [], leaked = [] }) => {
      const script = new Script(policy, epsilonMs);
      play(script);
      const report = script.close(1_000);
      expect({ lost: sessionsOf(report.lost), leaked: sessionsOf(report.leaked) }).toEqual({ lost, leaked });
    });
  });
}

const never = { sessionTimeoutMs: null };
const noHandshake = { handshakeTimeoutMs: null };
const evict: Partial<Policy> = { maxSessions: 2, capRule: 'evict-idle' };

table('Initialize', [
  {
    title: 'unanswered and listed: the target may hold what it has not answered yet',
    play: (s) => s.initialize(1, 0).look(1, [1]).answer(1, 2).call(1, 2).look(3, [1]),
  },
  {
    title: 'unanswered and not listed: it must not hold it either',
    play: (s) => s.initialize(1, 0).look(1, []).answer(1, 2).call(1, 2),
  },
  {
    title: 'answered while the sample was under way: missing is right, the answer may have come later',
    play: (s) => s.initialize(1, 0).answer(1, 1.5).look(2, [], { since: 1 }).call(1, 2).look(3, [1]),
  },
  {
    title: 'answered while the sample was under way: listed is right too',
    play: (s) => s.initialize(1, 0).answer(1, 1.5).look(2, [1], { since: 1 }),
  },
  {
    title: 'answered before the sample and not listed: lost',
    play: (s) => s.open(1, 0).look(1, [], { since: 0.5 }),
    lost: [1],
  },
  {
    title: 'refused, but a session nobody knows is listed from then on: leaked',
    play: (s) => s.initialize(1, 0).event(1, 1, { kind: 'initialize-refused', status: 400 }).look(2, ['x']),
    leaked: [null],
  },
  {
    title: 'refused, and a session was listed only while it was being refused: tolerated',
    play: (s) =>
      s
        .initialize(1, 0)
        .look(0.5, ['x'])
        .event(1, 1, { kind: 'initialize-refused', status: 400 })
        .look(2, [])
        .look(3, []),
  },
  {
    title: 'lost, and one unknown session listed until its handshake deadline: explained',
    play: (s) =>
      s
        .initialize(1, 0)
        .event(1, 1, { kind: 'initialize-lost', longestMs: 1_000 })
        .look(2, ['x'])
        .look(7, ['x'])
        .look(8, []),
  },
  {
    title: 'lost, and the unknown session outlives longest + H + C: leaked',
    play: (s) =>
      s.initialize(1, 0).event(1, 1, { kind: 'initialize-lost', longestMs: 1_000 }).look(7.5, ['x']),
    leaked: [null],
  },
  {
    title: 'one lost, two unknown sessions listed: it explains one of them',
    play: (s) =>
      s.initialize(1, 0).event(1, 1, { kind: 'initialize-lost', longestMs: 1_000 }).look(2, ['x', 'y']),
    leaked: [null],
  },
  {
    title: 'two lost, the older explains what was seen early, the younger what was seen late',
    play: (s) => {
      s.initialize(1, 0).event(1, 0, { kind: 'initialize-lost', longestMs: 0 });
      s.look(1, ['x']);
      s.initialize(2, 4).event(2, 4, { kind: 'initialize-lost', longestMs: 0 });
      s.look(5, ['x', 'y']).look(9, ['y']);
    },
  },
]);

table('DELETE', [
  {
    title: 'in flight during a sample, not listed: either is right',
    play: (s) =>
      s
        .open(1, 0)
        .event(1, 1, { kind: 'delete-sent' })
        .look(2, [])
        .event(1, 3, { kind: 'delete-answered', status: 200 }),
  },
  {
    title: 'in flight during a sample, listed: either is right',
    play: (s) =>
      s
        .open(1, 0)
        .event(1, 1, { kind: 'delete-sent' })
        .look(2, [1])
        .event(1, 3, { kind: 'delete-answered', status: 204 }),
  },
  {
    title: 'sent while the sample was under way, not listed: right',
    play: (s) => s.open(1, 0).delete(1, 1.5, 1.6).look(2, [], { since: 1 }),
  },
  {
    title: 'answered 200 before the sample, still listed: leaked',
    play: (s) => s.open(1, 0).delete(1, 1).look(2, [1]),
    leaked: [1],
  },
  {
    title: 'answered 200, the book long closed, listed again: leaked, and only once',
    play: (s) => s.open(1, 0).delete(1, 1).look(2, []).look(3, [1]).look(4, [1]),
    leaked: [1],
  },
  {
    title: 'answered 200, the book long closed, and a request is served: leaked',
    play: (s) => s.open(1, 0).delete(1, 1).look(2, []).call(1, 3),
    leaked: [1],
  },
  {
    title: 'answered 405: the session goes on under the idle rule',
    play: (s) => s.open(1, 0).delete(1, 1, 2, 405).look(13, [1]).look(14, [1]).look(15, []),
  },
  {
    title: 'answered 405 and still listed beyond T + C after that: leaked',
    play: (s) => s.open(1, 0).delete(1, 1, 2, 405).look(14.1, [1]),
    leaked: [1],
  },
  {
    title: 'answered 404: gone, whoever ended it',
    play: (s) => s.open(1, 0).delete(1, 1, 1, 404).look(2, []),
  },
  {
    title: 'lost: the target may have ended the session, or keep it for T + C',
    play: (s) =>
      s
        .open(1, 0)
        .open(2, 0)
        .event(1, 1, { kind: 'delete-sent' })
        .event(1, 2, { kind: 'delete-lost' })
        .look(3, [1, 2])
        .look(4, [2]),
  },
  {
    title: 'lost, and still listed beyond T + C: leaked',
    play: (s) =>
      s
        .open(1, 0)
        .event(1, 1, { kind: 'delete-sent' })
        .event(1, 2, { kind: 'delete-lost' })
        .abandon(1, 2)
        .look(14.5, [1]),
    leaked: [1],
  },
]);

table('Calls', [
  {
    title: 'in flight for longer than T: the session must live, and does',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 1);
      s.look(20, [1]).served(1, call, 30).look(31, [1]).delete(1, 32);
    },
  },
  {
    title: 'in flight for longer than T, but the session is not listed: lost once the call is answered',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 1);
      s.look(20, []).served(1, call, 30);
    },
    lost: [1],
  },
  {
    title: 'in flight, the session not listed, and the answer never comes: lost all the same',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 1);
      s.look(20, []).aborted(1, call, 30, 60);
    },
    lost: [1],
  },
  {
    title: 'in flight, the session not listed, nothing decided when the run ends: lost',
    play: (s) => {
      s.open(1, 0);
      s.send(1, 1);
      s.look(20, []);
    },
    lost: [1],
  },
  {
    title: 'in flight while missing, but it cannot run that long: the idle rule had taken over',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 1);
      s.look(20, []).aborted(1, call, 30, 5);
    },
  },
  {
    title: 'in flight while missing, later answered 404: it came too late to protect',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 11);
      s.look(13, [], { since: 12 }).served(1, call, 14, true);
    },
  },
  {
    title: 'sent after the protection ran out and never answered: it proves nothing',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 11);
      s.look(13, [], { since: 12 }).aborted(1, call, 40, 60);
    },
  },
  {
    title: 'answered 404 while another call obliged the target: lost',
    play: (s) => s.open(1, 0).call(1, 5).notFound(1, 9),
    lost: [1],
  },
  {
    title: 'answered 404 while a long call was in flight, which is then cut off: lost',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 1);
      s.notFound(1, 20).aborted(1, call, 20.1, 60);
    },
    lost: [1],
  },
  {
    title: 'two in flight, both answered 404 after T: nothing else obliged the target',
    play: (s) => {
      s.open(1, 0);
      const [one, two] = [s.send(1, 11), s.send(1, 11)];
      s.served(1, one, 12, true).served(1, two, 12, true);
    },
  },
  {
    title: 'answered 404 across the end of T: the request may have arrived after it',
    play: (s) => s.open(1, 0).notFound(1, 9.9, 10),
  },
  {
    title: 'the shorter of two overlapping calls ends first: the longer still protects',
    play: (s) => {
      s.open(1, 0);
      const long = s.send(1, 1);
      s.call(1, 2, 3).look(20, []).served(1, long, 30);
    },
    lost: [1],
  },
  {
    title: 'aborted: it may go on in the target until its longest, and the session T + C after that',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 1);
      s.aborted(1, call, 2, 20).abandon(1, 2).look(33, [1]).look(34, []);
    },
  },
  {
    title: 'aborted, and listed beyond longest + T + C: leaked',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 1);
      s.aborted(1, call, 2, 20).abandon(1, 2).look(33.1, [1]);
    },
    leaked: [1],
  },
  {
    title: 'aborted: from then on the idle rule runs from the last served request',
    play: (s) => {
      s.open(1, 0);
      const call = s.send(1, 1);
      s.aborted(1, call, 9, 20).look(9.5, []);
    },
    lost: [1],
  },
  {
    title: 'a policy under which calls do not protect: only T from the send does',
    policy: { callProtects: false },
    play: (s) => {
      s.open(1, 0).open(2, 0);
      const [one, two] = [s.send(1, 1), s.send(2, 1)];
      s.look(10.5, [2]).look(12, []).served(1, one, 30).served(2, two, 30, true);
    },
    lost: [1],
  },
]);

table('Streams', [
  {
    title: 'open and read: the session must live for ever',
    play: (s) => s.open(1, 0).stream(1, 1).look(500, []),
    lost: [1],
  },
  {
    title: 'open, under a policy where streams do not protect: T decides what must',
    policy: { openStreamProtects: false },
    play: (s) => s.open(1, 0).stream(1, 1).look(12, []).streamClosed(1, 12, 'server'),
  },
  {
    title: 'closed by the client: protection ends with it, tolerance T + C later',
    play: (s) =>
      s
        .open(1, 0)
        .open(2, 0)
        .stream(1, 1)
        .stream(2, 1)
        .streamClosed(1, 50, 'client')
        .streamClosed(2, 50, 'client')
        .look(50.5, [2])
        .look(62, [2])
        .look(63, []),
  },
  {
    title: 'ended by the server, and the session with it: lost',
    play: (s) => s.open(1, 0).stream(1, 1).streamClosed(1, 50, 'server').look(50.5, []),
    lost: [1],
  },
  {
    title: 'ended by the server, the session T after that: right',
    play: (s) => s.open(1, 0).stream(1, 1).streamClosed(1, 50, 'server').look(59, [1]).look(60, []),
  },
  {
    title: 'frozen: it may pass for alive for D, then T + C',
    play: (s) => s.open(1, 0).stream(1, 1).abandon(1, 20, 'frozen').look(35, [1]).look(36, []),
  },
  {
    title: 'frozen and listed beyond D + T + C: the dead stream pins the session',
    play: (s) => s.open(1, 0).stream(1, 1).abandon(1, 20, 'frozen').look(35.1, [1]),
    leaked: [1],
  },
  {
    title: 'frozen: the session owes nothing to a peer that is dead',
    play: (s) => s.open(1, 0).stream(1, 1).abandon(1, 20, 'frozen').look(20.5, []),
  },
  {
    title: 'frozen where D is not promised: it may stay for ever',
    policy: { deadPeerMs: null },
    play: (s) => s.open(1, 0).stream(1, 1).abandon(1, 20, 'frozen').look(900, [1]),
  },
  {
    title: 'frozen with S instead of D: S, then T + C',
    policy: { deadPeerMs: null, streamLostMs: 1_000 },
    play: (s) => s.open(1, 0).stream(1, 1).abandon(1, 20, 'frozen').look(33, [1]).look(33.1, [1]),
    leaked: [1],
  },
  {
    title: 'lost where S is shorter than T: the session may go at S',
    policy: { streamLostMs: 1_000 },
    play: (s) =>
      s.open(1, 0).stream(1, 1).call(1, 19).streamClosed(1, 20, 'vanished').look(20.5, [1]).look(21, []),
  },
  {
    title: 'lost where S is shorter than T, the session gone before S: lost',
    policy: { streamLostMs: 1_000 },
    play: (s) => s.open(1, 0).stream(1, 1).call(1, 19).streamClosed(1, 20, 'vanished').look(20.5, []),
    lost: [1],
  },
  {
    title: 'frozen with a call in flight: longest + D + T + C',
    play: (s) => {
      s.open(1, 0).open(2, 0);
      const [one, two] = [s.send(1, 1), s.send(2, 1)];
      s.aborted(1, one, 2, 4).abandon(1, 2, 'frozen').aborted(2, two, 2, 4).abandon(2, 2, 'frozen');
      s.look(20, [1, 2]).look(20.1, [2]);
    },
    leaked: [2],
  },
]);

table('Abandoned sessions', [
  {
    title: 'silently, without a stream: T + C, to the instant',
    play: (s) =>
      s.open(1, 0).call(1, 5).abandon(1, 6).look(15.999, [1], { since: 14.9 }).look(17, [1]).look(17.001, []),
  },
  {
    title: 'silently, listed beyond T + C: leaked',
    play: (s) => s.open(1, 0).call(1, 5).abandon(1, 6).look(17.001, [1]),
    leaked: [1],
  },
  {
    title: 'silently, missing just before T: lost',
    play: (s) => s.open(1, 0).call(1, 5).abandon(1, 6).look(14.999, []),
    lost: [1],
  },
  {
    title: 'silently, missing at T to the instant: right',
    play: (s) => s.open(1, 0).call(1, 5).abandon(1, 6).look(15, []),
  },
  {
    title: 'silently with an open stream: D more',
    play: (s) => s.open(1, 0).stream(1, 0).abandon(1, 6).look(21, [1]).look(21.1, []),
  },
  {
    title: 'socket destroyed with an open stream: D more, and no longer',
    play: (s) =>
      s
        .open(1, 0)
        .stream(1, 0)
        .streamClosed(1, 6, 'vanished')
        .abandon(1, 6, 'destroyed')
        .look(21, [1])
        .look(21.1, [1]),
    leaked: [1],
  },
  {
    title: 'where nothing is promised a session may stay for ever',
    policy: { ...never, ...noHandshake },
    play: (s) => s.open(1, 0).abandon(1, 1).look(900, [1]),
  },
  {
    title: 'where nothing is promised a session must stay for ever',
    policy: { ...never, ...noHandshake },
    play: (s) => s.open(1, 0).abandon(1, 1).look(900, []),
    lost: [1],
  },
  {
    title: 'each client name has its own T',
    policy: { clientTimeoutsMs: { brief: 1_000 } },
    play: (s) => s.open(1, 0, { name: 'brief' }).open(2, 0).look(1, [2]).look(3.1, [2]),
  },
  {
    title: 'each client name has its own T: the brief one overstays',
    policy: { clientTimeoutsMs: { brief: 1_000 } },
    play: (s) => s.open(1, 0, { name: 'brief' }).open(2, 0).look(3.1, [1, 2]),
    leaked: [1],
  },
  {
    title: 'used again just under T, five times over: never free to go',
    play: (s) => {
      s.open(1, 0);
      for (let at = 9.9; at < 50; at += 9.9) s.look(at - 0.1, [1]).call(1, at);
      s.look(55, []);
    },
    lost: [1],
  },
  {
    title: 'a timeout counted from creation: the active session is missing',
    play: (s) => s.open(1, 0).call(1, 5).call(1, 9).look(11, []),
    lost: [1],
  },
  {
    title: 'used after more than T and served: the protection begins anew',
    play: (s) => s.open(1, 0).call(1, 11).look(20, []),
    lost: [1],
  },
  {
    title: 'used after more than T and served: the gap before it was not protected',
    play: (s) => s.open(1, 0).look(10.5, []).call(1, 11).look(20, [1]),
  },
  {
    title: 'a final probe long after its may is served: leaked',
    play: (s) => s.open(1, 0).abandon(1, 1).call(1, 50),
    leaked: [1],
  },
  {
    title: 'a final probe long after its may gets 404: right',
    play: (s) => s.open(1, 0).abandon(1, 1).notFound(1, 50),
  },
]);

table('Half handshakes', [
  {
    title: 'missing before H: lost',
    play: (s) => s.open(1, 0, { half: true }).look(3.9, []),
    lost: [1],
  },
  {
    title: 'missing at H: right, although T is longer',
    play: (s) => s.open(1, 0, { half: true }).look(4, []),
  },
  {
    title: 'listed at H + C: right',
    play: (s) => s.open(1, 0, { half: true }).abandon(1, 0).look(6, [1]).look(6.1, []),
  },
  {
    title: 'listed beyond H + C: leaked',
    play: (s) => s.open(1, 0, { half: true }).abandon(1, 0).look(6.1, [1]),
    leaked: [1],
  },
  {
    title: 'an open stream completes no handshake: listed beyond H + C, leaked',
    play: (s) => {
      s.open(1, 0, { half: true });
      s.served(1, s.send(1, 1, { handshake: false }), 1)
        .stream(1, 1)
        .look(6.1, [1]);
    },
    leaked: [1],
  },
  {
    title: 'T shorter than H: gone at T is right, listed until H + C too',
    policy: { sessionTimeoutMs: 1_000 },
    play: (s) =>
      s.open(1, 0, { half: true }).open(2, 0, { half: true }).look(1, [1]).look(6, [1]).look(7, []),
  },
  {
    title: 'where H is not promised the idle rule decides',
    policy: noHandshake,
    play: (s) => s.open(1, 0, { half: true }).abandon(1, 0).look(9, [1]).look(12, [1]).look(12.1, [1]),
    leaked: [1],
  },
  {
    title: 'completed in time: H means nothing any more',
    play: (s) => s.open(1, 0, { half: true }).call(1, 3).look(7, []),
    lost: [1],
  },
  {
    title: 'the completing request was lost: T after it, or H, whichever is later',
    policy: { sessionTimeoutMs: 1_000, handshakeTimeoutMs: 8_000 },
    play: (s) => {
      s.open(1, 0, { half: true });
      s.aborted(1, s.send(1, 0.5), 0.6, 0.1).abandon(1, 1).look(10, [1]).look(10.1, [1]);
    },
    leaked: [1],
  },
]);

table('The cap', [
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
  },
  {
    title: 'a session with an open stream is evicted: not excused',
    policy: evict,
    play: (s) => s.open(1, 0).stream(1, 0).open(2, 0).look(1, [1, 2]).open(3, 3).look(4, [2, 3]),
    lost: [1],
  },
  {
    title: 'a session is missing below the cap: not excused',
    policy: { maxSessions: 5, capRule: 'evict-idle' },
    play: (s) => s.open(1, 0).open(2, 1).look(2, [1, 2]).open(3, 3).look(4, [2, 3]),
    lost: [1],
  },
  {
    title: 'a target that refuses at its cap has no excuse',
    policy: { maxSessions: 2, capRule: 'refuse' },
    play: (s) => s.open(1, 0).open(2, 1).look(2, [1, 2]).open(3, 3).look(4, [2, 3]),
    lost: [1],
  },
]);

table('Shutdown', [
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
  },
  {
    title: 'a listing with fewer entries than its count is no proof that somebody is missing',
    play: (s) => s.open(1, 0).open(2, 0).look(1, [1], { count: 2 }),
  },
]);

table('Counts only', [
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
