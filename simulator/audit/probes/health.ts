import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import { endOf } from '../target-end.ts';

const TIMES = 100;
/** Time for a signal to arrive and be handled. */
const NOTICE_MS = 300;
/** Beyond its drain; one that takes longer is killed, and another check says so. */
const END_WITHIN_MS = 2_000;

/** F57: whoever asks whether the server is well opens nothing. */
export const healthOpensNothing: Probe = {
  name: 'health_opens_nothing',
  failureModes: ['F57'],
  demands: 'Asking /health a hundred times opens no session.',
  limit: '0 sessions',
  clause: 'operation: orchestrators ask every few seconds, for ever',
  remedy: 'Answer /health from what is known, outside of the MCP endpoint.',
  phase: 'quick',
  needs: ['count'],
  lasts: () => 1_000,
  async run(context) {
    const peer = context.peer();
    const ask = () => peer.send({ method: 'GET', path: '/health', headers: { Accept: '*/*' } }).done();
    const first = await ask();
    if (first.status !== 200) return unseen(`GET /health is answered ${first.status ?? first.end}`);
    const before = await context.countSessions();
    for (let count = 1; count < TIMES; count += 1) await ask();
    const after = await context.countSessions();
    if (!before || !after) return undecided('unknown', 'the number of sessions could not be read');
    const grown = after.count - before.count;
    const observed = `${grown} more sessions after ${TIMES} looks`;
    if (grown >= TIMES / 2)
      return fail(observed, 'the probes of an orchestrator alone fill the server with sessions');
    return grown <= 0 ? pass(observed) : undecided(observed, 'sessions of others came or went');
  },
};

/** F57: a server that lets nobody in any more says so. */
export const healthTellsOfDraining: Probe = {
  name: 'health_tells_of_draining',
  failureModes: ['F57', 'F37'],
  demands:
    'A server that drains is not called healthy: /health answers 503, or takes no connection any more.',
  limit: '503, or refused',
  clause: 'operation: nobody is sent to a server that turns everybody away',
  remedy:
    'Set a flag on SIGTERM, before anything is closed, and let /health answer 503 as long as it is set.',
  phase: 'ending',
  needs: ['session', 'slow', 'drain'],
  lasts: ({ policy }) => 3_000 + Math.min(policy.drainMs ?? 2_000, 2_000),
  async run(context) {
    const health = () => context.send({ method: 'GET', path: '/health', headers: { Accept: '*/*' } });
    const before = await health().done();
    if (before.status !== 200) return unseen(`GET /health is answered ${before.status ?? before.end}`);
    const session = await context.open();
    session.leave();
    // A call in flight keeps the drain going while it is looked at.
    const call = context.offer.slow?.(Math.min(context.policy.drainMs ?? 2_000, 2_000));
    if (call) session.call(call);
    await context.sleep(50);
    context.clearEvidence();
    context.target.signal?.('SIGTERM');
    await context.sleep(NOTICE_MS);
    const during = await health().done(NOTICE_MS);
    await endOf(context, (context.policy.drainMs ?? 2_000) + END_WITHIN_MS);
    const observed = `200 before, ${during.status ?? during.end} while draining`;
    if (during.status === 200) return fail(observed, 'clients are sent to a server that turns them away');
    return pass(observed);
  },
};
