import { fail, type Probe, pass, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { idleMs, reapedWithinMs, sweepMs } from '../promises.ts';
import { stateOf } from '../session-state.ts';

const HOUR_MS = 3_600_000;

/** F19: sessions are idle by the time that passes, not by what the wall clock says. */
export const wallClockStepsReapNobody: Probe = {
  name: 'wall_clock_steps_reap_nobody',
  failureModes: ['F19'],
  demands:
    'When the wall clock is stepped by an hour, sessions in use live on and idle ones are still reaped in time.',
  limit: 'used ones alive, idle ones gone, after +1 h and after -1 h',
  clause: "the target's policy: session timeout and cleanup interval; operation",
  remedy: 'Measure idleness on a monotonic clock (performance.now(), CLOCK_MONOTONIC), never on the date.',
  phase: 'load',
  needs: ['session', 'idle-timeout', 'clock-jump'],
  lasts: ({ policy }) => 3 * reapedWithinMs(policy) + 1_000,
  async run(context) {
    if ((await afterStep(context, 0)) !== undefined) {
      return unseen('sessions are not reaped as promised even when the clock is not stepped');
    }
    for (const stepMs of [HOUR_MS, -HOUR_MS]) {
      const wrong = await afterStep(context, stepMs);
      const by = stepMs > 0 ? '+1 h' : '-1 h';
      if (wrong === 'reaped') {
        return fail(
          `a session in use was gone after ${by}`,
          'one correction of the clock ends every session at once',
        );
      }
      if (wrong === 'kept') {
        return fail(
          `an idle session was not reaped after ${by}`,
          'after a correction of the clock nothing is reaped, for as long as it was stepped by',
        );
      }
    }
    return pass('after +1 h and -1 h: used sessions alive, idle ones gone');
  },
};

/** Steps the clock with two sessions open, one of which is used on. The steps of one run add up to nothing. */
async function afterStep(context: ProbeContext, stepMs: number): Promise<'reaped' | 'kept' | undefined> {
  const { policy, clock, toleranceMs } = context;
  const [used, idle] = await Promise.all([context.open(), context.open()]);
  idle.leave();
  const goneAt = clock.now() + reapedWithinMs(policy) + toleranceMs + 1;
  context.stepWallClock?.(stepMs);
  if (stepMs !== 0) context.note(`the wall clock was stepped by ${stepMs / HOUR_MS} h`);
  let isReaped = false;
  while (clock.now() < goneAt) {
    // Longer than a sweep where that is shorter than the timeout: the next one must be lived through unused.
    const unusedMs = Math.min(sweepMs(policy) + 1, idleMs(policy) / 2);
    await context.sleep(Math.min(unusedMs, goneAt - clock.now()));
    isReaped ||= (await stateOf(context, used)) !== 'alive';
  }
  if (isReaped) return 'reaped';
  return (await stateOf(context, idle)) === 'gone' ? undefined : 'kept';
}
