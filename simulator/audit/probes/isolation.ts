import { type AuditSession, resultIn } from '../audit-session.ts';
import type { HttpExchange } from '../http-exchange.ts';
import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';

/** One after another, on each session. */
const CALLS = 10;
const PROGRESS = 5;
const INTERVAL_MS = 20;
const NOTICES = 3;
/** What was sent last may take so long to arrive, ms. */
const SETTLE_MS = 200;

/** F29: what one session asks for reaches no other. */
export const sessionsDoNotCross: Probe = {
  name: 'sessions_do_not_cross',
  failureModes: ['F29'],
  demands: 'Two sessions that work at the same time receive their own answers and events, and nothing else.',
  limit: '0 foreign answers and events; the second client is let in',
  clause: 'MCP 2025-11-25, basic/transports, Multiple Connections 2',
  remedy:
    'Make an MCP server of its own for each session, by a factory; share the catalogue, never the connection.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_000,
  async run(context) {
    const { echo, chatty, notice } = context.offer;
    if (!echo && !chatty && !notice) {
      return unseen('no tool is known whose answer tells whose it is: name one with --echo-tool');
    }
    const first = await context.open();
    const { answer, session: second } = await context.initialize();
    if (!second) {
      const observed = `the second initialize: ${said(answer)}`;
      if (answer.status === 429 || answer.status === 503) return undecided(observed, 'the server is full');
      return fail(observed, 'only one client at a time is served');
    }
    await second.notify('notifications/initialized').done();
    const one = { session: first, tag: context.tag() };
    const two = { session: second, tag: context.tag() };
    context.clearEvidence();
    const [heardByOne, heardByTwo] = await Promise.all([work(context, one), work(context, two)]);
    const foreign = [...texts(heardByOne, two.tag), ...texts(heardByTwo, one.tag)];
    const total = heardByOne.length + heardByTwo.length;
    const wrong = [...heardByOne, ...heardByTwo].filter(({ isOwn }) => !isOwn).length;
    const observed = `${foreign.length} foreign messages and ${wrong} wrong answers on ${total} answers and streams`;
    if (foreign.length + wrong === 0) return pass(observed);
    if (foreign.length === 0) return fail(observed, 'a call is answered with what another asked for');
    context.note(`foreign: ${foreign[0]}`);
    return fail(observed, 'one client reads what was meant for another');
  },
};

interface Worker {
  readonly session: AuditSession;
  /** In everything it asks for. */
  readonly tag: string;
}

interface Heard {
  readonly exchange: HttpExchange;
  /** False where an echo gives back what it was not given. */
  readonly isOwn: boolean;
}

/** All that a session heard while it worked. */
async function work(context: ProbeContext, { session, tag }: Worker): Promise<Heard[]> {
  const { echo, chatty, notice, hasStream } = context.offer;
  const streams: HttpExchange[] = [];
  if (hasStream) {
    const stream = session.listen();
    await stream.head();
    streams.push(stream);
  }
  if (chatty) streams.push(session.call(chatty(PROGRESS, INTERVAL_MS), { progressToken: tag }));
  if (notice && hasStream) streams.push(session.call(notice(NOTICES, tag)));
  const echoes: Heard[] = [];
  for (let count = 1; echo && count <= CALLS; count += 1) {
    const own = `${tag}-${count}`;
    const exchange = session.call(echo(own));
    const result = resultIn(await exchange.done());
    // What it refuses tells nothing of whose it is.
    echoes.push({ exchange, isOwn: !result || isTagged(result.text, own) });
  }
  const [, ...calls] = streams;
  await Promise.all((hasStream ? calls : streams).map((call) => call.done()));
  await context.sleep(SETTLE_MS);
  return [...streams.map((exchange) => ({ exchange, isOwn: true })), ...echoes];
}

/** The messages that carry a tag. */
function texts(heard: readonly Heard[], tag: string): string[] {
  return heard.flatMap(({ exchange: { answer } }) =>
    answer.messages.map(({ text }) => text).filter((text) => isTagged(text, tag)),
  );
}

/** Not the beginning of a longer tag. */
function isTagged(text: string, tag: string): boolean {
  return new RegExp(`${tag}(?!\\d)`).test(text);
}
