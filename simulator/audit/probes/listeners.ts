import type { AuditSession } from '../audit-session.ts';
import type { HttpExchange } from '../http-exchange.ts';
import { fail, type Probe, pass } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { idleMs, reapedWithinMs } from '../promises.ts';
import { said, stateOf } from '../session-state.ts';

/** How many idle timeouts the client only listens. */
const TIMEOUTS = 3;
/** Before a client comes back when its stream was ended, where the server does not say, ms. */
const RETRY_MS = 1_000;

/** F13: a client that only listens is no idle client. */
export const openStreamsKeepTheSession: Probe = {
  name: 'open_streams_keep_the_session',
  failureModes: ['F13'],
  demands: `A client that only listens, and answers pings, has its session after ${TIMEOUTS} idle timeouts.`,
  limit: 'alive',
  clause: "the target's policy: an open stream keeps its session (openStreamProtects)",
  remedy: 'Count an open GET stream whose peer answers as activity; or document that it is none.',
  phase: 'waiting',
  needs: ['session', 'stream', 'stream-protects'],
  lasts: ({ policy }) => TIMEOUTS * idleMs(policy) + reapedWithinMs(policy) - idleMs(policy) + 500,
  async run(context) {
    const { policy, clock } = context;
    const session = await context.open();
    context.clearEvidence();
    const beganAt = clock.now();
    const lastsMs = TIMEOUTS * idleMs(policy) + (reapedWithinMs(policy) - idleMs(policy));
    const { streams, refusal } = await listenFor(context, session, lastsMs);
    const state = await stateOf(context, session);
    const afterMs = Math.round(clock.now() - beganAt);
    const observed = `${state} after ${afterMs} ms on ${streams} stream${streams === 1 ? '' : 's'}${refusal === undefined ? '' : `, then GET: ${refusal}`}`;
    if (state === 'alive') return pass(observed);
    return fail(observed, 'a client that waits for notifications loses its session while it is connected');
  },
};

/** Keeps a stream open for so long, as a client does: it comes back when the server ends it, unless it is refused. */
async function listenFor(context: ProbeContext, session: AuditSession, lastsMs: number) {
  const { clock } = context;
  const untilMs = clock.now() + lastsMs;
  let streams = 0;
  while (clock.now() < untilMs) {
    const stream = await opened(session);
    if (stream.status !== 200) return { streams, refusal: said(stream.answer) };
    streams += 1;
    session.answerPings(stream);
    await Promise.race([stream.done(untilMs - clock.now()), context.sleep(untilMs - clock.now())]);
    const { retryMs, end } = stream.answer;
    if (end !== 'open') await context.sleep(Math.min(retryMs ?? RETRY_MS, idleMs(context.policy) / 4));
  }
  return { streams, refusal: undefined };
}

/** A stream of which the head is there. */
async function opened(session: AuditSession): Promise<HttpExchange> {
  const stream = session.listen();
  await stream.head();
  return stream;
}

/** F08: a stream whose peer is dead protects nothing for long. */
export const frozenPeersDoNotPinSessions: Probe = {
  name: 'frozen_peers_do_not_pin_sessions',
  failureModes: ['F08'],
  demands:
    'A client that froze with its stream open loses its session, dead-peer time plus idle timeout later.',
  limit: '404 after dead-peer time + idle timeout + one sweep',
  clause: "the target's policy: dead-peer time, session timeout, cleanup interval",
  remedy:
    'Ping on the open stream, and let it protect no longer after three unanswered: comments and TCP keep-alive are answered by the kernel of a frozen client.',
  phase: 'waiting',
  needs: ['session', 'stream', 'dead-peer'],
  lasts: ({ policy }) => (policy.deadPeerMs ?? 0) + reapedWithinMs(policy) + 1_000,
  async run(context) {
    const { policy, clock, toleranceMs } = context;
    const session = await context.open();
    const stream = await opened(session);
    if (stream.status !== 200) return fail(`GET: ${said(stream.answer)}`, 'no stream could be opened');
    session.peer.freeze();
    session.leave();
    context.clearEvidence();
    const frozenAt = clock.now();
    await context.sleep((policy.deadPeerMs ?? 0) + reapedWithinMs(policy) + 2 * toleranceMs + 2);
    const state = await stateOf(context, session);
    const observed = `${state} ${Math.round(clock.now() - frozenAt)} ms after its client froze`;
    if (state === 'gone') return pass(observed);
    return fail(observed, 'a client that froze, or whose network is gone, holds its session for ever');
  },
};
