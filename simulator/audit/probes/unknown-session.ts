import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';

const CLAUSE = 'MCP 2025-11-25, basic/transports, Session Management 3 and 4';

/** F20: an id that is unknown, ended or forged is answered 404, whatever the method. */
export const unknownSessionIs404: Probe = {
  name: 'unknown_session_is_404',
  failureModes: ['F20'],
  demands: 'A request that names an unknown or ended session is answered 404, on POST, GET and DELETE.',
  limit: '404 with a JSON-RPC error, in 6 of 6',
  clause: CLAUSE,
  remedy:
    'Look the id up before anything else is decided, and answer 404 with error -32001 when it is not there: clients start over on nothing else.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 500,
  async run(context) {
    const ended = await context.open();
    await ended.delete().done();
    context.clearEvidence();
    const wrong: string[] = [];
    for (const [what, id] of [
      ['unknown', UNKNOWN_ID],
      ['ended', ended.id],
    ] as const) {
      for (const method of ['POST', 'GET', 'DELETE']) {
        const answer = await ask(context, method, id);
        const said = answer.status === undefined ? answer.end : String(answer.status);
        if (answer.status !== 404) wrong.push(`${method} with an ${what} id: ${said}`);
      }
    }
    if (wrong.length === 0) return pass('404 in 6 of 6');
    return fail(
      wrong.join(', '),
      'clients get no cue to open a new session, and fail until somebody restarts them',
    );
  },
};

/** Visible ASCII, of the usual shape, and nobody's. */
const UNKNOWN_ID = '7d1f3c52-0000-4000-8000-5e0a0c0ffee0';

async function ask(context: ProbeContext, method: string, id: string): Promise<HttpAnswer> {
  const { protocolVersion } = context.offer;
  const headers = { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': protocolVersion };
  const body = method === 'POST' ? { body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' } : {};
  const exchange = context.send({ method, headers, ...body }, { staysOpen: method === 'GET' });
  if (method !== 'GET') return exchange.done();
  const answer = await exchange.head();
  // Of a refusal the body is wanted, too; a stream that was opened all the same has none.
  if (answer.status !== 200) return exchange.done(1_000);
  exchange.leave();
  return answer;
}
