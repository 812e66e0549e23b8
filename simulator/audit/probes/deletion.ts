import { createHash } from 'node:crypto';
import type { AuditSession } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said, statesOf } from '../session-state.ts';

const SESSIONS = 20;
/** What DELETE sets off may take a moment. */
const SETTLE_MS = 100;

/** F05: DELETE ends the session, and everything that counts it. */
export const deleteEndsTheSession: Probe = {
  name: 'delete_ends_the_session',
  failureModes: ['F05'],
  demands: 'DELETE takes the session away: it is no longer counted, and its id is answered with 404.',
  limit: `0 of ${SESSIONS} left, 404 on POST and on a second DELETE`,
  clause: 'MCP 2025-11-25, basic/transports, Session Management 3 and 5',
  remedy:
    'End sessions in one idempotent function, for DELETE, sweep, cap and shutdown alike, that takes them off every table.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_500,
  async run(context) {
    const before = await context.countSessions();
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => context.open()));
    context.clearEvidence();
    const answers = await deleteAll(sessions);
    if (answers.every(isNotAllowed))
      return unseen('clients may not end sessions: DELETE is answered with 405');
    const odd = answers.find(({ status }) => status === undefined || status >= 300);
    if (odd)
      return fail(`DELETE: ${said(odd)}`, 'clients cannot end their sessions: each stays until it is reaped');
    await context.sleep(SETTLE_MS);
    const { alive, unclear } = await statesOf(context, sessions);
    if (alive + unclear > 0) {
      const observed = `POST after DELETE: ${alive} of ${SESSIONS} served, ${unclear} neither served nor 404`;
      return fail(observed, 'a session that was ended goes on, or its end is not told by 404');
    }
    const again = await deleteAll(sessions);
    const wrong = again.find(({ status }) => status !== 404);
    if (wrong) return fail(`second DELETE: ${said(wrong)}`, 'an id that is over is not answered with 404');
    return countedOut(context, sessions, before?.count);
  },
};

/** One by one: how many ends at once the server can take is another question (F39). */
async function deleteAll(sessions: readonly AuditSession[]): Promise<HttpAnswer[]> {
  const answers: HttpAnswer[] = [];
  for (const session of sessions) answers.push(await session.delete().done());
  return answers;
}

/** Whether they are off the books as well: by name where they are listed, else by number. */
async function countedOut(
  context: ProbeContext,
  sessions: readonly AuditSession[],
  before: number | undefined,
) {
  const after = await context.countSessions();
  if (!after || before === undefined)
    return pass(`404 for ${SESSIONS} of ${SESSIONS} (sessions are not shown)`);
  const reason = 'DELETE leaves the entry behind: memory and the cap fill up with sessions that are over';
  const { listed } = after;
  if (listed) {
    const kept = sessions.filter(({ id }) => listed.has(fingerprint(id))).length;
    const observed = `${kept} of ${SESSIONS} still listed, 404 for all`;
    return kept === 0 ? pass(observed) : fail(observed, reason);
  }
  const grown = after.count - before;
  const observed = `${grown} more sessions than before, 404 for ${SESSIONS} of ${SESSIONS}`;
  if (grown >= SESSIONS / 2) return fail(observed, reason);
  return grown <= 0 ? pass(observed) : undecided(observed, 'sessions of others came or went');
}

/** As `/sessions` names a session: its id is a credential. */
export function fingerprint(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('hex').slice(0, 12);
}

export function isNotAllowed({ status }: HttpAnswer): boolean {
  return status === 405 || status === 501;
}
