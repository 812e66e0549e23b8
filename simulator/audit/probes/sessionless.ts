import { resultIn } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { type Finding, fail, type Probe, pass, undecided } from '../probe.ts';
import { initializeBody, type ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';
import type { WireRequest } from '../wire-request.ts';

const LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
const NAMED = { 'Mcp-Session-Id': '7d1f3c52-0000-4000-8000-5e0a0c0ffee0' };

/** F53: a server without sessions has nothing to listen to, and nothing to delete. */
export const sessionlessServersOpenNothing: Probe = {
  name: 'sessionless_servers_open_nothing',
  failureModes: ['F53'],
  demands: 'A server without sessions refuses GET and DELETE, hands out no id, and ignores those it is sent.',
  limit: 'GET and DELETE refused (405), no Mcp-Session-Id',
  clause:
    'MCP 2026-07-28, basic/transports/streamable-http, Backward Compatibility; MCP 2025-11-25, Listening for Messages 2',
  remedy:
    'Route POST only, and answer every other method with 405: a stream that never carries anything costs both sides.',
  phase: 'quick',
  needs: ['sessionless'],
  lasts: () => 1_000,
  async run(context) {
    const wrong: string[] = [];
    const judge = (what: string, answer: HttpAnswer, isRight: boolean) => {
      if (!isRight) wrong.push(`${what}: ${said(answer)}`);
      if (answer.headers.has('mcp-session-id')) wrong.push(`${what}: came with a session id`);
    };
    for (const request of UNOFFERED) {
      const answer = await shortly(context, request);
      judge(
        `${request.method}${request.headers ? ' with an id' : ''}`,
        answer,
        answer.status !== undefined && answer.status >= 400 && answer.status < 500,
      );
    }
    const plain = await context.send({ method: 'POST', body: initializeBody() }).done();
    judge('initialize', plain, resultIn(plain) !== undefined);
    const named = await context.send({ method: 'POST', headers: NAMED, body: initializeBody() }).done();
    judge('initialize with an id', named, named.status !== undefined && named.status < 500);
    if (wrong.length === 0) return pass('GET and DELETE are refused, no id is handed out');
    return fail(
      wrong.join(', '),
      'clients hold streams that carry nothing, or believe in sessions that are none',
    );
  },
};

const UNOFFERED: readonly WireRequest[] = [
  { method: 'GET' },
  { method: 'DELETE' },
  { method: 'GET', headers: { ...NAMED, 'Last-Event-ID': 'unknown-1' } },
  { method: 'DELETE', headers: NAMED },
];

const REQUESTS = 100;
/** At the same time: some servers start a process for each. */
const AT_ONCE = 4;
/** Where requests take long, fewer are enough. */
const NO_MORE_AFTER_MS = 4_000;
/** Beside these so many whose clients leave before all of it is sent. */
const GIVEN_UP = 20;
const MOMENT_MS = 50;

/** F10: what each request of a sessionless server needs ends with that request, as far as the wire shows. */
export const sessionlessRequestsLeaveNothing: Probe = {
  name: 'sessionless_requests_leave_nothing',
  failureModes: ['F10'],
  demands:
    'Many requests without a session, some given up under way, are all answered, and leave no session behind.',
  limit: 'every request that is waited for is answered; 0 sessions',
  clause: 'operation: what is made for a request is closed when its response is',
  remedy: "Close transport and server of the request in finally, and when the response emits 'close'.",
  phase: 'load',
  needs: ['sessionless'],
  lasts: () => NO_MORE_AFTER_MS + 1_000,
  async run(context) {
    const before = await context.countSessions();
    const peer = context.peer();
    const gone = context.peer();
    for (let count = 0; count < GIVEN_UP; count += 1) {
      gone.send({ method: 'POST', headers: { 'Content-Length': String(LIST.length + 1) }, body: LIST });
    }
    const answers: HttpAnswer[] = [];
    const began = context.clock.now();
    while (answers.length < REQUESTS && context.clock.now() < began + NO_MORE_AFTER_MS) {
      const some = Array.from({ length: AT_ONCE }, () => peer.send({ method: 'POST', body: LIST }).done());
      answers.push(...(await Promise.all(some)));
    }
    await context.sleep(MOMENT_MS);
    gone.reset();
    await context.sleep(MOMENT_MS);
    const last = await context.send({ method: 'POST', body: LIST }).done();
    const after = await context.countSessions();
    const grown = before && after ? after.count - before.count : 0;
    return judgeRequests([...answers, last], grown);
  },
};

function judgeRequests(answers: readonly HttpAnswer[], grown: number): Finding {
  const answered = answers.filter(isAnswered).length;
  const limited = answers.filter(({ status }) => status === 429 || status === 503).length;
  const observed = `${answered} of ${answers.length} answered, ${grown} more sessions`;
  if (grown > answers.length / 2) return fail(observed, 'each request leaves a session behind');
  if (answered === answers.length) return pass(observed);
  if (limited > 0) return undecided(observed, 'a limit refused some of them');
  return fail(observed, 'requests are lost when others are given up');
}

/** Some ask for initialize first: a refusal is an answer, too. */
function isAnswered({ status, end, messages }: HttpAnswer): boolean {
  return status !== undefined && status < 500 && status !== 429 && end === 'complete' && messages.length > 0;
}

/** Of what turns out to be a stream only the head. */
async function shortly(context: ProbeContext, request: WireRequest): Promise<HttpAnswer> {
  const exchange = context.send(request, { staysOpen: request.method === 'GET' });
  const answer = await exchange.head();
  exchange.leave();
  return answer;
}
