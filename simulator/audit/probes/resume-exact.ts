import { type AuditSession, resultIn, settlementIn } from '../audit-session.ts';
import type { HttpAnswer, HttpExchange } from '../http-exchange.ts';
import { firstNumbered, listed, type Numbered, numberedIn } from '../numbered.ts';
import { type Finding, fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';

const EVENTS = 12;
const INTERVAL_MS = 20;
/** The connection is cut after so many, and again after so many of what is replayed. */
const CUT_AFTER = 4;
const CUTS = 2;
/** How often a server that ends its streams is asked again. */
const MOST_TURNS = 6;
const WITHIN_MS = 2_000;
/** The server learns of a cut connection by then, ms. */
const MOMENT_MS = 50;

const CLAUSE = 'MCP 2025-11-25, basic/transports, Resumability and Redelivery';
const REMEDY =
  'Number the events of each stream by a counter, keep them in order, and replay exactly those after the one named; what is live follows what is replayed.';

/** F41: a POST stream that is cut goes on where it was. */
export const callStreamsResumeExactly: Probe = {
  name: 'call_streams_resume_exactly',
  failureModes: ['F41'],
  demands:
    'A stream that answers a call and is cut, twice, is resumed without a gap, a double or a change of order.',
  limit: `events 1 to ${EVENTS} in order, then the result`,
  clause: CLAUSE,
  remedy: REMEDY,
  phase: 'quick',
  needs: ['session', 'chatty'],
  lasts: () => EVENTS * INTERVAL_MS + 1_000,
  async run(context) {
    const session = await context.open();
    const call = context.offer.chatty?.(EVENTS, INTERVAL_MS);
    if (!call) throw new Error('the need for a chatty tool was not looked at');
    context.clearEvidence();
    const stream = session.call(call, { progressToken: context.tag() });
    const { seen, refusal, last } = await readInPieces(context, session, stream, EVENTS);
    if (refusal) return refusal;
    const finding = judgeOrder(seen.map(({ n }) => n));
    if (finding.verdict === 'fail') return finding;
    // The result is an event of the stream, too.
    const settled = await last.until(settlementIn, WITHIN_MS);
    if (settled?.message.kind === 'result') return finding;
    if (!settled && last.answer.end === 'complete')
      return undecided(finding.observed, 'the stream ended first');
    return fail(`${finding.observed}, ${settled ? 'an error' : 'nothing'} in place of the result`, LOST);
  },
};

/** F41: the same for the stream that clients open with GET. */
export const listeningResumesExactly: Probe = {
  name: 'listening_resumes_exactly',
  failureModes: ['F41'],
  demands: 'A GET stream that is cut, twice, is resumed without a gap, a double or a change of order.',
  limit: `events 1 to ${EVENTS} in order`,
  clause: CLAUSE,
  remedy: REMEDY,
  phase: 'quick',
  needs: ['session', 'stream', 'notice'],
  lasts: () => 1_000,
  async run(context) {
    const session = await context.open();
    const call = context.offer.notice?.(EVENTS, context.tag());
    if (!call) throw new Error('the need for a tool that notifies was not looked at');
    const stream = session.listen();
    await stream.head();
    context.clearEvidence();
    if (!resultIn(await session.call(call).done()))
      return undecided('no result', 'no notification could be had');
    const { seen, refusal } = await readInPieces(context, session, stream, EVENTS);
    return refusal ?? judgeOrder(seen.map(({ n }) => n));
  },
};

const LOST = 'what is sent while a connection is down is lost, though the event ids promised otherwise';

/** What a client has that takes the events in pieces, cutting its connection after each. */
interface Pieces {
  readonly seen: readonly Numbered[];
  /** Why nothing can be said, if so. */
  readonly refusal?: Finding;
  readonly last: HttpExchange;
}

async function readInPieces(
  context: ProbeContext,
  session: AuditSession,
  first: HttpExchange,
  total: number,
): Promise<Pieces> {
  let stream = first;
  let cursor = '';
  const seen: Numbered[] = [];
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    const isToBeCut = turn < CUTS;
    const wanted = isToBeCut ? CUT_AFTER : total - seen.length;
    const piece = await firstNumbered(stream, wanted, WITHIN_MS);
    cursor = piece.at(-1)?.eventId || cursor;
    if (turn === 0 && piece.length < wanted) return { seen, last: stream, refusal: tooFew(stream.answer) };
    if (cursor === '') return { seen, last: stream, refusal: unseen('the server gives its events no ids') };
    seen.push(...piece);
    // A server may end a stream and be asked again; one that stays open owes the rest.
    if (piece.length < wanted && stream.answer.end === 'open') {
      return { seen, last: stream, refusal: goneSilent(seen) };
    }
    if (seen.length >= total) {
      await context.sleep(MOMENT_MS);
      // What comes beyond the last is a double.
      seen.push(...numberedIn(stream.answer).slice(piece.length));
      break;
    }
    stream.leave();
    await context.sleep(MOMENT_MS);
    stream = session.listen({ lastEventId: cursor });
    const { status } = await stream.head();
    if (status !== 200 && turn === 0) {
      const refusal = unseen(`the server does not resume this stream: ${said(stream.answer)}`);
      return { seen, last: stream, refusal };
    }
  }
  return { seen, last: stream };
}

function goneSilent(seen: readonly Numbered[]): Finding {
  return fail(
    `received ${listed(seen.map(({ n }) => n))}, then nothing on a stream that was resumed and is open`,
    'a client that came back waits for ever: what is live does not follow what is replayed',
  );
}

function tooFew(answer: HttpAnswer): Finding {
  return unseen(`the events did not come on the stream: ${numberedIn(answer).length} of ${CUT_AFTER}`);
}

function judgeOrder(numbers: readonly number[]): Finding {
  const isExact = numbers.length === EVENTS && numbers.every((n, index) => n === index + 1);
  if (isExact) return pass(`events 1 to ${EVENTS} in order, cut twice`);
  const isLost = Array.from({ length: EVENTS }, (_, index) => index + 1).some((n) => !numbers.includes(n));
  return fail(
    `received ${listed(numbers)}`,
    isLost ? LOST : 'events come twice or out of order after a connection was cut',
  );
}
