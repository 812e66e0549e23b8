import { table } from './ledger-table.ts';

const never = { sessionTimeoutMs: null };
const noHandshake = { handshakeTimeoutMs: null };

table('Streams', [
  {
    title: 'lost where S is shorter than T, and opened again in time: S means nothing any more',
    policy: { streamLostMs: 1_000 },
    play: (s) => s.open(1, 0).stream(1, 1).streamClosed(1, 20, 'vanished').stream(1, 20.5).look(22, []),
    lost: [1],
  },
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
    when: 33.1,
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
    title: 'lost where S is shorter than T, and nothing came since: gone by S + C',
    policy: { streamLostMs: 1_000 },
    play: (s) =>
      s.open(1, 0).stream(1, 1).call(1, 19).streamClosed(1, 20, 'client').look(23, [1]).look(23.1, [1]),
    leaked: [1],
    when: 23.1,
  },
  {
    title: 'lost in the moment of an answer: the target may have heard of the end of the call after that',
    policy: { streamLostMs: 1_000 },
    play: (s) =>
      s.open(1, 0).stream(1, 1).call(1, 20).streamClosed(1, 20, 'vanished').look(35, [1]).look(35.1, [1]),
    leaked: [1],
    when: 35.1,
  },
  {
    title: 'found dead where S is shorter than T: D, then S + C',
    policy: { streamLostMs: 1_000 },
    play: (s) => s.open(1, 0).stream(1, 1).abandon(1, 20, 'frozen').look(26, [1]).look(26.1, [1]),
    leaked: [1],
    when: 26.1,
  },
  {
    title: 'lost where S is longer than T: T + C as ever',
    policy: { streamLostMs: 30_000 },
    play: (s) => s.open(1, 0).stream(1, 1).streamClosed(1, 20, 'client').look(32, [1]).look(32.1, [1]),
    leaked: [1],
    when: 32.1,
  },
  {
    title: 'lost, and a request since: T holds again, so it must live',
    policy: { streamLostMs: 1_000 },
    play: (s) => s.open(1, 0).stream(1, 1).streamClosed(1, 20, 'client').call(1, 20.5).look(30.4, []),
    lost: [1],
  },
  {
    title: 'lost, and a request since: T holds again, so it may live',
    policy: { streamLostMs: 1_000 },
    play: (s) => s.open(1, 0).stream(1, 1).streamClosed(1, 20, 'client').call(1, 20.5).look(32.5, [1]),
  },
  {
    title: 'lost, and a request since that nobody answered: it may have been heard, and obliges to nothing',
    policy: { streamLostMs: 1_000 },
    play: (s) => {
      for (const session of [1, 2]) {
        s.open(session, 0).stream(session, 1).streamClosed(session, 20, 'client');
        s.aborted(session, s.send(session, 20.5), 20.6, 0.5);
      }
      s.look(30, [1]);
    },
  },
  {
    title: 'vanished, and a request before D is over: the target may have heard that before it found out',
    policy: { streamLostMs: 1_000 },
    play: (s) => s.open(1, 0).stream(1, 1).streamClosed(1, 20, 'vanished').call(1, 20.5).look(22, []),
  },
  {
    title: 'lost with a call in flight: the call protects, and its end is use',
    policy: { streamLostMs: 1_000 },
    play: (s) => {
      for (const session of [1, 2]) s.open(session, 0).stream(session, 1);
      const [one, two] = [s.send(1, 19), s.send(2, 19)];
      for (const session of [1, 2]) s.streamClosed(session, 20, 'client');
      s.look(25, [2]).served(1, one, 26).served(2, two, 26).look(38, [2]);
    },
    lost: [1],
  },
  {
    title: 'ended by the target itself where S is shorter than T: that is no loss',
    policy: { streamLostMs: 1_000 },
    play: (s) => s.open(1, 0).stream(1, 1).streamClosed(1, 20, 'server').look(32, [1]).look(32.1, [1]),
    leaked: [1],
    when: 32.1,
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
    when: 20.1,
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
    when: 21.1,
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
    title: 'completed after H, and served: between H and that nothing was owed',
    play: (s) => s.open(1, 0, { half: true }).stream(1, 1).call(1, 5).look(6, [], { since: 4.5 }),
  },
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
    when: 12.1,
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
    when: 10.1,
  },
]);
