import type { AuditSession } from '../audit-session.ts';
import { fail, type Known, type Probe, pass } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { idleMs, sweepMs } from '../promises.ts';
import { said, stateOf } from '../session-state.ts';

/** F14: between "stream lost" and "idle" there is a time of its own, where the server has one. */
export const lostStreamsEndTheirSessions: Probe = {
  name: 'lost_streams_end_their_sessions',
  failureModes: ['F14'],
  demands:
    'A session whose stream broke is ended when its window is over, unless its client comes back; one that never had a stream is not.',
  limit: 'gone without a new stream, alive with one, alive without any before',
  clause: "the target's policy: stream-lost window and cleanup interval",
  remedy: 'Start the window when the last stream closes, and take it back when another opens.',
  phase: 'waiting',
  needs: ['session', 'stream', 'stream-lost', 'idle-timeout'],
  lasts: (known) => windowMs(known) + 1_000,
  async run(context) {
    const [lost, back, quiet] = await Promise.all([context.open(), context.open(), context.open()]);
    const refused = (await Promise.all([lost, back].map((session) => session.listen().head()))).find(
      ({ status }) => status !== 200,
    );
    if (refused) return fail(`GET: ${said(refused)}`, 'no stream could be opened');
    lost.peer.reset();
    back.peer.reset();
    lost.leave();
    context.clearEvidence();
    await Promise.all([comeBack(context, back), useNowAndThen(context, quiet)]);
    const states = await Promise.all([lost, back, quiet].map((session) => stateOf(context, session)));
    const [isLost, isBack, isQuiet] = states;
    const observed = `${isLost} without a new stream, ${isBack} with one, ${isQuiet} without any before`;
    if (isLost === 'gone' && isBack === 'alive' && isQuiet === 'alive') return pass(observed);
    return fail(
      observed,
      isLost === 'gone'
        ? 'the end of a stream ends sessions whose clients are there'
        : 'a client whose connection broke, and that never came back, keeps its session beyond what is promised',
    );
  },
};

/** From the loss of the stream until a session that nobody came back to is gone, ms. */
function windowMs({ policy }: Pick<Known, 'policy'>): number {
  return (policy.streamLostMs ?? 0) + sweepMs(policy);
}

/** A client that comes back half-way through the window, and stays. */
async function comeBack(context: ProbeContext, session: AuditSession): Promise<void> {
  const soonMs = (context.policy.streamLostMs ?? 0) / 2;
  await context.sleep(soonMs);
  session.answerPings(session.listen());
  await context.sleep(windowMs(context) + 2 * context.toleranceMs + 1 - soonMs);
}

/** A client without a stream. */
async function useNowAndThen(context: ProbeContext, session: AuditSession): Promise<void> {
  const { clock, policy } = context;
  const untilMs = clock.now() + windowMs(context);
  while (clock.now() < untilMs) {
    await context.sleep(Math.min(idleMs(policy) / 3, Math.max(1, untilMs - clock.now())));
    await stateOf(context, session);
  }
}
