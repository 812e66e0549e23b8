import { resultIn } from '../audit-session.ts';
import { fail, type Probe, pass } from '../probe.ts';
import { buildNotification, buildRequest } from '../probe-context.ts';
import { sweepMs } from '../promises.ts';
import { said, statesOf } from '../session-state.ts';

const SESSIONS = 3;

/** F04: a handshake that is never completed does not hold a session for as long as a real one. */
export const halfHandshakesAreReaped: Probe = {
  name: 'half_handshakes_are_reaped',
  failureModes: ['F04'],
  demands: 'A session whose client never sent notifications/initialized is ended at the handshake deadline.',
  limit: `404 for ${SESSIONS} of ${SESSIONS}, one sweep after the handshake deadline`,
  clause: "the target's policy: handshake timeout and cleanup interval",
  remedy: 'Give sessions without a completed handshake a deadline of their own, of ten to thirty seconds.',
  phase: 'waiting',
  needs: ['session', 'handshake-timeout'],
  lasts: ({ policy }) => (policy.handshakeTimeoutMs ?? 0) + sweepMs(policy) + 500,
  async run(context) {
    const { policy, clock, toleranceMs } = context;
    const sessions = await Promise.all(
      Array.from({ length: SESSIONS }, () => context.open({ handshake: 'half' })),
    );
    for (const session of sessions) {
      session.leave();
      session.peer.close();
    }
    context.clearEvidence();
    const openedAt = clock.now();
    await context.sleep((policy.handshakeTimeoutMs ?? 0) + sweepMs(policy) + toleranceMs + 1);
    const afterMs = Math.round(clock.now() - openedAt);
    const { gone, alive, unclear } = await statesOf(context, sessions);
    const observed = `after ${afterMs} ms ${gone} gone, ${alive} alive${unclear > 0 ? `, ${unclear} unclear` : ''}`;
    if (gone === SESSIONS) return pass(observed);
    return fail(
      observed,
      'scanners and clients that give up half-way hold sessions as long as real clients do',
    );
  },
};

/** F04: the notification without its session id belongs to nobody. */
export const headerlessInitializedIsRefused: Probe = {
  name: 'headerless_initialized_is_refused',
  failureModes: ['F04', 'F20'],
  demands: 'notifications/initialized without a session id is refused, and opens nothing.',
  limit: '400 (another 4xx is accepted), no session id',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 2: requests without an id SHOULD get 400',
  remedy: 'Answer whatever is no initialize and names no session with 400, before anything is allocated.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 300,
  async run(context) {
    const half = await context.open({ handshake: 'half' });
    context.clearEvidence();
    const answer = await half.peer
      .send({ method: 'POST', body: buildNotification('notifications/initialized') })
      .done(5_000);
    const observed = `${said(answer)}${answer.headers.has('mcp-session-id') ? ', with a session id' : ''}`;
    if (answer.headers.has('mcp-session-id')) {
      return fail(
        observed,
        'a notification that names no session opens one, and its client never learns of it',
      );
    }
    const { status } = answer;
    if (status !== undefined && status >= 400 && status < 500) return pass(observed);
    if (status !== undefined && status < 300) {
      // Where requests without a session are served, there is nothing wrong with a notification without one.
      const listed = await half.peer
        .send({ method: 'POST', body: buildRequest(1, 'tools/list') })
        .done(5_000);
      if (resultIn(listed)) return pass(`${observed}: requests without a session are served`);
    }
    return fail(
      observed,
      'a client that forgot the id believes that its handshake is done, and loses its session at the deadline',
    );
  },
};
