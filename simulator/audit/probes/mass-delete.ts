import type { AuditSession } from '../audit-session.ts';
import type { Peer } from '../peer.ts';
import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said, stateOf } from '../session-state.ts';
import { isNotAllowed } from './deletion.ts';

const SESSIONS = 200;
/** Of a cap, at most so much: others hold sessions as well. */
const SHARE_OF_CAP = 0.5;
const FEWEST = 10;
/** One in so many listens on a stream that breaks at the same moment. */
const STREAM_EVERY = 4;
/** A server that is well answers by then, ms. */
const ANSWERS_WITHIN_MS = 2_000;

/** F39: many ends at once set off many closes, and none of them may set off itself. */
export const massDeleteLeavesTheServerWell: Probe = {
  name: 'mass_delete_leaves_the_server_well',
  failureModes: ['F39'],
  demands: 'When many sessions are ended at once, the server still answers and opens new ones.',
  limit: `every DELETE done and a new session opened, within ${ANSWERS_WITHIN_MS / 1_000} s`,
  clause: 'operation',
  remedy: 'Take a session off the map before anything of it is closed: then no close finds it again.',
  phase: 'load',
  needs: ['session'],
  lasts: () => 4_000,
  async run(context) {
    const sessions = await openMany(context);
    if (sessions.length < FEWEST) {
      return undecided(`${sessions.length} sessions`, `fewer than ${FEWEST} sessions could be opened`);
    }
    const listeners = context.offer.hasStream ? await listenOnSome(context, sessions) : [];
    context.clearEvidence();
    const ends = sessions.map((session) => session.delete());
    for (const listener of listeners) listener.reset();
    const answers = await Promise.all(ends.map((end) => end.done(5_000)));
    if (answers.every(isNotAllowed))
      return unseen('clients may not end sessions: DELETE is answered with 405');
    const failed = answers.filter(({ status = 599 }) => status >= 500);
    const { answer, session } = await answeredSoon(context);
    const state = session ? await stateOf(context, session) : 'gone';
    const [first] = failed;
    const observed = `${sessions.length} sessions ended at once, ${failed.length} DELETEs failed${first ? ` (${said(first)})` : ''}; then a new session: ${said(answer)}`;
    if (state === 'alive' && failed.length === 0) return pass(observed);
    return fail(
      observed,
      'ending many sessions at once, as a deployment or a network does, is more than the server can take',
    );
  },
};

/** As many as fit under the cap; fewer when the server says so. */
async function openMany(context: ProbeContext): Promise<AuditSession[]> {
  const { maxSessions, maxSessionsPerClient } = context.policy;
  const cap = Math.min(
    maxSessions ?? Number.POSITIVE_INFINITY,
    maxSessionsPerClient ?? Number.POSITIVE_INFINITY,
  );
  const total = Math.max(FEWEST, Math.min(SESSIONS, Math.floor(SHARE_OF_CAP * cap)));
  const opened = await Promise.all(Array.from({ length: total }, () => context.initialize()));
  const sessions = opened.flatMap(({ session }) => (session ? [session] : []));
  await Promise.all(sessions.map((session) => session.notify('notifications/initialized').done()));
  return sessions;
}

/** The hosts that hold a stream each, for some of the sessions. */
async function listenOnSome(context: ProbeContext, sessions: readonly AuditSession[]): Promise<Peer[]> {
  const some = sessions.filter((_, index) => index % STREAM_EVERY === 0);
  return Promise.all(
    some.map(async ({ headers }) => {
      const listener = context.peer();
      await listener.send({ method: 'GET', headers }, { staysOpen: true }).head();
      return listener;
    }),
  );
}

async function answeredSoon(context: ProbeContext) {
  const late = context.clock.sleep(ANSWERS_WITHIN_MS + context.toleranceMs).then(() => undefined);
  const opened = await Promise.race([context.initialize(), late]);
  return opened ?? { answer: NO_ANSWER, session: undefined };
}

/** What there is of an answer that has not begun. */
const NO_ANSWER = { status: undefined, end: 'timeout' as const, messages: [] };
