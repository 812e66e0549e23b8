import { AuditSession, resultIn } from '../audit-session.ts';
import type { HttpExchange } from '../http-exchange.ts';
import type { Peer } from '../peer.ts';
import { type Finding, fail, type Probe, pass, undecided } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';

/** A client that lost its stream has another by then, ms. */
const WITHIN_MS = 1_000;
const AGAIN_MS = 200;
const RECEIVES_WITHIN_MS = 2_000;

const CLAUSE = 'MCP 2025-11-25, basic/transports, Multiple Connections 1: a client may open several streams';
const REMEDY =
  'Let the newest GET take the stream over and end the old one: its client has come back because that is of no use.';

/** F26: a client that closed its stream gets another. */
export const closedStreamsCanBeReopened: Probe = {
  name: 'closed_streams_can_be_reopened',
  failureModes: ['F26'],
  demands: 'A client that closed its stream can open another at once.',
  limit: 'accepted within 1 s, and it receives',
  clause: CLAUSE,
  remedy: REMEDY,
  phase: 'quick',
  needs: ['session', 'stream'],
  lasts: () => WITHIN_MS,
  async run(context) {
    const session = await context.open();
    context.clearEvidence();
    const first = session.listen();
    await first.head();
    first.leave();
    const finding = await secondStream(context, session, session.peer);
    return finding ?? pass('a new stream was opened within 1 s');
  },
};

/** F26: a client whose network died under its stream gets another, from where it is now. */
export const frozenStreamsAreTakenOver: Probe = {
  name: 'frozen_streams_are_taken_over',
  failureModes: ['F26'],
  demands: 'A client whose stream hangs on a dead connection can open another from elsewhere.',
  limit: 'accepted within 1 s, and it receives',
  clause: `operation; ${CLAUSE}`,
  remedy: REMEDY,
  phase: 'quick',
  needs: ['session', 'stream'],
  lasts: () => WITHIN_MS,
  async run(context) {
    const session = await context.open();
    context.clearEvidence();
    const { status } = await session.listen().head();
    if (status !== 200) return undecided(`GET ${status}`, 'the first stream was not opened');
    session.peer.freeze();
    const finding = await secondStream(context, session, context.peer());
    return finding ?? pass('the stream was taken over within 1 s');
  },
};

/** What is wrong with it, if anything. */
async function secondStream(
  context: ProbeContext,
  session: AuditSession,
  peer: Peer,
): Promise<Finding | undefined> {
  // The same session on another host; its DELETE stays with the first.
  const moved = new AuditSession(session, peer);
  const stream = await persist(context, moved);
  if (stream.status !== 200) {
    return fail(
      `a new GET after ${WITHIN_MS} ms: ${said(stream.answer)}`,
      'the client is locked out of its own session, and gives it up or waits for minutes',
    );
  }
  const call = context.offer.notice?.(1);
  if (!call) return undefined;
  // What was under way when the first broke may come as well: only the next one counts.
  const seen = stream.answer.messages.length;
  const answer = await moved.call(call, { id: session.nextId() }).done();
  if (!resultIn(answer)) return undecided(`the call: ${said(answer)}`, 'no notification could be had');
  const got = await stream.until(
    ({ messages }) => messages.slice(seen).find(({ message }) => message.kind === 'notification'),
    RECEIVES_WITHIN_MS,
  );
  if (got) return undefined;
  return fail('the new stream receives nothing', 'messages still go to the connection that is dead');
}

/** Asks until it is let in, or the time is up. */
async function persist(context: ProbeContext, session: AuditSession): Promise<HttpExchange> {
  const until = context.clock.now() + WITHIN_MS;
  for (;;) {
    const stream = session.listen({ timeoutMs: WITHIN_MS });
    await stream.head();
    if (stream.status === 200 || context.clock.now() + AGAIN_MS > until) return stream;
    await context.sleep(AGAIN_MS);
  }
}
