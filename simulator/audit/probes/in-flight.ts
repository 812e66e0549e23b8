import { resultIn } from '../audit-session.ts';
import { fail, type Probe, pass } from '../probe.ts';
import { said } from '../session-state.ts';

/** How many idle timeouts the call lasts. */
const TIMES = 2.5;

/** F12: a call that takes longer than the idle timeout is work, not idleness. */
export const callsOutliveTheTimeout: Probe = {
  name: 'calls_outlive_the_timeout',
  failureModes: ['F12'],
  demands: 'A call that lasts longer than the idle timeout gets its result, and its session lives on.',
  limit: 'result, and a session that answers',
  clause:
    'MCP 2025-06-18, basic/transports, Sending Messages 6: the stream is not closed before the response',
  remedy:
    'Count calls in flight, never reap a session that has one, and start its idle clock when the last one ends.',
  phase: 'waiting',
  needs: ['session', 'slow', 'idle-timeout'],
  lasts: ({ policy }) => TIMES * (policy.sessionTimeoutMs ?? 0) + 2_000,
  async run(context) {
    const { policy, offer, clock } = context;
    const ms = TIMES * (policy.sessionTimeoutMs ?? 0);
    const session = await context.open();
    context.clearEvidence();
    const call = offer.slow?.(ms);
    if (!call) throw new Error('the need for a slow tool was not looked at');
    const began = clock.now();
    const answer = await session.call(call, { timeoutMs: ms + 10_000 }).done();
    const tookMs = Math.round(clock.now() - began);
    const state = await session.probe();
    const got = resultIn(answer) ? 'its result' : `no result (${answer.status ?? answer.end})`;
    const observed = `${got} after ${tookMs} ms, session ${state}`;
    if (resultIn(answer) && state === 'alive') return pass(observed);
    return fail(observed, 'a call that works for long is taken for idleness: it is lost, or its session is');
  },
};

/** Of the idle timeout: the call that ends first, and the one that must not suffer for it. */
const [SHORT, LONG] = [0.2, 2.5];

/** F12, the counter: calls protect their session until the last of them is over. */
export const overlappingCallsProtectTheirSession: Probe = {
  name: 'overlapping_calls_protect_their_session',
  failureModes: ['F12'],
  demands: 'Of two calls at once the longer one gets its result, also when the shorter one is long over.',
  limit: 'both results',
  clause:
    'MCP 2025-06-18, basic/transports, Sending Messages 6: the stream is not closed before the response',
  remedy: 'Count calls in flight, or keep a set of them: a flag is taken back by the first one that ends.',
  phase: 'waiting',
  needs: ['session', 'slow', 'idle-timeout'],
  lasts: ({ policy }) => LONG * (policy.sessionTimeoutMs ?? 0) + 2_000,
  async run(context) {
    const { policy, offer } = context;
    const session = await context.open();
    context.clearEvidence();
    const answers = await Promise.all(
      [LONG, SHORT].map((share) => {
        const ms = share * (policy.sessionTimeoutMs ?? 0);
        const call = offer.slow?.(ms);
        if (!call) throw new Error('the need for a slow tool was not looked at');
        return session.call(call, { timeoutMs: ms + 10_000 }).done();
      }),
    );
    const [long, short] = answers.map((answer) => (resultIn(answer) ? 'a result' : said(answer)));
    const observed = `${short} to the short call, ${long} to the long one`;
    if (answers.every((answer) => resultIn(answer))) return pass(observed);
    return fail(
      observed,
      'the end of one call takes the protection of the others with it: long work is lost',
    );
  },
};
