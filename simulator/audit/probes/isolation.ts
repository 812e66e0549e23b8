import type { AuditSession } from '../audit-session.ts';
import type { HttpExchange } from '../http-exchange.ts';
import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';

/** Of each kind, on each session. */
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
    const observed = `${foreign.length} foreign messages on ${total} answers and streams`;
    if (foreign.length === 0) return pass(observed);
    context.note(`foreign: ${foreign[0]}`);
    return fail(observed, 'one client reads what was meant for another');
  },
};

interface Worker {
  readonly session: AuditSession;
  /** In everything it asks for. */
  readonly tag: string;
}

/** All that a session heard while it worked. */
async function work(context: ProbeContext, { session, tag }: Worker): Promise<HttpExchange[]> {
  const { echo, chatty, notice, hasStream } = context.offer;
  const heard: HttpExchange[] = [];
  if (hasStream) {
    const stream = session.listen();
    await stream.head();
    heard.push(stream);
  }
  const calls: HttpExchange[] = [];
  for (let count = 0; count < CALLS; count += 1) {
    if (echo) calls.push(session.call(echo(tag)));
  }
  if (chatty) calls.push(session.call(chatty(PROGRESS, INTERVAL_MS), { progressToken: tag }));
  if (notice && hasStream) calls.push(session.call(notice(NOTICES, tag)));
  await Promise.all(calls.map((call) => call.done()));
  await context.sleep(SETTLE_MS);
  return [...heard, ...calls];
}

/** The messages that carry a tag. */
function texts(heard: readonly HttpExchange[], tag: string): string[] {
  const isTagged = new RegExp(`${tag}(?!\\d)`);
  return heard.flatMap(({ answer: { messages } }) =>
    messages.map(({ text }) => text).filter((text) => isTagged.test(text)),
  );
}
