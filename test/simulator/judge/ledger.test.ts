import { table } from './ledger-table.ts';

const noHandshake = { handshakeTimeoutMs: null };

table('Initialize', [
  {
    title: 'answered slowly: T counts from its send',
    policy: noHandshake,
    play: (s) => s.initialize(1, 0).answer(1, 5).look(10, []),
  },
  {
    title: 'lost after an unknown session was listed: it cannot explain it',
    play: (s) =>
      s.open(1, 0).look(1, [1, 'x']).initialize(2, 2).event(2, 2, { kind: 'initialize-lost', longestMs: 0 }),
    leaked: [null],
  },
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
    title: 'sent at the very instant of the sample: either is right',
    play: (s) =>
      s.open(1, 0).event(1, 1, { kind: 'delete-sent' }).look(1, []).event(1, 2, { kind: 'delete-lost' }),
  },
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
    when: 3,
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
    title: 'open when its client fell silent: it obliges nothing after that',
    play: (s) => {
      s.open(1, 0);
      s.send(1, 1);
      s.abandon(1, 2).look(20, []);
    },
  },
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
    when: 10.5,
  },
]);
