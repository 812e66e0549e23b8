import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';
import type { Headers, WireRequest } from '../wire-request.ts';

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

interface Way {
  readonly what: string;
  readonly request: WireRequest;
}

const WAYS: readonly Way[] = [
  { what: 'POST', request: { method: 'POST', body: PING } },
  { what: 'GET', request: { method: 'GET' } },
  { what: 'GET that resumes', request: { method: 'GET', headers: { 'Last-Event-ID': 'unknown-1' } } },
  { what: 'DELETE', request: { method: 'DELETE' } },
];

/** Visible ASCII, of the usual shape, and nobody's. */
const UNKNOWN_ID = '7d1f3c52-0000-4000-8000-5e0a0c0ffee0';
/** Of a shape that few servers hand out. That it cannot be one of theirs may be told by 400, too. */
const ODD_ID = '!not/an~id!';

/** F20: an id that is unknown, ended or forged is answered 404, whatever the method. */
export const unknownSessionIs404: Probe = {
  name: 'unknown_session_is_404',
  failureModes: ['F20'],
  demands: 'A request that names an unknown or ended session is answered 404, on POST, GET and DELETE.',
  limit: '404 for every id and method (405 where a method is not offered)',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 3 and 4',
  remedy:
    'Look the id up before anything else is decided, and answer 404 with error -32001 when it is not there: clients start over on nothing else.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_000,
  async run(context) {
    const ended = await context.open();
    const { status: deleteStatus } = await ended.delete().done();
    // Where DELETE is not offered, nothing has ended.
    const isOffered = deleteStatus !== 405;
    context.clearEvidence();
    const ids = [
      { what: 'an unknown id', id: UNKNOWN_ID, allowed: [404] },
      ...(isOffered ? [{ what: 'an ended id', id: ended.id, allowed: [404] }] : []),
      { what: 'an id of another shape', id: ODD_ID, allowed: [404, 400] },
    ];
    const wrong: string[] = [];
    let asked = 0;
    for (const { what, id, allowed } of ids) {
      for (const way of WAYS) {
        const answer = await ask(context, way.request, { 'Mcp-Session-Id': id });
        asked += 1;
        if (isMissingMethod(context, way, answer, isOffered)) continue;
        if (!allowed.includes(answer.status ?? 0)) wrong.push(`${way.what} with ${what}: ${said(answer)}`);
      }
    }
    if (wrong.length === 0) return pass(`404 in ${asked} of ${asked}`);
    return fail(
      wrong.join(', '),
      'clients get no cue to open a new session, and fail until somebody restarts them',
    );
  },
};

/** F20: only a request that names no session at all is answered 400. */
export const missingSessionIs400: Probe = {
  name: 'missing_session_is_400',
  failureModes: ['F20'],
  demands: 'A request that needs a session and names none is answered 400.',
  limit: '400, or a result where the server takes requests without a session',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 2',
  remedy:
    'Answer 400 where the header is missing and 404 where its session is: the first is a bug of the client, the second its cue to start over.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 500,
  async run(context) {
    const posted = await ask(context, { method: 'POST', body: LIST }, {});
    const isServed = posted.messages.some(({ message }) => message.kind === 'result');
    const observed = `tools/list without a session: ${said(posted)}`;
    if (isServed) return pass(`${observed}, with a result`);
    if (posted.status === 400) return pass(observed);
    return fail(observed, 'clients cannot tell a header they forgot from a session that is gone');
  },
};

/** GET and DELETE need not be offered at all (405). */
function isMissingMethod(
  { offer }: ProbeContext,
  { request: { method } }: Way,
  { status }: HttpAnswer,
  isDeleteOffered: boolean,
): boolean {
  if (status !== 405) return false;
  return (method === 'GET' && !offer.hasStream) || (method === 'DELETE' && !isDeleteOffered);
}

async function ask(context: ProbeContext, request: WireRequest, named: Headers): Promise<HttpAnswer> {
  const headers = { ...request.headers, ...named, 'MCP-Protocol-Version': context.offer.protocolVersion };
  const isStream = request.method === 'GET';
  const exchange = context.send({ ...request, headers }, { staysOpen: isStream });
  if (!isStream) return exchange.done();
  const answer = await exchange.head();
  // Of a refusal the body is wanted, too; a stream that was opened all the same has none.
  if (answer.status !== 200) return exchange.done(1_000);
  exchange.leave();
  return answer;
}
