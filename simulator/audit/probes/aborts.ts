import { fail, type Probe, pass } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';

/** Connections broken at each moment. */
const TIMES = 20;
/** Long enough to be broken in the middle, short enough to end within the check. */
const CALL_MS = 400;

/** F40: clients that break off in the middle of anything take nobody with them. */
export const abortsHarmNobody: Probe = {
  name: 'aborts_harm_nobody',
  failureModes: ['F40'],
  demands: 'Connections that break in the middle of a request or an answer harm no other client.',
  limit: 'other sessions answer, and initialize works',
  clause:
    'MCP 2025-11-25, basic/transports, Sending Messages: a disconnect is no cancellation; operation: the process goes on',
  remedy:
    'Listen for errors on every request, response and stream, and do not write to a response whose connection has closed.',
  phase: 'load',
  needs: ['session'],
  lasts: () => 3_000,
  async run(context) {
    const bystander = await context.open();
    await breakRequests(context);
    await breakCalls(context);
    await context.sleep(2 * CALL_MS);
    context.clearEvidence();
    const state = await bystander.probe();
    const { answer, session } = await context.initialize();
    const observed = `after ${2 * TIMES} broken connections: a session of another client is ${state}, initialize ${answer.status ?? answer.end}`;
    if (state === 'alive' && session) return pass(observed);
    return fail(observed, 'one client that breaks off takes the server, or the sessions of others, with it');
  },
};

/** Half a body, then a reset. */
async function breakRequests(context: ProbeContext): Promise<void> {
  const peer = context.peer();
  for (let count = 0; count < TIMES; count += 1) {
    peer.send({ method: 'POST', headers: { 'Content-Length': '5000' }, body: '{"jsonrpc":"2.0",' });
  }
  await context.sleep(50);
  peer.reset();
}

/** A reset while the answer is under way, and just before. */
async function breakCalls(context: ProbeContext): Promise<void> {
  const session = await context.open();
  for (let count = 0; count < TIMES; count += 1) {
    const call = context.offer.slow?.(CALL_MS);
    if (call) session.call(call);
    else session.request('tools/list');
    if (count % 4 === 3) {
      await context.sleep(count % 8 === 3 ? 0 : 20);
      session.peer.reset();
    }
  }
}
