import { type AuditSession, resultIn } from '../audit-session.ts';
import type { HttpExchange, Received } from '../http-exchange.ts';
import { type Finding, fail, type Probe, pass } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said, stateOf } from '../session-state.ts';

/** What the end of a connection sets off may take as long, ms. */
const SETTLE_MS = 150;
/** A notification that has not come by then is lost, ms. */
const NOTICE_WITHIN_MS = 2_000;
/** How often, and how often again, a client asks for its stream after the one before broke. */
const TRIES = 10;

/** F18: the end of a stream that was replaced is no affair of the one that replaced it. */
export const lateCloseSparesTheNextStream: Probe = {
  name: 'late_close_spares_the_next_stream',
  failureModes: ['F18'],
  demands: 'When a client opens its stream anew, the late end of the old one takes nothing from the new one.',
  limit: 'the new stream stays open and receives, the session lives',
  clause:
    'operation: MCP 2025-11-25, basic/transports, Listening for Messages lets clients open streams again',
  remedy: 'Let cleanup compare the stream it was made for with the one there is, not the session id.',
  phase: 'quick',
  needs: ['session', 'stream'],
  lasts: ({ offer }) => (offer.notice ? 1_000 : 1_500),
  async run(context) {
    // First broken, then replaced; and replaced while it is still open, where the server allows that.
    return (
      (await replaced(context, 'broken')) ??
      (await replaced(context, 'open')) ??
      pass('the new stream receives')
    );
  },
};

/** What is wrong, if anything. `old`: in which state the stream is when the next one is opened. */
async function replaced(context: ProbeContext, old: 'broken' | 'open'): Promise<Finding | undefined> {
  const session = await context.open();
  context.clearEvidence();
  const first = session.listen();
  await first.head();
  if (old === 'broken') first.leave();
  const next = await reopen(context, session, old);
  if (next.status !== 200) {
    // Whether a second stream may be opened beside the first is the server's to say.
    if (old === 'open') return undefined;
    return fail(
      `GET after a broken stream: ${said(next.answer)}`,
      'a client whose stream broke gets no other',
    );
  }
  first.leave();
  await context.sleep(SETTLE_MS);
  const finding = await receives(context, session, next);
  await session.delete().done();
  return finding;
}

/** Asks for a stream, again and again where the old one is not known to be broken yet. */
async function reopen(
  context: ProbeContext,
  session: AuditSession,
  old: 'broken' | 'open',
): Promise<HttpExchange> {
  let stream = session.listen();
  await stream.head();
  for (let tries = 1; old === 'broken' && stream.status !== 200 && tries < TRIES; tries += 1) {
    await context.sleep(SETTLE_MS);
    stream = session.listen();
    await stream.head();
  }
  return stream;
}

async function receives(
  context: ProbeContext,
  session: AuditSession,
  stream: HttpExchange,
): Promise<Finding | undefined> {
  const state = await stateOf(context, session);
  if (state !== 'alive') {
    return fail(
      `session ${state} after its stream was replaced`,
      'the late end of a stream ended its session',
    );
  }
  const call = context.offer.notice?.(1);
  const seen = stream.answer.messages.length;
  const answered = call && resultIn(await session.call(call).done());
  if (answered) {
    const isNotice = ({ message }: Received) => message.kind === 'notification';
    const got = await stream.until(({ messages }) => messages.slice(seen).find(isNotice), NOTICE_WITHIN_MS);
    if (!got) {
      return fail(
        'a notification did not arrive on the new stream',
        'the late end of a stream silenced the next one',
      );
    }
  } else await stream.done(2 * SETTLE_MS);
  if (stream.answer.end === 'open') return undefined;
  return fail(
    `the new stream ended (${stream.answer.end})`,
    'the late end of a stream took the next one along',
  );
}
