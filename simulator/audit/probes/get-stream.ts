import { fail, type Probe, pass, undecided } from '../probe.ts';
import { said } from '../session-state.ts';

/** A stream that says nothing and ends before that was none, ms. */
const AT_LEAST_MS = 1_000;

/** F25: GET is a stream to listen on, or 405: a stream that ends at once is asked for again and again. */
export const getStreamStaysOpen: Probe = {
  name: 'get_stream_stays_open',
  failureModes: ['F25'],
  demands: 'GET opens an event stream that stays open, or is answered 405.',
  limit: '405, or an event stream that does not end at once without a word',
  clause: 'MCP 2025-11-25, basic/transports, Listening for Messages 2 and 6',
  remedy:
    'Answer 405 where there is nothing to send; otherwise hold the stream, and send retry: before it ends.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => AT_LEAST_MS + 500,
  async run(context) {
    const session = await context.open();
    context.clearEvidence();
    const stream = session.listen();
    const { status, headers } = await stream.head();
    if (status === 405) return pass('405: no stream is offered');
    if (status !== 200)
      return undecided(`GET ${said(stream.answer)}`, 'GET was answered neither 200 nor 405');
    const type = headers.get('content-type') ?? 'none';
    if (!type.includes('text/event-stream')) {
      return fail(`GET 200 with content type ${type}`, 'what is no event stream cannot be listened to');
    }
    const answer = await stream.done(AT_LEAST_MS);
    const spoke = answer.messages.length + answer.comments > 0 || answer.lastEventId !== '';
    if (answer.end === 'open') return pass('open after a second');
    const observed = `ended (${answer.end}) within a second, ${spoke ? 'with' : 'without'} a word`;
    if (spoke || answer.retryMs !== undefined) return pass(observed);
    return fail(
      observed,
      'clients take the clean end for a reason to ask again: one request a second each, for ever',
    );
  },
};
