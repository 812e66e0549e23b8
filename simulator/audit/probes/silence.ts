import { settlementIn } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { type Finding, fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import { said } from '../session-state.ts';

/** What most load balancers grant a connection on which nothing moves, ms. */
const CUT_AFTER_MS = 60_000;
/** Long enough to be cut. */
const WATCHED_MS = CUT_AFTER_MS + 15_000;

const LIMIT = `never silent for ${CUT_AFTER_MS / 1_000} s`;
const CLAUSE = 'operation: proxies and load balancers cut connections that are silent for 60 s';
const REMEDY = 'Write a comment (`: keep-alive`) on every open stream every 15 s, on those of calls, too.';

/** F43: an open stream on which nothing happens is not cut for it. */
export const idleStreamsAreKeptAlive: Probe = {
  name: 'idle_streams_are_kept_alive',
  failureModes: ['F43'],
  demands: 'A GET stream on which nothing happens carries something often enough that no proxy cuts it.',
  limit: LIMIT,
  clause: CLAUSE,
  remedy: REMEDY,
  phase: 'waiting',
  needs: ['session', 'stream'],
  lasts: () => WATCHED_MS,
  async run(context) {
    const session = await context.open();
    context.clearEvidence();
    const stream = session.listen();
    const { status } = await stream.head();
    if (status !== 200) return undecided(`GET ${said(stream.answer)}`, 'no stream could be opened');
    session.answerPings(stream);
    const answer = await stream.done(WATCHED_MS);
    if (answer.end !== 'open' && answer.longestSilenceMs < CUT_AFTER_MS) {
      return pass(`the server ended the stream itself; before that ${silence(answer)}`);
    }
    return judge(answer, 0);
  },
};

/** F43: the same for a call that takes long. */
export const slowCallsAreKeptAlive: Probe = {
  name: 'slow_calls_are_kept_alive',
  failureModes: ['F43'],
  demands: 'The stream that answers a slow call carries something often enough that no proxy cuts it.',
  limit: LIMIT,
  clause: CLAUSE,
  remedy: REMEDY,
  phase: 'waiting',
  needs: ['session', 'slow'],
  lasts: () => WATCHED_MS,
  async run(context) {
    const call = context.offer.slow?.(WATCHED_MS);
    if (!call) throw new Error('the need for a slow tool was not looked at');
    const session = await context.open();
    context.clearEvidence();
    const exchange = session.call(call, { timeoutMs: WATCHED_MS + 10_000 });
    const answer = await exchange.done();
    if (!settlementIn(answer)) return undecided(said(answer), 'the call was not answered');
    const type = answer.headers.get('content-type') ?? '';
    if (!type.includes('text/event-stream')) {
      return unseen(
        'the server answers calls as JSON, which nothing can keep alive: proxies must be set to wait',
      );
    }
    return judge(answer, (answer.headAt ?? answer.sentAt) - answer.sentAt);
  },
};

/** `beforeHeadMs`: to a proxy, waiting for the head is silence like any other. */
function judge(answer: HttpAnswer, beforeHeadMs: number): Finding {
  const longestMs = Math.max(answer.longestSilenceMs, beforeHeadMs);
  const observed = silence({ ...answer, longestSilenceMs: longestMs });
  if (longestMs < CUT_AFTER_MS) return pass(observed);
  return fail(observed, 'a proxy in between cuts the connection, and the client loses stream or answer');
}

function silence({ longestSilenceMs, comments }: HttpAnswer): string {
  return `silent for ${Math.round(longestSilenceMs / 100) / 10} s at most, ${comments} comments`;
}
