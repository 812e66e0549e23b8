import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import { drainMs } from '../promises.ts';
import { said } from '../session-state.ts';
import { endOf, tellToEnd } from '../target-end.ts';

const STREAMS = 20;
/** Of that many random moments, some may be the same; not most of them. */
const DISTINCT = STREAMS / 4;
/** Beyond its drain a server may take so long to close, ms. */
const CLOSING_MS = 1_000;
/** What has nothing to wait for any more ends by itself in this time, ms. */
const LETS_GO_MS = 5_000;

/** F24: who is told when to come back is not told the same as everybody else. */
export const shutdownStaggersReturns: Probe = {
  name: 'shutdown_staggers_returns',
  failureModes: ['F24'],
  demands:
    'A server that is told to end, and tells its listeners when to come back, does not call them all at once.',
  limit: `at least ${DISTINCT} different times, where any is told`,
  clause:
    'MCP 2025-11-25, basic/transports: Listening for Messages from the Server, 6 (clients MUST respect retry); operation',
  remedy: 'Give each stream a retry: of its own before it is closed, at random over some seconds.',
  phase: 'ending',
  needs: ['session', 'stream', 'drain'],
  lasts: ({ policy }) => drainMs(policy) + CLOSING_MS,
  async run(context) {
    const { policy } = context;
    const sessions = await Promise.all(Array.from({ length: STREAMS }, () => context.open()));
    for (const session of sessions) session.leave();
    const streams = sessions.map((session) => session.listen());
    const heads = await Promise.all(streams.map((stream) => stream.head()));
    const refused = heads.find(({ status }) => status !== 200);
    if (refused) return undecided(`GET: ${said(refused)}`, 'the streams to be ended could not be opened');
    await context.sleep(100);
    const before = streams.map(({ answer }) => answer.retryMs);
    tellToEnd(context);
    await endOf(context, drainMs(policy) + CLOSING_MS + LETS_GO_MS);
    // What a stream says when it opens holds for each time it is lost, and is not about this one.
    const told = streams.flatMap(({ answer: { retryMs } }, index) =>
      retryMs === undefined || retryMs === before[index] ? [] : [retryMs],
    );
    if (told.length < DISTINCT)
      return unseen('its streams ended without a word on when to come back: each client decides');
    const distinct = new Set(told).size;
    const observed = `${distinct} different times for ${told.length} streams, ${Math.min(...told)} to ${Math.max(...told)} ms`;
    if (distinct >= Math.min(DISTINCT, told.length)) return pass(observed);
    return fail(observed, 'after each restart every client comes back in the same instant');
  },
};
