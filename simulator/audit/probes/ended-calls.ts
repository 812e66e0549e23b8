import { settlementIn } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { drainMs } from '../promises.ts';
import { said } from '../session-state.ts';
import { endOf, tellToEnd } from '../target-end.ts';
import { isNotAllowed } from './deletion.ts';

/** How long the call would take that is interrupted by DELETE, and when that comes, ms. */
const CALL_MS = 1_000;
const DELETE_AFTER_MS = 200;
/** A call is settled so long after the end of its session at the latest, ms. */
const SETTLED_WITHIN_MS = 2_000;

const REMEDY =
  'Before the transport of a session is closed, answer each call that is open with a JSON-RPC error, or wait for it.';

/** F36: who waits for a call hears of its end when the session is ended under it. */
export const deleteSettlesCalls: Probe = {
  name: 'delete_settles_calls',
  failureModes: ['F36'],
  demands: 'A call whose session is ended by DELETE gets its result or a JSON-RPC error, soon.',
  limit: `a result or an error, ${SETTLED_WITHIN_MS / 1_000} s after DELETE at the latest`,
  clause:
    'operation: MCP 2025-11-25, basic/transports lets a session end at any time, but a client waits for what is never answered',
  remedy: REMEDY,
  phase: 'quick',
  needs: ['session', 'slow'],
  lasts: () => 1_500,
  async run(context) {
    const session = await context.open();
    context.clearEvidence();
    const call = slowCall(context, CALL_MS);
    const exchange = session.call(call, { timeoutMs: CALL_MS + SETTLED_WITHIN_MS + 5_000 });
    await context.sleep(DELETE_AFTER_MS);
    if (settlementIn(exchange.answer)) return undecided('answered at once', 'the slow tool takes no time');
    const ended = await session.delete().done();
    if (isNotAllowed(ended)) return unseen('clients may not end sessions: DELETE is answered with 405');
    return settled(await exchange.done(CALL_MS + SETTLED_WITHIN_MS), 'DELETE');
  },
};

/** F36, F37: the same when the server is told to end before the call can be done. */
export const shutdownSettlesCalls: Probe = {
  name: 'shutdown_settles_calls',
  failureModes: ['F36', 'F37'],
  demands: 'A call that outlasts the drain of a shutdown gets its result or a JSON-RPC error before the end.',
  limit: 'a result or an error',
  clause: "the target's policy: drain; operation",
  remedy: REMEDY,
  phase: 'ending',
  needs: ['session', 'slow', 'drain', 'drain-time'],
  lasts: ({ policy }) => drainMs(policy) + SETTLED_WITHIN_MS,
  async run(context) {
    const { policy, toleranceMs } = context;
    const withinMs = drainMs(policy) + SETTLED_WITHIN_MS + toleranceMs;
    const session = await context.open();
    session.leave();
    context.clearEvidence();
    const exchange = session.call(slowCall(context, 6 * withinMs), { timeoutMs: 3 * withinMs });
    await context.sleep(DELETE_AFTER_MS);
    tellToEnd(context);
    const finding = settled(await exchange.done(withinMs), 'SIGTERM');
    // The next probe starts it again: until then it is to be gone, whatever it still waits for.
    await endOf(context, withinMs);
    return finding;
  },
};

function settled(answer: HttpAnswer, by: string) {
  const { message } = settlementIn(answer) ?? {};
  if (message?.kind === 'result') return pass(`its result, in spite of ${by}`);
  if (message?.kind === 'error') return pass(`an error (${message.code}) after ${by}`);
  return fail(
    `${said(answer)} after ${by}`,
    'a call is left without an answer: its client waits until it times out, and nobody knows whether it was done',
  );
}

function slowCall({ offer }: ProbeContext, ms: number) {
  const call = offer.slow?.(ms);
  if (!call) throw new Error('the need for a slow tool was not looked at');
  return call;
}
