import { readProcess } from '../../observers/process.ts';
import type { AuditSession } from '../audit-session.ts';
import { type Finding, fail, type Probe, pass, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { reapedWithinMs } from '../promises.ts';

const SESSIONS = 100;
/** Of a cap, at most so much. */
const SHARE_OF_CAP = 0.4;
/** What a server opens once, for its log or a name server, is opened by the first sessions. */
const WARM_UP = 5;
/** More than one file for so many sessions is no accident, once it is more than a handful. */
const SESSIONS_PER_FILE = 5;
const A_HANDFUL = 5;
/** The kernel, and the server, hear of closed connections within that, ms. */
const CLOSED_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 50;
/** Before the first look: what came before is to be over, ms. */
const SETTLE_MS = 500;

const REMEDY =
  'Keep what a session owns (streams, timers, children, upstream connections) in one list, and dispose of all of it in its one way out.';

/** F06: what a session held open is closed when its client ends it. */
export const deletedSessionsFreeTheirFiles: Probe = {
  name: 'deleted_sessions_free_their_files',
  failureModes: ['F06', 'F11'],
  demands: `After ${SESSIONS} sessions with streams were ended by DELETE the process has as many open files as before.`,
  limit: `at most one more for every ${SESSIONS_PER_FILE} sessions`,
  clause: 'operation',
  remedy: REMEDY,
  phase: 'load',
  needs: ['session', 'pid'],
  lasts: () => 4_000,
  run: (context) =>
    examine(context, 'DELETE', async (sessions) => {
      await Promise.all(sessions.map((session) => session.delete().done()));
    }),
};

/** F06: and when its client is gone and it was reaped. */
export const reapedSessionsFreeTheirFiles: Probe = {
  name: 'reaped_sessions_free_their_files',
  failureModes: ['F06', 'F11'],
  demands: `After ${SESSIONS} abandoned sessions were reaped the process has as many open files as before.`,
  limit: `at most one more for every ${SESSIONS_PER_FILE} sessions`,
  clause: 'operation',
  remedy: REMEDY,
  phase: 'load',
  needs: ['session', 'pid', 'idle-timeout'],
  lasts: ({ policy }) => reapedWithinMs(policy) + 4_000,
  run: (context) =>
    examine(context, 'reaping', async (sessions) => {
      for (const session of sessions) session.leave();
      for (const peer of new Set(sessions.map(({ peer }) => peer))) peer.close();
      await context.sleep(reapedWithinMs(context.policy) + context.toleranceMs);
    }),
};

async function examine(
  context: ProbeContext,
  how: string,
  end: (sessions: readonly AuditSession[]) => Promise<void>,
): Promise<Finding> {
  await useAndEnd(context, WARM_UP, end);
  await context.sleep(SETTLE_MS);
  const before = await filesOf(context, Number.POSITIVE_INFINITY);
  const { maxSessions } = context.policy;
  const total = Math.min(SESSIONS, Math.floor(SHARE_OF_CAP * (maxSessions ?? Number.POSITIVE_INFINITY)));
  const ended = await useAndEnd(context, total, end);
  if (before === undefined)
    return unseen('the open files of the process cannot be read (no /proc, or not ours)');
  const allowed = before + Math.max(A_HANDFUL, ended / SESSIONS_PER_FILE);
  const after = await filesOf(context, allowed);
  if (after === undefined) return fail('the process is gone', 'it did not survive the end of its sessions');
  const observed = `${before} open files before, ${after} after ${ended} sessions ended by ${how}`;
  if (after <= allowed) return pass(observed);
  return fail(observed, 'sessions end and what they held stays open, until the process has no file left');
}

/** Opens sessions, each with a stream where there are any, and ends them. How many there were. */
async function useAndEnd(
  context: ProbeContext,
  total: number,
  end: (sessions: readonly AuditSession[]) => Promise<void>,
): Promise<number> {
  const peer = context.peer();
  const opened = await Promise.all(Array.from({ length: total }, () => context.initialize({ peer })));
  const sessions = opened.flatMap(({ session }) => (session ? [session] : []));
  await Promise.all(sessions.map((session) => session.notify('notifications/initialized').done()));
  if (context.offer.hasStream) await Promise.all(sessions.map((session) => session.listen().head()));
  await end(sessions);
  peer.close();
  return sessions.length;
}

/** The fewest files that the process has open within a moment; ends as soon as there are few enough. */
async function filesOf(context: ProbeContext, enough: number): Promise<number | undefined> {
  const { target, clock } = context;
  const untilMs = clock.now() + CLOSED_WITHIN_MS;
  let fewest: number | undefined;
  while (clock.now() < untilMs) {
    const files = target.pid === undefined ? undefined : readProcess(target.pid)?.openFiles;
    if (files === undefined) return undefined;
    fewest = Math.min(files, fewest ?? files);
    if (fewest <= enough) return fewest;
    await context.sleep(LOOK_EVERY_MS);
  }
  return fewest;
}
