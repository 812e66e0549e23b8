import { resultIn } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { idleMs, reapedWithinMs, sweepMs } from '../promises.ts';
import { said, useOf } from '../session-state.ts';

/** Requests of one volley, each on a session of its own. */
const REQUESTS = 40;
/** The first volley finds out when sessions are swept, the others aim at that moment. */
const VOLLEYS = 3;
const MARGIN_MS = 10;
/** Requests of a volley as close as that need no better aim, ms. */
const CLOSE_MS = 2;
/** An answer that has not come by then never will, ms. */
const HANGS_AFTER_MS = 5_000;

/** F17: a request that meets the reaper is served or refused, and nothing in between. */
export const racesWithTheReaperAreClean: Probe = {
  name: 'races_with_the_reaper_are_clean',
  failureModes: ['F17'],
  demands: 'A request at the very moment its idle session is reaped gets its result, or 404.',
  limit: 'result or 404, each time',
  clause:
    'MCP 2025-11-25, basic/transports, Session Management 3: an ended session MUST be answered with 404',
  remedy: 'Check for idleness and take the session off the map in one turn, with no await in between.',
  phase: 'waiting',
  needs: ['session', 'idle-timeout'],
  lasts: ({ policy }) => VOLLEYS * (reapedWithinMs(policy) + sweepMs(policy) + 500),
  async run(context) {
    const { policy, clock } = context;
    const beganAt = clock.now();
    let window: Window = { fromMs: idleMs(policy) - MARGIN_MS, toMs: reapedWithinMs(policy) + MARGIN_MS };
    let [served, gone] = [0, 0];
    for (let volley = 1; volley <= VOLLEYS; volley += 1) {
      const shots = await fire(context, window);
      served += shots.filter(({ answer }) => resultIn(answer)).length;
      gone += shots.filter(({ answer }) => answer.status === 404).length;
      const odd = shots.filter(({ answer }) => !resultIn(answer) && answer.status !== 404);
      const [first] = odd;
      if (first) {
        return fail(
          `${served} results, ${gone} times 404, ${odd.length} times neither: ${said(first.answer)} ${Math.round(first.atMs)} ms after the last use`,
          'a request was taken and its session closed under it: its client waits, or does not know what happened',
        );
      }
      const narrowed = narrow(shots);
      if (!narrowed || stepOf(window) <= CLOSE_MS) break;
      window = narrowed;
      // Whole sweeps later the next sweep comes at the same offset.
      const sweeps = Math.ceil((clock.now() - beganAt) / sweepMs(policy));
      await context.sleep(Math.max(0, beganAt + sweeps * sweepMs(policy) - clock.now()));
    }
    return pass(`${served} results, ${gone} times 404`);
  },
};

/** Of the requests of a volley, in ms since their sessions were last used. */
interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Shot {
  readonly atMs: number;
  readonly answer: HttpAnswer;
}

/** Opens sessions, uses each once within the window, at equal distances, and ends them. */
async function fire(context: ProbeContext, window: Window): Promise<Shot[]> {
  const sessions = await Promise.all(Array.from({ length: REQUESTS }, () => context.open()));
  for (const { peer } of sessions) peer.close();
  const shots = await Promise.all(
    sessions.map(async (session, index) => {
      const atMs = Math.max(0, window.fromMs + index * stepOf(window));
      await context.sleep(atMs);
      return { atMs, answer: await useOf(context, session).done(HANGS_AFTER_MS) };
    }),
  );
  // One by one: how many ends at once it can take is another question (F39).
  for (const session of sessions) {
    session.leave();
    await context.send({ method: 'DELETE', headers: session.headers }).done();
  }
  return shots;
}

/** From the last request that was served to the first one that came too late; undefined when there was no such. */
function narrow(shots: readonly Shot[]): Window | undefined {
  const firstGone = shots.findIndex(({ answer }) => answer.status === 404);
  const [before, after] = [shots[firstGone - 1], shots[firstGone]];
  if (!before || !after) return undefined;
  return { fromMs: before.atMs - MARGIN_MS, toMs: after.atMs + MARGIN_MS };
}

function stepOf({ fromMs, toMs }: Window): number {
  return (toMs - fromMs) / (REQUESTS - 1);
}
