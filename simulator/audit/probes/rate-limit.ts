import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';
import { askedToWaitMs } from '../short-sessions.ts';

/** Beyond that the server is taken to have no limit that an audit should look for. */
const MOST_REQUESTS = 400;
const HAMMERED_MS = 4_000;
/** What follows should find the door open again; ms. */
const LONGEST_WAIT_MS = 60_000;

/** F21: a limit refuses who asks too often; it does not hide that a session is gone. */
export const limitsHideNo404: Probe = {
  name: 'limits_hide_no_404',
  failureModes: ['F21'],
  demands: 'A client that is told to slow down still learns that its session is gone.',
  limit: '404 on an ended session, while initialize is refused',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 3',
  remedy: 'Look the session up before any limit is applied, and count newcomers apart from sessions at work.',
  phase: 'load',
  needs: ['session'],
  lasts: () => HAMMERED_MS,
  async run(context) {
    const ended = await context.open();
    await ended.delete().done();
    const { asked, refusal } = await hammer(context);
    if (!refusal) return unseen(`no limit was met within ${asked} times initialize`);
    const answers = [
      await context.send({ method: 'POST', headers: ended.headers, body: PING }).done(),
      await context.send({ method: 'DELETE', headers: ended.headers }).done(),
    ];
    const observed = `initialize ${said(refusal)} after ${asked}; an ended session then: ${answers.map(said).join(', ')}`;
    // 405: DELETE is not offered.
    const [posted, deleted] = answers;
    const isRight = posted?.status === 404 && (deleted?.status === 404 || deleted?.status === 405);
    await context.sleep(Math.min(askedToWaitMs(refusal), LONGEST_WAIT_MS));
    if (isRight) return pass(observed);
    return fail(observed, 'who repeats itself is only told to slow down, and never starts over');
  },
};

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

/** Opens and deletes sessions until the server has had enough. */
async function hammer(context: ProbeContext): Promise<{ asked: number; refusal: HttpAnswer | undefined }> {
  const peer = context.peer();
  const until = context.clock.now() + HAMMERED_MS;
  let asked = 0;
  while (asked < MOST_REQUESTS && context.clock.now() < until) {
    asked += 1;
    context.clearEvidence();
    const { answer, session } = await context.initialize({ peer });
    if (!session && answer.status !== undefined && answer.status >= 400) return { asked, refusal: answer };
    await session?.delete().done();
  }
  return { asked, refusal: undefined };
}
