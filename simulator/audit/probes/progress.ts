import { settlementIn } from '../audit-session.ts';
import { numberedIn } from '../numbered.ts';
import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import { said } from '../session-state.ts';

const EVENTS = 8;
const INTERVAL_MS = 150;

/** F44: events are there when they happen, not in a lump at the end. */
export const progressComesWhileItWorks: Probe = {
  name: 'progress_comes_while_it_works',
  failureModes: ['F44'],
  demands: 'Progress of a call arrives while the call is at work.',
  limit: 'the first progress before half of the time is over',
  clause: 'operation: MCP 2025-11-25, basic/utilities/progress tells of work under way',
  remedy:
    'Flush each event; keep compression and buffering away from event streams (Cache-Control: no-transform, X-Accel-Buffering: no).',
  phase: 'quick',
  needs: ['session', 'chatty'],
  lasts: () => EVENTS * INTERVAL_MS + 500,
  async run(context) {
    const call = context.offer.chatty?.(EVENTS, INTERVAL_MS);
    if (!call) throw new Error('the need for a chatty tool was not looked at');
    const session = await context.open();
    context.clearEvidence();
    const exchange = session.call(call, { progressToken: context.tag() });
    const first = await exchange.until(
      (answer) => (numberedIn(answer).length > 0 ? context.clock.now() : undefined),
      EVENTS * INTERVAL_MS * 2,
    );
    const answer = await exchange.done();
    const settled = settlementIn(answer);
    if (!settled) return undecided(said(answer), 'the call was not answered');
    if (first === undefined) return unseen('the server sends no progress with its answers');
    const tookMs = settled.at - answer.sentAt;
    // A tool that is done at once has no progress to wait for.
    if (tookMs < (EVENTS * INTERVAL_MS) / 2) return unseen('the chatty tool does not take its time');
    const firstMs = first - answer.sentAt;
    const buffering =
      answer.headers.get('x-accel-buffering') === 'no' ? '' : ', X-Accel-Buffering: no is not set';
    const observed = `first progress after ${Math.round(firstMs)} of ${Math.round(tookMs)} ms${buffering}`;
    if (firstMs <= tookMs / 2 + context.toleranceMs) return pass(observed);
    return fail(observed, 'something holds events back until the end: clients see no life, and give up');
  },
};
