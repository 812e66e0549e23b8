import type { TargetExit } from '../../targets/target.ts';
import { resultIn } from '../audit-session.ts';
import { fail, type Probe, pass, undecided } from '../probe.ts';
import { drainMs } from '../promises.ts';
import { said } from '../session-state.ts';
import { endOf, tellToEnd } from '../target-end.ts';

const CALLS = 10;
/** Of the drain, the shortest and the longest call: done in time, with room for a slow machine. */
const [SHORTEST, LONGEST] = [0.2, 0.6];
/** Between the signal and the first look: a signal is not heard at once, ms. */
const HEARD_AFTER_MS = 300;
const STREAMS = 20;
/** Beyond its drain a server may take so long to close, ms. */
const CLOSING_MS = 1_000;
/** What has nothing to wait for any more ends by itself in this time, ms. */
const LETS_GO_MS = 5_000;

/** F37: what can be finished is finished. */
export const shutdownAnswersCalls: Probe = {
  name: 'shutdown_answers_calls',
  failureModes: ['F37'],
  demands: 'Calls that are done before the drain is over get their results when the server is told to end.',
  limit: `${CALLS} of ${CALLS} results`,
  clause: "the target's policy: drain",
  remedy:
    'On SIGTERM take nothing new, wait for calls in flight up to a deadline, and close connections then.',
  phase: 'ending',
  needs: ['session', 'slow', 'drain', 'drain-time'],
  lasts: ({ policy }) => drainMs(policy) + CLOSING_MS,
  async run(context) {
    const { policy, offer } = context;
    const drain = drainMs(policy);
    const sessions = await Promise.all(Array.from({ length: CALLS }, () => context.open()));
    context.clearEvidence();
    const calls = sessions.map((session, index) => {
      session.leave();
      const call = offer.slow?.(drain * (SHORTEST + ((LONGEST - SHORTEST) * index) / (CALLS - 1)));
      if (!call) throw new Error('the need for a slow tool was not looked at');
      return session.call(call, { timeoutMs: 2 * drain + 10_000 });
    });
    await context.sleep(Math.min(100, (drain * SHORTEST) / 2));
    tellToEnd(context);
    const answers = await Promise.all(calls.map((call) => call.done()));
    await endOf(context, drain + CLOSING_MS + LETS_GO_MS);
    const lost = answers.filter((answer) => !resultIn(answer));
    const [first] = lost;
    const observed = `${CALLS - lost.length} of ${CALLS} results`;
    if (!first) return pass(observed);
    return fail(
      `${observed}; ${said(first)}`,
      'each deployment cuts calls that were about to be done, and nobody knows which of them were',
    );
  },
};

/** F37: and nothing new is begun. */
export const drainingServerOpensNothing: Probe = {
  name: 'draining_server_opens_nothing',
  failureModes: ['F37'],
  demands: 'A server that was told to end opens no session any more.',
  limit: '503, or no connection',
  clause: 'operation: a session that is opened during a drain is lost at its end',
  remedy: 'Refuse initialize with 503 and Retry-After as soon as the drain begins, or stop listening.',
  phase: 'ending',
  needs: ['session', 'drain'],
  lasts: ({ policy }) => drainMs(policy) + CLOSING_MS,
  async run(context) {
    const { policy, offer } = context;
    const drain = drainMs(policy);
    const session = await context.open();
    session.leave();
    // Something to wait for, so that there is a drain to look at.
    const call = offer.slow?.(drain * LONGEST);
    if (call) session.call(call, { timeoutMs: drain });
    await context.sleep(100);
    context.clearEvidence();
    tellToEnd(context);
    await context.sleep(HEARD_AFTER_MS);
    const { answer, session: opened } = await context.initialize();
    opened?.leave();
    await endOf(context, drain + CLOSING_MS + LETS_GO_MS);
    const observed = `initialize during the drain: ${said(answer)}${opened ? ', a session' : ''}`;
    if (opened) return fail(observed, 'clients are given sessions that end with the server a moment later');
    if (answer.end === 'timeout')
      return fail(observed, 'a client that comes during a drain waits for nothing');
    return pass(observed);
  },
};

/** F38: open streams are no reason to stay. */
export const shutdownEndsStreams: Probe = {
  name: 'shutdown_ends_streams',
  failureModes: ['F38'],
  demands: 'A server that is told to end does so with streams open, and with a client that does not read.',
  limit: 'gone within the drain and a second',
  clause: "the target's policy: drain; operation",
  remedy:
    'Close streams before connections, idle connections after that, and all that is left at the deadline: server.close() waits for streams for ever.',
  phase: 'ending',
  needs: ['session', 'stream', 'drain'],
  lasts: ({ policy }) => drainMs(policy) + CLOSING_MS,
  async run(context) {
    const { policy, clock, toleranceMs } = context;
    const sessions = await Promise.all(Array.from({ length: STREAMS + 1 }, () => context.open()));
    for (const session of sessions) session.leave();
    const streams = sessions.map((session) => session.listen());
    const heads = await Promise.all(streams.map((stream) => stream.head()));
    const refused = heads.find(({ status }) => status !== 200);
    if (refused) return undecided(`GET: ${said(refused)}`, 'the streams to be ended could not be opened');
    sessions[0]?.peer.freeze();
    await context.sleep(100);
    const told = tellToEnd(context);
    const limitMs = drainMs(policy) + CLOSING_MS + toleranceMs;
    const exit = await endOf(context, limitMs + LETS_GO_MS);
    const tookMs = Math.round(clock.now() - told);
    const open = streams.filter(({ answer }) => answer.end === 'open').length;
    const observed = `${exit ? 'gone' : 'still there'} after ${tookMs} ms, ${open} of ${STREAMS} streams open, one client frozen`;
    if (exit && tookMs <= limitMs) return pass(observed);
    return fail(
      observed,
      open > 0
        ? 'a shutdown waits for streams that never end, until somebody kills the process'
        : 'a shutdown ends its streams and does not end itself: a client that froze, or a timer, keeps it',
    );
  },
};

/** F58: no timer, listener or handle is left that keeps the process. */
export const processExitsByItself: Probe = {
  name: 'process_exits_by_itself',
  failureModes: ['F58'],
  demands:
    'After sessions that ended in several ways, a server that is told to end does so by itself, without an error.',
  limit: 'code 0, or the signal it was sent, within the drain and a second',
  clause: 'operation',
  remedy: 'Clear or unref every timer when its session or server closes, and do not rely on process.exit().',
  phase: 'ending',
  needs: ['session', 'drain'],
  lasts: ({ policy }) => drainMs(policy) + CLOSING_MS + 500,
  async run(context) {
    const { policy, clock, offer, toleranceMs } = context;
    const sessions = await Promise.all(Array.from({ length: STREAMS }, () => context.open()));
    if (offer.hasStream) await Promise.all(sessions.map((session) => session.listen().head()));
    // Half are deleted, half are dropped by their clients.
    await Promise.all(
      sessions.map((session, index) => {
        if (index % 2 === 0) return session.delete().done();
        session.leave();
        session.peer.close();
        return undefined;
      }),
    );
    for (const { peer } of sessions) peer.close();
    await context.sleep(200);
    const told = tellToEnd(context);
    const limitMs = drainMs(policy) + CLOSING_MS + toleranceMs;
    const exit = await endOf(context, limitMs + LETS_GO_MS);
    const tookMs = Math.round(clock.now() - told);
    if (!exit || tookMs > limitMs) {
      return fail(
        `${exit ? 'gone' : 'still there'} ${tookMs} ms after SIGTERM`,
        'something that was forgotten keeps the process alive: each deployment waits for it to be killed',
      );
    }
    const observed = `${exit.signal ?? `code ${exit.code}`} after ${tookMs} ms`;
    if (isClean(exit)) return pass(observed);
    return fail(observed, 'the shutdown ends with an error, which an orchestrator takes for a crash');
  },
};

/** Some runtimes clean up and then end by the very signal; shells and JVMs call that 128 + 15. */
function isClean({ code, signal }: TargetExit): boolean {
  return code === 0 || code === 143 || signal === 'SIGTERM';
}
