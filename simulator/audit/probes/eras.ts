import { fail, type Probe, pass, undecided } from '../probe.ts';

const TIMES = 20;
const META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';

/** F51: a client of the next revision asks what there is; nothing is opened for it. */
export const modernProbesLeaveNothing: Probe = {
  name: 'modern_probes_leave_nothing',
  failureModes: ['F51'],
  demands: 'A request of the revision without sessions opens none, whatever its answer.',
  limit: '0 sessions, no Mcp-Session-Id, no 5xx',
  clause: 'MCP 2026-07-28, basic/transports/streamable-http, Backward Compatibility',
  remedy: 'Open a session for initialize and for nothing else; answer other requests without an id with 400.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_000,
  async run(context) {
    const before = await context.countSessions();
    const peer = context.peer();
    const answers = [];
    for (let id = 1; id <= TIMES; id += 1) {
      const method = id % 2 === 0 ? 'server/discover' : 'tools/list';
      const body = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${META}}}`;
      // Some proxies and clients leave the version out; a server may look at it first.
      const version = id % 4 < 2 ? { 'MCP-Protocol-Version': '2026-07-28' } : {};
      const headers = { ...version, 'Mcp-Method': method };
      answers.push(await peer.send({ method: 'POST', headers, body }).done());
    }
    const after = await context.countSessions();
    const broken = answers.find(({ status }) => status === undefined || status >= 500);
    if (broken)
      return fail(
        `${broken.status ?? broken.end}`,
        'a client of the next revision is answered as if the server were broken',
      );
    if (answers.some(({ headers }) => headers.has('mcp-session-id'))) {
      return fail(
        'an id was handed out',
        'a session is opened for a client that knows of none and will never end it',
      );
    }
    if (!before || !after) return pass(`no id in ${TIMES} answers (sessions are not shown)`);
    const grown = after.count - before.count;
    const observed = `${grown} more sessions after ${TIMES} requests`;
    if (grown >= TIMES / 4)
      return fail(observed, 'a session is opened for a client that knows of none and will never end it');
    return grown <= 0 ? pass(observed) : undecided(observed, 'sessions of others came or went');
  },
};

/** F52: a method that is not known is no session that is lost. */
export const unknownMethodIsNo404: Probe = {
  name: 'unknown_method_is_no_404',
  failureModes: ['F52'],
  demands:
    'An unknown method on a live session is a JSON-RPC error, not a 404, which would end the session for its client.',
  limit: 'JSON-RPC error -32601, session alive',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 3; JSON-RPC 2.0, 5.1',
  remedy:
    'Answer what is not known inside the session with JSON-RPC error -32601, and keep 404 for sessions that are gone.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 500,
  async run(context) {
    const session = await context.open();
    context.clearEvidence();
    const answer = await session.request('audit/no_such_method').done();
    const error = answer.messages.find(({ message }) => message.kind === 'error')?.message;
    const state = await session.probe();
    const code = error?.kind === 'error' ? ` with error ${error.code}` : '';
    const observed = `${answer.status ?? answer.end}${code}, session ${state}`;
    if (answer.status !== 404 && error && state === 'alive') return pass(observed);
    return fail(observed, 'its client takes the session for lost, or waits for an answer that never comes');
  },
};

/** F52: what is not there is not there; it is no session. */
export const unknownPathIsNoSession: Probe = {
  name: 'unknown_path_is_no_lost_session',
  failureModes: ['F52'],
  demands: 'A path that does not exist is answered without the error code of a lost session.',
  limit: 'no JSON-RPC error -32001',
  clause: 'operation: one code, one meaning',
  remedy: 'Answer unknown paths as HTTP does; keep -32001 for sessions.',
  phase: 'quick',
  needs: [],
  lasts: () => 200,
  async run(context) {
    const answer = await context
      .send({ method: 'POST', path: '/no/such/path', body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' })
      .done();
    const observed = `${answer.status ?? answer.end}`;
    if (answer.status === 404 && answer.body.includes('-32001')) {
      return fail(
        `${observed} with -32001`,
        'a mistyped address looks like a lost session: clients start over for ever',
      );
    }
    return pass(observed);
  },
};
