import type { InvariantName } from '../../simulator/scenario/invariant-names.ts';

/** One way in which the SDK server can be broken on purpose. */
export interface Defect {
  readonly describes: string;
  /** The failure mode it stands for (FAILURE-MODES.md). */
  readonly failureMode: `F${string}`;
  /** The invariants expected to turn red; which of them do depends on what the scenario contains. */
  readonly caughtBy: readonly InvariantName[];
  /** Checks that may turn red with it: they tell of its consequences, not of the defect. */
  readonly alsoRed?: readonly (InvariantName | 'mcp_request_errors')[];
}

export const DEFECT_NAMES = [
  'no-reaper',
  'sweeps-too-seldom',
  'reaper-kills-calls',
  'timeout-from-creation',
  'stream-is-no-activity',
  'no-handshake-deadline',
  'open-stream-pins-session',
  'heartbeat-kills-post-only',
  'delete-keeps-session',
  '400-for-unknown-session',
  'crossed-answers',
  'calls-end-unanswered',
  'shutdown-hangs-on-streams',
  'shutdown-drops-calls',
  'accepts-while-draining',
  'exit-held-by-timer',
] as const;

export type DefectName = (typeof DEFECT_NAMES)[number];

/** Each is a switch in the server, to be found by its name. The policy that is published stays the healthy one. */
export const DEFECTS: Readonly<Record<DefectName, Defect>> = {
  'no-reaper': {
    describes: 'Sessions that nobody ends are never ended.',
    failureMode: 'F01',
    caughtBy: ['sessions_not_leaked', 'reap_lag', 'returns_to_zero'],
    alsoRed: ['expectations_met'],
  },
  'sweeps-too-seldom': {
    describes: 'Idle sessions are looked for ten times less often than promised.',
    failureMode: 'F01',
    caughtBy: ['sessions_not_leaked', 'reap_lag'],
    alsoRed: ['returns_to_zero', 'expectations_met'],
  },
  'reaper-kills-calls': {
    describes: 'A call that takes longer than the idle timeout loses its session, and its result.',
    failureMode: 'F12',
    caughtBy: ['calls_answered'],
    alsoRed: ['expectations_met', 'sessions_not_lost', 'mcp_request_errors'],
  },
  'timeout-from-creation': {
    describes: 'The idle timeout runs from the creation of the session, whatever its client does.',
    failureMode: 'F15',
    caughtBy: ['sessions_not_lost', 'reap_lag'],
    alsoRed: ['expectations_met', 'mcp_request_errors'],
  },
  'stream-is-no-activity': {
    describes: 'A client that only listens loses its session: neither its stream nor its pings count.',
    failureMode: 'F13',
    caughtBy: ['sessions_not_lost', 'reap_lag'],
    alsoRed: ['expectations_met', 'mcp_request_errors'],
  },
  'no-handshake-deadline': {
    describes: 'A half-open handshake lives as long as a real session. Shows where H + C is shorter than T.',
    failureMode: 'F04',
    caughtBy: ['sessions_not_leaked', 'reap_lag'],
  },
  'open-stream-pins-session': {
    describes: 'Streams are never pinged, so one whose peer froze keeps its session for ever.',
    failureMode: 'F08',
    caughtBy: ['sessions_not_leaked', 'reap_lag', 'returns_to_zero'],
  },
  'heartbeat-kills-post-only': {
    describes: 'Clients without a stream are pinged too, cannot answer, and lose their sessions.',
    failureMode: 'F16',
    caughtBy: ['sessions_not_lost', 'reap_lag'],
    alsoRed: ['calls_answered', 'expectations_met', 'mcp_request_errors'],
  },
  'delete-keeps-session': {
    describes: 'DELETE answers 200 and the id 404s, but the entry stays in the map.',
    failureMode: 'F05',
    caughtBy: ['sessions_not_leaked', 'books_balance', 'returns_to_zero'],
  },
  '400-for-unknown-session': {
    describes: 'An id that is unknown or ended is answered with 400 instead of 404.',
    failureMode: 'F20',
    caughtBy: ['gone_is_404'],
    alsoRed: ['expectations_met', 'mcp_request_errors'],
  },
  'crossed-answers': {
    describes: 'Every fifth echo answers with the message of the call before it, whosever that was.',
    failureMode: 'F29',
    caughtBy: ['answers_correct'],
    alsoRed: ['mcp_request_errors'],
  },
  'calls-end-unanswered': {
    describes: 'A session that ends under a call closes its response without a word: 200 with no result.',
    failureMode: 'F36',
    caughtBy: ['drain_answers_calls'],
    alsoRed: ['mcp_request_errors', 'calls_answered'],
  },
  'shutdown-hangs-on-streams': {
    describes: 'Shutdown waits for connections to end before it ends the streams on them.',
    failureMode: 'F38',
    caughtBy: ['drain_ends_streams', 'exits_by_itself'],
    alsoRed: ['drain_answers_calls', 'calls_answered', 'sessions_not_leaked', 'reap_lag', 'returns_to_zero'],
  },
  'shutdown-drops-calls': {
    describes: 'Shutdown cuts all connections at once, with the calls on them.',
    failureMode: 'F37',
    caughtBy: ['drain_answers_calls'],
    alsoRed: ['calls_answered', 'drain_accepts_nothing', 'mcp_request_errors'],
  },
  'accepts-while-draining': {
    describes: 'New sessions are opened while the server drains.',
    failureMode: 'F37',
    caughtBy: ['drain_accepts_nothing'],
  },
  'exit-held-by-timer': {
    describes: 'A forgotten timer keeps the process alive after the shutdown.',
    failureMode: 'F58',
    caughtBy: ['exits_by_itself'],
  },
};
