import type { Policy } from '../../judge/policy.ts';
import { resultIn } from '../audit-session.ts';
import { fail, type Probe, pass } from '../probe.ts';
import { idleMs } from '../promises.ts';
import { said, stateOf, useOf } from '../session-state.ts';

/** A pong later than that is not late but lost, ms. */
const LATEST_PONG_MS = 2_000;
/** Of the time between two pings. */
const LATENESS = 0.8;

/** F16: pings are for streams; who has none cannot answer them. */
export const postOnlyClientsLiveOn: Probe = {
  name: 'post_only_clients_live_on',
  failureModes: ['F16'],
  demands: 'A client that never opens a stream keeps its session over several heartbeats.',
  limit: 'a result each time',
  clause:
    'operation: MCP 2025-11-25, basic/utilities/ping lets a server ping, a client without a stream cannot answer',
  remedy: 'Ping on open GET streams only, and let a ping that is missed cost the stream, never the session.',
  phase: 'waiting',
  needs: ['session', 'idle-timeout'],
  lasts: ({ policy }) => heartbeatsMs(policy) + 500,
  async run(context) {
    const { policy, clock } = context;
    const session = await context.open();
    const openedAt = clock.now();
    const untilMs = openedAt + heartbeatsMs(policy);
    for (let use = 1; clock.now() < untilMs; use += 1) {
      await context.sleep(Math.min(idleMs(policy) * 0.6, Math.max(1, untilMs - clock.now())));
      const answer = await useOf(context, session).done();
      if (resultIn(answer)) continue;
      const observed = `${said(answer)} at use ${use}, ${Math.round(clock.now() - openedAt)} ms after initialize`;
      return fail(
        observed,
        'a client that only sends requests is taken for dead, and loses its session in mid-task',
      );
    }
    return pass(`a result each time, for ${Math.round(clock.now() - openedAt)} ms without a stream`);
  },
};

/** F16: a pong that is late, on a busy client say, is a pong. */
export const latePongsCostNoSession: Probe = {
  name: 'late_pongs_cost_no_session',
  failureModes: ['F16'],
  demands: 'A client that answers each ping late keeps its session.',
  limit: 'alive after several heartbeats',
  clause: 'operation; MCP 2025-11-25, basic/utilities/ping: time-outs SHOULD fit the network',
  remedy:
    'Give up a stream only after two or three pings without an answer; the session goes by its idle timeout.',
  phase: 'waiting',
  needs: ['session', 'stream', 'idle-timeout'],
  lasts: ({ policy }) => heartbeatsMs(policy) + 1_000,
  async run(context) {
    const { policy, clock } = context;
    const session = await context.open();
    const beganAt = clock.now();
    const untilMs = beganAt + heartbeatsMs(policy);
    const stream = session.listen();
    const pings: number[] = [];
    while (clock.now() < untilMs) {
      const seen = pings.length;
      const ping = await stream.until(({ messages }) => pingsIn(messages)[seen], untilMs - clock.now());
      if (!ping) {
        if (stream.answer.end === 'open') break;
        // The stream is the server's to close; the client uses its session without one from here on.
        await context.sleep(Math.min(idleMs(policy) / 2, Math.max(1, untilMs - clock.now())));
        await useOf(context, session).done();
        continue;
      }
      const everyMs = ping.at - (pings.at(-1) ?? ping.at);
      pings.push(ping.at);
      await context.sleep(Math.min(LATENESS * everyMs, LATEST_PONG_MS));
      session.post(JSON.stringify({ jsonrpc: '2.0', id: ping.id, result: {} }));
    }
    const state = await stateOf(context, session);
    const observed = `${state} after ${pings.length} pings, all answered late`;
    if (state === 'alive') return pass(observed);
    return fail(observed, 'a client that is busy for a moment loses its session to a heartbeat');
  },
};

/** Two dead-peer times at least: each holds three or four heartbeats. */
function heartbeatsMs(policy: Policy): number {
  return Math.max(2 * (policy.deadPeerMs ?? 0), 1.5 * idleMs(policy));
}

function pingsIn(messages: Parameters<typeof resultIn>[0]['messages']) {
  return messages.flatMap(({ at, message }) =>
    message.kind === 'request' && message.method === 'ping' ? [{ at, id: message.id }] : [],
  );
}
