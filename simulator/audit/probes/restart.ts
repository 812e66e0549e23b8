import { type AuditSession, resultIn } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass, undecided } from '../probe.ts';
import { buildRequest, type ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';
import { endOf } from '../target-end.ts';

/** "At once": a server that is busy starting up may need a moment, ms. */
const ANSWERED_WITHIN_MS = 2_000;
const METHODS = ['POST', 'GET', 'DELETE'] as const;
type Method = (typeof METHODS)[number];

/** F54: sessions that did not survive a restart are said to be gone. */
export const restartAnswersOldSessions: Probe = {
  name: 'restart_answers_old_sessions',
  failureModes: ['F54'],
  demands: 'After a crash and a restart an old session id is answered with 404 at once, or works as before.',
  limit: `404, or served as before, for ${METHODS.join(', ')}; and a new session opens`,
  clause: 'MCP 2025-11-25, basic/transports, Session Management 3 and 4',
  remedy:
    'Answer an id that is not on the map with 404, without looking elsewhere for long; clients then start over.',
  phase: 'ending',
  needs: ['session', 'restart', 'process'],
  lasts: () => 3_000,
  async run(context) {
    const { target } = context;
    const sessions = await Promise.all(
      METHODS.map(async (method) => ({ method, session: await context.open() })),
    );
    for (const { session } of sessions) session.leave();
    target.kill?.();
    await endOf(context, 5_000);
    await target.start?.();
    context.clearEvidence();
    context.note('killed, and started again');
    const wrong: string[] = [];
    const told: string[] = [];
    for (const { method, session } of sessions) {
      const answer = await replay(context, method, session);
      const isHonest = answer.status === 404 || isServed(method, answer);
      (isHonest ? told : wrong).push(`${method} ${said(answer)}`);
    }
    const { answer, session } = await context.initialize();
    if (!session) {
      const observed = `initialize after the restart: ${said(answer)}`;
      if (wrong.length === 0 && answer.status === 503) return undecided(observed, 'it was not ready yet');
      return fail(observed, 'after a restart no client gets a session any more');
    }
    if (wrong.length === 0) return pass(`${told.join(', ')}; a new session opens`);
    return fail(
      wrong.join(', '),
      'clients do not learn that their sessions are gone, and repeat dead ids for ever',
    );
  },
};

async function replay(context: ProbeContext, method: Method, session: AuditSession): Promise<HttpAnswer> {
  const { headers } = session;
  switch (method) {
    case 'POST': {
      const body = buildRequest(session.nextId(), 'ping');
      return context.send({ method, headers, body }).done(ANSWERED_WITHIN_MS);
    }
    case 'GET': {
      const stream = context.send({ method, headers }, { staysOpen: true });
      const answer = await stream.head(ANSWERED_WITHIN_MS);
      stream.leave();
      return answer;
    }
    case 'DELETE':
      return context.send({ method, headers }).done(ANSWERED_WITHIN_MS);
  }
}

/** As by a server that keeps its sessions over a restart; 405 is what it always says to this method. */
function isServed(method: Method, answer: HttpAnswer): boolean {
  const { status = 0 } = answer;
  if (method === 'POST') return resultIn(answer) !== undefined;
  return (status >= 200 && status < 300) || status === 405;
}
