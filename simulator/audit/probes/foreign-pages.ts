import type { AuditSession } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass, unseen } from '../probe.ts';
import { initializeBody, type ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';
import type { WireRequest } from '../wire-request.ts';

const EVIL = 'https://evil.example';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const REMEDY =
  'Check Host and Origin in front of every route, against the names the server is reached by, and answer 403.';
const HARM = 'any web page that a user of this machine visits can drive the server (DNS rebinding)';

/** F35: what a page of somebody else sends is refused, on every route. */
export const foreignOriginsAreRefused: Probe = {
  name: 'foreign_origins_are_refused',
  failureModes: ['F35'],
  demands: 'A server on this machine refuses requests from web pages of other origins, on every route.',
  limit: '403, and no session',
  clause: 'MCP 2025-11-25, basic/transports, Security Warning 1',
  remedy: REMEDY,
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_000,
  async run(context) {
    if (!isOnLoopback(context)) return unseen(BEYOND);
    // Before 2025-11-25 Origin had to be checked, too, and the status was not stated.
    const isStated = context.offer.protocolVersion >= '2025-11-25';
    const refused = ({ status }: HttpAnswer) =>
      isStated ? status === 403 : status !== undefined && status >= 400 && status < 500;
    const wrong = [
      ...(await lettingIn(context, { Origin: EVIL }, refused)),
      ...(await lettingIn(context, { Origin: 'null' }, refused)),
    ];
    if (wrong.length > 0) return fail(wrong.join(', '), HARM);
    const own = await initializeFrom(context, { Origin: context.target.endpoint.origin });
    const welcome = own.status === 200 ? 'its own is served' : `its own is refused, too (${said(own)})`;
    return pass(`foreign origins are refused on every route, ${welcome}`);
  },
};

/** F35: a name that is not the server's is no way to reach it. */
export const foreignHostsAreRefused: Probe = {
  name: 'foreign_hosts_are_refused',
  failureModes: ['F35'],
  demands: 'A server on this machine refuses requests that call it by the name of another host.',
  limit: '4xx, and no session',
  clause: 'operation: MCP 2025-11-25, basic/transports, Security Warning (DNS rebinding)',
  remedy: REMEDY,
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_000,
  async run(context) {
    if (!isOnLoopback(context)) return unseen(BEYOND);
    const refused = ({ status }: HttpAnswer) => status === undefined || (status >= 400 && status < 500);
    const wrong = await lettingIn(context, { Host: new URL(EVIL).host }, refused);
    return wrong.length === 0 ? pass('refused on every route') : fail(wrong.join(', '), HARM);
  },
};

const BEYOND = 'the server is not on this machine, and which names it goes by is not known';

function isOnLoopback({ target }: ProbeContext): boolean {
  return LOOPBACK.test(target.endpoint.hostname);
}

type Spoof = Readonly<Record<string, string>>;

/** The routes that let such a request in. */
async function lettingIn(
  context: ProbeContext,
  spoof: Spoof,
  isRefused: (answer: HttpAnswer) => boolean,
): Promise<string[]> {
  const [[name, value] = ['', '']] = Object.entries(spoof);
  const wrong: string[] = [];
  const judge = (what: string, answer: HttpAnswer) => {
    const hasId = answer.status !== undefined && answer.status >= 400 && answer.headers.has('mcp-session-id');
    if (!isRefused(answer) || hasId) wrong.push(`${what} with ${name} ${value}: ${said(answer)}`);
  };
  judge('initialize', await initializeFrom(context, spoof));
  const session = await context.open();
  for (const [what, request] of routes(session)) {
    const headers = { ...request.headers, ...spoof };
    judge(what, await shortly(context, { ...request, headers }));
  }
  const isShown = (await shortly(context, SESSIONS)).status === 200;
  if (isShown) judge('GET /sessions', await shortly(context, { ...SESSIONS, headers: spoof }));
  return wrong;
}

const SESSIONS: WireRequest = { method: 'GET', path: '/sessions' };

/** DELETE last: where it is let in the session is gone. */
function routes({ headers }: AuditSession): readonly (readonly [what: string, request: WireRequest])[] {
  return [
    ['POST', { method: 'POST', headers, body: '{"jsonrpc":"2.0","id":2,"method":"ping"}' }],
    ['GET', { method: 'GET', headers }],
    ['DELETE', { method: 'DELETE', headers }],
  ];
}

async function initializeFrom(context: ProbeContext, headers: Spoof): Promise<HttpAnswer> {
  const peer = context.peer();
  const answer = await peer.send({ method: 'POST', headers, body: initializeBody() }).done();
  context.adopt(answer, peer);
  return answer;
}

/** Of what turns out to be a stream only the head. */
async function shortly(context: ProbeContext, request: WireRequest): Promise<HttpAnswer> {
  const exchange = context.send(request, { staysOpen: request.method === 'GET' });
  await exchange.head();
  const { headers } = exchange.answer;
  if (!headers.get('content-type')?.includes('text/event-stream')) return exchange.done(1_000);
  exchange.leave();
  return exchange.answer;
}
