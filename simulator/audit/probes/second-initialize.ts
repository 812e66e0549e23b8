import { fail, type Probe, pass } from '../probe.ts';
import { initializeBody } from '../probe-context.ts';

/** Clients that come at once. */
const AT_ONCE = 30;

/** F56: initialize on a live session leaves that session alone, and opens no other. */
export const secondInitializeChangesNothing: Probe = {
  name: 'second_initialize_changes_nothing',
  failureModes: ['F56'],
  demands: 'A second initialize on a live session opens no other session, and does not end the first.',
  limit: 'no new id, first session alive',
  clause: 'MCP 2025-11-25, basic/lifecycle, Initialization: it is the first interaction',
  remedy: 'Refuse initialize when the request names a session (400, -32600).',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 500,
  async run(context) {
    const first = await context.open();
    context.clearEvidence();
    const answer = await first.post(initializeBody({ id: 99 })).done();
    const id = answer.headers.get('mcp-session-id');
    const state = await first.probe();
    const isOther = id !== undefined && id !== first.id && answer.status === 200;
    if (isOther) context.adopt(answer, first.peer);
    const observed = `${answer.status ?? answer.end}${isOther ? ' with a new id' : ''}, first session ${state}`;
    if (isOther)
      return fail(
        observed,
        'each repeated initialize opens one more session that its client does not know to end',
      );
    if (state !== 'alive') return fail(observed, 'a repeated initialize ends a session in use');
    return pass(observed);
  },
};

/** F56, F46: clients that come in one instant get a session each. */
export const concurrentInitializesAreDistinct: Probe = {
  name: 'concurrent_initializes_are_distinct',
  failureModes: ['F56', 'F29'],
  demands: 'Clients that initialize in the same instant get a session each, with an id of its own.',
  limit: `${AT_ONCE} distinct ids, or a refusal`,
  clause: 'MCP 2025-11-25, basic/transports, Session Management 1: ids are unique',
  remedy:
    'Make a transport and an MCP server for each session; a shared one answers the second client with an error, or with the session of the first.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_000,
  async run(context) {
    const attempts = await Promise.all(Array.from({ length: AT_ONCE }, () => context.initialize()));
    const ids = attempts.flatMap(({ session }) => (session ? [session.id] : []));
    const distinct = new Set(ids).size;
    const refused = attempts.filter(({ answer }) => answer.status === 429 || answer.status === 503).length;
    const broken = AT_ONCE - ids.length - refused;
    const observed = `${ids.length} sessions with ${distinct} ids, ${refused} refused, ${broken} failed`;
    if (distinct < ids.length) return fail(observed, 'two clients share one session');
    if (broken > 0) return fail(observed, 'clients that come together are answered with errors');
    return pass(observed);
  },
};
