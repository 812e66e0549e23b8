import { fail, type Probe, pass, undecided } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said, stateOf } from '../session-state.ts';
import type { WireRequest } from '../wire-request.ts';

/** 405: the method is not offered to anybody. */
const REFUSED: readonly (number | undefined)[] = [401, 403, 404, 405];

/** F32: whoever knows an id is not for that reason its owner. */
export const sessionsBelongToTheirOwner: Probe = {
  name: 'sessions_belong_to_their_owner',
  failureModes: ['F32'],
  demands: 'Another identity can neither use, read nor end a session whose id it knows.',
  limit: '404 (or 401, 403) on POST, GET and DELETE, and the owner notices nothing',
  clause:
    'MCP 2025-11-25, Security Best Practices, Session Hijacking: sessions are no authentication; bind them to the user',
  remedy:
    'Keep with each session whose it is, compare that on every request, and answer others as if there were no such session.',
  phase: 'quick',
  needs: ['session', 'other-identity'],
  lasts: () => 1_000,
  async run(context) {
    const session = await context.open();
    const stranger = context.peer({ headers: context.otherHeaders ?? {} });
    const own = await context.initialize({ peer: stranger });
    // It could not be let in anywhere: what it is refused proves nothing.
    if (!own.session) return undecided(`initialize ${said(own.answer)}`, 'the other identity is not let in');
    await own.session.delete().done();
    context.clearEvidence();
    const wrong: string[] = [];
    for (const request of requestsFor(session.headers)) {
      const exchange = stranger.send(request, { staysOpen: request.method === 'GET' });
      const { status } = await exchange.head();
      exchange.leave();
      if (!REFUSED.includes(status)) wrong.push(`${request.method} ${said(exchange.answer)}`);
    }
    const state = await stateOf(context, session);
    if (wrong.length > 0) {
      return fail(
        `with the id of somebody else: ${wrong.join(', ')}`,
        'an id that leaks is a stolen session: its finder reads, drives and ends it',
      );
    }
    if (state !== 'alive')
      return fail(`refused, but the session is ${state}`, 'a stranger ended the session');
    return pass(`refused on POST, GET and DELETE${await tellsApart(context, stranger, session.headers)}`);
  },
};

const PING = '{"jsonrpc":"2.0","id":7,"method":"ping"}';

function requestsFor(headers: WireRequest['headers'] = {}): WireRequest[] {
  return [
    { method: 'POST', headers, body: PING },
    { method: 'GET', headers },
    { method: 'DELETE', headers },
  ];
}

/** A remark where the answer tells a stranger that the session is there. */
async function tellsApart(
  context: ProbeContext,
  stranger: ReturnType<ProbeContext['peer']>,
  headers: WireRequest['headers'] = {},
): Promise<string> {
  const nobodys = { ...headers, 'Mcp-Session-Id': `nobodys-${context.tag()}` };
  const [theirs, unknown] = await Promise.all(
    [headers, nobodys].map((named) => stranger.send({ method: 'POST', headers: named, body: PING }).done()),
  );
  const isSame = theirs?.status === unknown?.status && theirs?.body === unknown?.body;
  return isSame ? '' : ' (but not as an unknown session is: a stranger can tell that it is there)';
}
