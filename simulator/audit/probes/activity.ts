import { resultIn } from '../audit-session.ts';
import { fail, type Probe, pass } from '../probe.ts';
import { idleMs } from '../promises.ts';
import { said, useOf } from '../session-state.ts';

/** Uses per timeout, and for how many timeouts. */
const USES_PER_TIMEOUT = 3;
const TIMEOUTS = 5;

/** F15: the idle timeout slides: use keeps a session for as long as it lasts. */
export const usedSessionsLiveOn: Probe = {
  name: 'used_sessions_live_on',
  failureModes: ['F15'],
  demands: `A session that is used every third of its idle timeout is there after ${TIMEOUTS} of them.`,
  limit: `a result, ${USES_PER_TIMEOUT * TIMEOUTS} of ${USES_PER_TIMEOUT * TIMEOUTS} times`,
  clause: "the target's policy: session timeout",
  remedy: 'Count idleness from the last use, not from initialize; an absolute age is another setting.',
  phase: 'waiting',
  needs: ['session', 'idle-timeout'],
  lasts: ({ policy }) => TIMEOUTS * idleMs(policy) + 500,
  async run(context) {
    const { policy, clock } = context;
    const session = await context.open();
    const openedAt = clock.now();
    const uses = USES_PER_TIMEOUT * TIMEOUTS;
    for (let use = 1; use <= uses; use += 1) {
      await context.sleep(idleMs(policy) / USES_PER_TIMEOUT);
      const answer = await useOf(context, session).done();
      if (resultIn(answer)) continue;
      const observed = `${said(answer)} at use ${use} of ${uses}, ${Math.round(clock.now() - openedAt)} ms after initialize`;
      return fail(observed, 'a session is taken away from a client that uses it all the time');
    }
    return pass(`${uses} results in ${Math.round(clock.now() - openedAt)} ms`);
  },
};
