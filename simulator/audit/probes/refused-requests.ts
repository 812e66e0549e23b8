import { fail, type Probe, pass, undecided } from '../probe.ts';
import { initializeBody } from '../probe-context.ts';
import type { WireRequest } from '../wire-request.ts';

/** Of each kind. */
const TIMES = 20;

const HOSTILE: readonly (readonly [what: string, request: WireRequest])[] = [
  ['GET without a session', { method: 'GET', headers: { Accept: 'application/json' } }],
  ['HEAD', { method: 'HEAD' }],
  ['OPTIONS', { method: 'OPTIONS' }],
  ['POST that is no JSON', { method: 'POST', body: '{"jsonrpc":' }],
  [
    'tools/list without a session',
    { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' },
  ],
  [
    'initialize that accepts no answer',
    { method: 'POST', headers: { Accept: 'text/html' }, body: initializeBody() },
  ],
  [
    'initialize that is no JSON by its type',
    { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: initializeBody() },
  ],
];

/** F02: what the server refuses leaves no session behind. */
export const refusedRequestsLeaveNothing: Probe = {
  name: 'refused_requests_leave_nothing',
  failureModes: ['F02'],
  demands: 'A request that the server refuses opens no session: none is counted, and no id is handed out.',
  limit: '0 sessions, no Mcp-Session-Id on a refusal',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 1: an id comes with the InitializeResult',
  remedy:
    'Check method, headers, body and size before anything is allocated, and register the session only when initialize succeeded.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 2_000,
  async run(context) {
    const before = await context.countSessions();
    const handedOut: string[] = [];
    const peer = context.peer();
    for (const [what, request] of HOSTILE) {
      const answers = await Promise.all(Array.from({ length: TIMES }, () => peer.send(request).done()));
      for (const answer of answers) {
        const isRefused = answer.status === undefined || answer.status >= 400;
        if (isRefused && answer.headers.has('mcp-session-id')) handedOut.push(what);
        // Accepted against all expectation: it is ours to clean up.
        if (!isRefused) context.adopt(answer, peer);
      }
    }
    const after = await context.countSessions();
    if (handedOut.length > 0) {
      return fail(
        `${handedOut.length} refusals came with a session id`,
        `an id was handed out with a refusal: ${handedOut[0]}`,
      );
    }
    if (!before || !after)
      return pass(`no id on ${TIMES * HOSTILE.length} refusals (sessions are not shown)`);
    const grown = after.count - before.count;
    const observed = `${grown} more sessions after ${TIMES * HOSTILE.length} refused requests`;
    if (grown >= TIMES) return fail(observed, 'each request that is refused leaves a session behind');
    return grown <= 0 ? pass(observed) : undecided(observed, 'sessions of others came or went');
  },
};
