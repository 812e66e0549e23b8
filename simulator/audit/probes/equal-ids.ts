import type { AuditSession } from '../audit-session.ts';
import type { HttpAnswer, HttpExchange } from '../http-exchange.ts';
import { type Finding, fail, type Probe, pass, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';

/** Calls under way at once, all with one id. */
const CALLS = 12;
/** Each takes a time of its own, which its answer tells: so it can be seen whose it is. No number is part of another. */
const SHORTEST_MS = 311;
const STEP_MS = 17;
/** What never came by then hangs, ms after the last should have been there. */
const GRACE_MS = 3_000;

/** F28: answers go to whoever asked, also where a client uses one id for everything. */
export const equalIdsGetTheirOwnAnswers: Probe = {
  name: 'equal_ids_get_their_own_answers',
  failureModes: ['F28'],
  demands: 'Calls with equal ids at the same time each end with their own result, or an explicit error.',
  limit: `${CALLS} of ${CALLS} answered, none with the result of another`,
  clause:
    'operation: MCP 2025-11-25, basic, Requests forbids clients to reuse an id, and says nothing of what becomes of it',
  remedy:
    'Keep each answer with the request it came on, not in a table by id; or refuse an id that is in flight with 400 and -32600.',
  phase: 'quick',
  needs: ['session', 'slow'],
  lasts: () => SHORTEST_MS + CALLS * STEP_MS + 1_000,
  async run(context) {
    const session = await context.open();
    if (!(await tellsItsTime(context, session))) {
      return unseen('the slow tool does not say how long it took, so answers cannot be told apart');
    }
    context.clearEvidence();
    const same = Array.from({ length: CALLS }, (_, index) => ({
      id: 1_000,
      ms: SHORTEST_MS + index * STEP_MS,
    }));
    const first = await judged(context, session, same);
    if (first.finding) return first.finding;
    const alike = await judged(context, session, [
      { id: 1_001, ms: SHORTEST_MS },
      { id: '1001', ms: SHORTEST_MS + STEP_MS },
    ]);
    return alike.finding ?? pass(`${first.observed}; number and string alike: ${alike.observed}`);
  },
};

interface Wish {
  readonly id: string | number;
  readonly ms: number;
}
type Fate = 'own' | 'refused' | 'foreign' | 'lost';

async function tellsItsTime(context: ProbeContext, session: AuditSession): Promise<boolean> {
  const answer = await slowCall(context, session, { id: session.nextId(), ms: SHORTEST_MS }).done();
  return answer.messages.some(
    ({ message, text }) => message.kind === 'result' && text.includes(String(SHORTEST_MS)),
  );
}

function slowCall({ offer }: ProbeContext, session: AuditSession, { id, ms }: Wish): HttpExchange {
  const call = offer.slow?.(ms);
  if (!call) throw new Error('the need for a slow tool was not looked at');
  return session.call(call, { id });
}

async function judged(
  context: ProbeContext,
  session: AuditSession,
  wishes: readonly Wish[],
): Promise<{ finding: Finding | undefined; observed: string }> {
  const longestMs = Math.max(...wishes.map(({ ms }) => ms));
  const times = wishes.map(({ ms }) => ms);
  const fates = await Promise.all(
    wishes.map(async (wish) => {
      const exchange = slowCall(context, session, wish);
      const answer = await exchange.done(longestMs + GRACE_MS);
      exchange.leave();
      return fateOf(answer, wish, times);
    }),
  );
  const count = (fate: Fate) => fates.filter((each) => each === fate).length;
  const observed = `${count('own')} own results, ${count('refused')} refused, ${count('foreign')} foreign, ${count('lost')} lost`;
  if (count('foreign') > 0) {
    return { observed, finding: fail(observed, 'a client reads the answer to a question of somebody else') };
  }
  if (count('lost') > 0) return { observed, finding: fail(observed, 'calls are never answered, and hang') };
  return { observed, finding: undefined };
}

/** What became of a call, whatever else came with it. */
function fateOf(answer: HttpAnswer, { id, ms }: Wish, times: readonly number[]): Fate {
  const results = answer.messages.filter(({ message }) => message.kind === 'result');
  const isForeign = ({ text, message }: (typeof results)[number]) =>
    times.some((other) => other !== ms && text.includes(String(other))) ||
    (message.kind === 'result' && message.id !== id);
  if (results.some(isForeign)) return 'foreign';
  if (results.some(({ text }) => text.includes(String(ms)))) return 'own';
  const hasError = answer.messages.some(({ message }) => message.kind === 'error');
  return hasError || (answer.status ?? 0) >= 400 ? 'refused' : 'lost';
}
