import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass, unseen } from '../probe.ts';
import { isObject, type JsonObject, type ProbeContext } from '../probe-context.ts';
import { reapedWithinMs } from '../promises.ts';

/** Enough to tell an entry that stayed from sessions of others that come and go. */
const SESSIONS = 10;
/** Looks until all numbers are of one moment. */
const LOOKS = 10;
const BETWEEN_LOOKS_MS = 50;
const PAGE = '/sessions?limit=1000';

/** F07: a session that ended by itself is off every table, not just off one. */
export const shownCountsAgree: Probe = {
  name: 'shown_counts_agree',
  failureModes: ['F07'],
  demands: 'After sessions ended by idleness, every number of sessions that the server shows is the same.',
  limit: '/health, /sessions, its entries, and opened less ended agree',
  clause: 'operation: the numbers that the server shows of itself',
  remedy: 'Keep one index of sessions, and derive every number from it.',
  phase: 'waiting',
  needs: ['session', 'listing', 'idle-timeout'],
  lasts: ({ policy }) => reapedWithinMs(policy) + LOOKS * BETWEEN_LOOKS_MS + 500,
  async run(context) {
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => context.open()));
    for (const session of sessions) session.leave();
    await context.sleep(reapedWithinMs(context.policy) + context.toleranceMs + 1);
    context.clearEvidence();
    let last = 'nothing';
    for (let look = 0; look < LOOKS; look += 1) {
      const counts = await countsOf(context);
      if (!counts) return unseen('the server shows one number of sessions at most');
      last = Object.entries(counts)
        .map(([what, count]) => `${what} ${count}`)
        .join(', ');
      if (new Set(Object.values(counts)).size === 1) return pass(last);
      await context.sleep(BETWEEN_LOOKS_MS);
    }
    return fail(
      last,
      'sessions that are over are still in one of the tables: one of the numbers grows for ever',
    );
  },
};

/** Every number of sessions that is shown, by where; undefined when there are fewer than two. */
async function countsOf(context: ProbeContext): Promise<Record<string, number> | undefined> {
  const [health, listing] = await Promise.all(['/health', PAGE].map((path) => read(context, path)));
  const { total, sessions, counters, next } = listing ?? {};
  const counts = Object.entries({
    '/health': health?.sessions,
    '/sessions': total,
    'entries of /sessions': Array.isArray(sessions) && next === undefined ? sessions.length : undefined,
    'opened less ended': isObject(counters) ? openedLessEnded(counters) : undefined,
  }).flatMap(([what, count]) => (typeof count === 'number' ? [[what, count] as const] : []));
  return counts.length < 2 ? undefined : Object.fromEntries(counts);
}

/** Where all are of one life of the server. */
function openedLessEnded({ opened, ended }: JsonObject): number | undefined {
  if (typeof opened !== 'number' || !isObject(ended)) return undefined;
  return Object.values(ended).reduce<number>((left, count) => left - Number(count), opened);
}

async function read(context: ProbeContext, path: string): Promise<JsonObject | undefined> {
  const headers = { Accept: 'application/json' };
  return parsed(await context.send({ method: 'GET', path, headers }).done());
}

function parsed({ body }: HttpAnswer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
