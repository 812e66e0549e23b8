import { sessionHeaders } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass, undecided } from '../probe.ts';
import { buildRequest, type JsonObject, type ProbeContext } from '../probe-context.ts';

/** Of each kind. */
const TIMES = 10;

const CLIENT: JsonObject = { name: 'mcp-soak-audit', version: '1.0.0' };

const BROKEN: readonly (readonly [what: string, params: JsonObject])[] = [
  ['protocolVersion that is a number', { protocolVersion: 42, capabilities: {}, clientInfo: CLIENT }],
  ['no clientInfo', { protocolVersion: '2025-06-18', capabilities: {} }],
  ['clientInfo without a name', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {} }],
  ['no params at all', {}],
];

/** F03: an initialize that is answered with an error opened nothing, whatever its status says. */
export const failedInitializeLeavesNothing: Probe = {
  name: 'failed_initialize_leaves_nothing',
  failureModes: ['F03'],
  demands:
    'An initialize that is answered with an error leaves no session: none is counted, and no id works.',
  limit: '0 sessions, no id that works',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 1: an id comes with the InitializeResult',
  remedy:
    'Register a session only when its initialize was answered with a result, and close its transport and server when not.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_500,
  async run(context) {
    const before = await context.countSessions();
    let refused = 0;
    for (const [what, params] of BROKEN) {
      const peer = context.peer();
      const body = buildRequest(1, 'initialize', params);
      const answers = await Promise.all(
        Array.from({ length: TIMES }, () => peer.send({ method: 'POST', body }).done()),
      );
      for (const answer of answers) {
        // A server may be generous, and open a session all the same: then it is an ordinary one.
        const opened = context.adopt(answer, peer);
        await opened?.delete().done();
        if (opened) continue;
        refused += 1;
        const works = await idWorks(context, answer);
        if (works !== undefined) {
          const reason = 'initialize failed, and its session is there all the same: nobody will ever end it';
          return fail(`${what}: ${answer.status}, and its session id ${works}`, reason);
        }
      }
    }
    return judge(refused, before?.count, (await context.countSessions())?.count);
  },
};

function judge(refused: number, before: number | undefined, after: number | undefined) {
  if (refused === 0) return pass('initialize was never refused');
  if (before === undefined || after === undefined) {
    return pass(`no session id of ${refused} refusals works (sessions are not shown)`);
  }
  const grown = after - before;
  const observed = `${grown} more sessions after ${refused} failed initialize requests`;
  if (grown >= TIMES) return fail(observed, 'each initialize that fails leaves a session behind');
  return grown <= 0 ? pass(observed) : undecided(observed, 'sessions of others came or went');
}

/** How the id that came with the refusal is answered, when it is not refused as well. */
async function idWorks(context: ProbeContext, answer: HttpAnswer): Promise<string | undefined> {
  const id = answer.headers.get('mcp-session-id');
  if (id === undefined) return undefined;
  const headers = sessionHeaders({ id, protocolVersion: context.offer.protocolVersion });
  const { status } = await context.send({ method: 'POST', headers, body: buildRequest(2, 'ping') }).done();
  return status !== undefined && status < 400 ? `is answered with ${status}` : undefined;
}
