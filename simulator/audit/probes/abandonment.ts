import { formatLength } from '../../judge/format.ts';
import { fail, type Probe, pass } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { idleMs, reapedWithinMs } from '../promises.ts';
import { statesOf } from '../session-state.ts';

const SESSIONS = 5;
const PILE_UP =
  'sessions that nobody uses stay, and most clients never send DELETE: memory grows until a restart';

/** F01: a client that vanishes without DELETE leaves nothing behind for long. */
export const abandonedSessionsAreReaped: Probe = {
  name: 'abandoned_sessions_are_reaped',
  failureModes: ['F01'],
  demands: 'A session whose client went away without DELETE is ended once its idle timeout is over.',
  limit: `404 for ${SESSIONS} of ${SESSIONS}, one sweep after the idle timeout`,
  clause: "the target's policy: session timeout and cleanup interval",
  remedy:
    'Sweep sessions by the end of their last request, and close transport and server of each before it leaves the map.',
  phase: 'waiting',
  needs: ['session', 'reaping'],
  lasts: ({ policy }) => (policy.sessionTimeoutMs === null ? 0 : reapedWithinMs(policy) + 1_000),
  async run(context) {
    const { policy, clock, toleranceMs, endlessForMs } = context;
    if (policy.sessionTimeoutMs === null) {
      return fail(`none had ended after ${formatLength(endlessForMs ?? 0)}, each asked once`, PILE_UP);
    }
    const sessions = await openMany(context);
    for (const session of sessions) {
      session.leave();
      session.peer.close();
    }
    context.clearEvidence();
    const leftAt = clock.now();
    await context.sleep(reapedWithinMs(policy) + toleranceMs + 1);
    const afterMs = Math.round(clock.now() - leftAt);
    const { gone, alive, unclear } = await statesOf(context, sessions);
    const observed = `after ${afterMs} ms ${gone} gone, ${alive} alive${unclear > 0 ? `, ${unclear} unclear` : ''}`;
    if (gone === SESSIONS) return pass(observed);
    return fail(
      observed,
      alive > 0
        ? PILE_UP
        : 'a session that is over is not answered with 404: clients do not learn that they have to start over',
    );
  },
};

/** F01, the other half: what is used less than T ago is not idle. */
export const sessionsAreNotReapedEarly: Probe = {
  name: 'sessions_are_not_reaped_early',
  failureModes: ['F01', 'F15'],
  demands: 'A session that is idle for less than its timeout is there when its client comes back.',
  limit: `${SESSIONS} of ${SESSIONS} alive just before the idle timeout`,
  clause: "the target's policy: session timeout",
  remedy: 'Measure idleness from the end of the last request, on a monotonic clock.',
  phase: 'waiting',
  needs: ['session', 'idle-timeout'],
  lasts: ({ policy }) => idleMs(policy),
  async run(context) {
    const { policy, clock, toleranceMs } = context;
    const sessions = await openMany(context);
    context.clearEvidence();
    const marginMs = Math.min(2 * toleranceMs + 1, idleMs(policy) / 2);
    const usedAt = clock.now();
    await context.sleep(idleMs(policy) - marginMs);
    const afterMs = Math.round(clock.now() - usedAt);
    const { gone, alive, unclear } = await statesOf(context, sessions);
    const observed = `after ${afterMs} ms ${alive} alive, ${gone} gone${unclear > 0 ? `, ${unclear} unclear` : ''}`;
    if (alive === SESSIONS) return pass(observed);
    return fail(
      observed,
      `sessions end before the ${idleMs(policy)} ms they are promised: clients lose them while in use`,
    );
  },
};

function openMany(context: ProbeContext) {
  return Promise.all(Array.from({ length: SESSIONS }, () => context.open()));
}
