import { fail, type Probe, pass } from '../probe.ts';
import { said } from '../session-state.ts';
import { endOf } from '../target-end.ts';

/** What every object of JavaScript answers to. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];

/**
 * F34: the names that objects know by themselves name no sessions. It is asked of processes of our own only, and
 * they are started again after it: it can leave a server unable to open sessions.
 */
export const namesOfObjectsAreNoSessions: Probe = {
  name: 'names_of_objects_are_no_sessions',
  failureModes: ['F34', 'F20'],
  demands: 'An id like __proto__ is refused as unknown, and does the server no harm.',
  limit: '4xx, and clients are let in as before',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 3',
  remedy: 'Keep sessions in a Map, never in a plain object.',
  phase: 'ending',
  needs: ['session', 'restart', 'pid'],
  lasts: () => 2_000,
  async run(context) {
    const wrong: string[] = [];
    for (const name of NAMES) {
      const headers = { 'Mcp-Session-Id': name };
      const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
      const answer = await context.send({ method: 'POST', headers, body }).done();
      const isRefused = answer.status !== undefined && answer.status >= 400 && answer.status < 500;
      if (!isRefused) wrong.push(`${name}: ${said(answer)}`);
    }
    const { answer, session } = await context.initialize();
    // Nothing else shall be judged by what may be left of it.
    if (wrong.length > 0 || !session) await endOf(context, 0);
    const observed = [...wrong, `initialize afterwards: ${said(answer)}`].join(', ');
    if (!session) {
      return fail(observed, 'one request, by anybody, and nobody gets in until the server is restarted');
    }
    if (wrong.length > 0) return fail(observed, 'what every object has is taken for a session');
    return pass(observed);
  },
};
