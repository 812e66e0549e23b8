import { type AuditSession, resultIn } from '../audit-session.ts';
import type { HttpExchange } from '../http-exchange.ts';
import { firstNumbered } from '../numbered.ts';
import { fail, type Probe, pass, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';

const EVENTS = 8;
const INTERVAL_MS = 30;
const CUT_AFTER = 2;
const WITHIN_MS = 2_000;
/** What is replayed comes at once; what is sent later is no replay, ms. */
const REPLAYED_WITHIN_MS = 250;
const MOMENT_MS = 50;

const CLAUSE =
  'MCP 2025-11-25, basic/transports, Resumability and Redelivery 2: no messages of another stream';

/** F30: an event id of another session opens nothing of that session. */
export const resumingStaysInItsSession: Probe = {
  name: 'resuming_stays_in_its_session',
  failureModes: ['F30'],
  demands: 'Whatever event id a client names, it is replayed nothing of another session.',
  limit: '4xx, or no event of another session',
  clause: CLAUSE,
  remedy:
    'Give each session an event store of its own, or check that an event id belongs to the session that names it.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_800,
  async run(context) {
    const { chatty, notice, hasStream } = context.offer;
    if (!chatty && !(notice && hasStream)) return unseen('no tool is known that sends events');
    const own = await talk(context, await context.open());
    const other = await talk(context, await context.open());
    if (own.ids.length === 0 || other.ids.length === 0) return unseen('the server gives its events no ids');
    context.clearEvidence();
    const cursors = [other.ids[0], other.ids.at(-1), own.ids[0], `unknown-${context.tag()}`];
    let opened = 0;
    for (const lastEventId of cursors) {
      if (lastEventId === undefined) continue;
      const stream = own.session.listen({ lastEventId });
      await stream.head();
      if (stream.status !== 200) continue;
      opened += 1;
      await stream.done(REPLAYED_WITHIN_MS);
      stream.leave();
      await context.sleep(MOMENT_MS);
      const foreign = tagged(stream, other.tag);
      if (foreign > 0) {
        return fail(
          `${foreign} events of another session were replayed`,
          'a client reads what was sent to another, without having to know more than an event id',
        );
      }
    }
    return pass(`0 foreign events (${cursors.length - opened} of ${cursors.length} cursors refused)`);
  },
};

interface Talk {
  readonly session: AuditSession;
  readonly tag: string;
  /** Of its events. */
  readonly ids: readonly string[];
}

/** Has events sent to a session, each with its tag: on the GET stream where there is one, else on that of a call. */
async function talk(context: ProbeContext, session: AuditSession): Promise<Talk> {
  const { chatty, notice, hasStream } = context.offer;
  const tag = context.tag();
  const ids: string[] = [];
  const listen = async (stream: HttpExchange) => {
    const events = await firstNumbered(stream, EVENTS, WITHIN_MS);
    stream.leave();
    ids.push(...events.map(({ eventId }) => eventId).filter((id) => id !== ''));
  };
  if (notice && hasStream) {
    const stream = session.listen();
    await stream.head();
    if (resultIn(await session.call(notice(EVENTS, tag)).done())) await listen(stream);
    stream.leave();
  }
  if (chatty) await listen(session.call(chatty(EVENTS, 0), { progressToken: tag }));
  return { session, tag, ids };
}

/** F31: to resume one stream of a session brings nothing of its others. */
export const resumingStaysInItsStream: Probe = {
  name: 'resuming_stays_in_its_stream',
  failureModes: ['F31'],
  demands: 'Of two calls whose streams were cut, resuming one brings its own events and answer only.',
  limit: '0 events of the other stream',
  clause: CLAUSE,
  remedy: 'Let the event id name its stream, and replay that one.',
  phase: 'quick',
  needs: ['session', 'chatty'],
  lasts: () => EVENTS * INTERVAL_MS + 4 * REPLAYED_WITHIN_MS + 500,
  async run(context) {
    const { chatty } = context.offer;
    if (!chatty) throw new Error('the need for a chatty tool was not looked at');
    const session = await context.open();
    context.clearEvidence();
    const calls = [1, 2].map(() => {
      const [id, tag] = [session.nextId(), context.tag()];
      return { id, tag, stream: session.call(chatty(EVENTS, INTERVAL_MS), { id, progressToken: tag }) };
    });
    const pieces = await Promise.all(calls.map(({ stream }) => firstNumbered(stream, CUT_AFTER, WITHIN_MS)));
    for (const { stream } of calls) stream.leave();
    const [one, two] = calls;
    const [first, second] = pieces.map((piece) => piece.at(-1)?.eventId);
    if (!one || !two || !first || !second) return unseen('the server gives the events of its calls no ids');
    await context.sleep(MOMENT_MS);
    // The one while both are at work, the other when both are done: what is live and what is kept.
    const live = await resumed(context, session, first);
    await context.sleep(EVENTS * INTERVAL_MS);
    const kept = await resumed(context, session, second);
    if (live.status !== 200 && kept.status !== 200) return unseen('the server does not resume calls');
    const own = tagged(live, one.tag) + tagged(kept, two.tag);
    const foreign = tagged(live, two.tag) + tagged(kept, one.tag);
    const answers = [resultIn(live.answer, two.id), resultIn(kept.answer, one.id)].filter(Boolean).length;
    const observed = `${own} events of its own, ${foreign} events and ${answers} answers of the other`;
    if (foreign + answers === 0) return pass(observed);
    return fail(observed, 'a client that resumes one call takes the answer of another for its own');
  },
};

/** All that a cursor brings in a while. */
async function resumed(
  context: ProbeContext,
  session: AuditSession,
  lastEventId: string,
): Promise<HttpExchange> {
  const stream = session.listen({ lastEventId });
  await stream.head();
  if (stream.status !== 200) return stream;
  await stream.done(2 * REPLAYED_WITHIN_MS);
  stream.leave();
  await context.sleep(MOMENT_MS);
  return stream;
}

/** How many messages carry a tag. */
function tagged({ answer: { messages } }: HttpExchange, tag: string): number {
  const isTagged = new RegExp(`${tag}(?!\\d)`);
  return messages.filter(({ text }) => isTagged.test(text)).length;
}
