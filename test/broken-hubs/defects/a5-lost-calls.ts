import { alsoIn, auditOnly, type Defect } from './defect.ts';

/** Calls lost or hung (F36–F44). */
export const A5_DEFECTS = {
  'calls-end-unanswered': {
    base: 'sdk',
    describes: 'A session that ends under a call closes its response without a word: 200 with no result.',
    failureMode: 'F36',
    caughtBy: ['drain_answers_calls'],
    alsoRed: ['mcp_request_errors', 'calls_answered'],
    scenarios: ['delete-races'],
  },
  'delete-hangs-calls': alsoIn(['delete-races'], 'F36', 'A call whose session is deleted under it hangs.'),
  'shutdown-drops-calls': {
    base: 'sdk',
    describes: 'Shutdown cuts all connections at once, with the calls on them.',
    failureMode: 'F37',
    caughtBy: ['drain_answers_calls'],
    alsoRed: ['calls_answered', 'drain_accepts_nothing', 'mcp_request_errors'],
  },
  'accepts-while-draining': {
    base: 'sdk',
    describes: 'New sessions are opened while the server drains.',
    failureMode: 'F37',
    caughtBy: ['drain_accepts_nothing'],
  },
  'shutdown-hangs-on-streams': {
    base: 'sdk',
    describes: 'Shutdown waits for connections to end before it ends the streams on them.',
    failureMode: 'F38',
    caughtBy: ['drain_ends_streams', 'exits_by_itself', 'target_survives'],
    alsoRed: ['drain_answers_calls', 'calls_answered', 'sessions_not_leaked', 'reap_lag', 'returns_to_zero'],
    scenarios: ['restart-herd'],
  },
  'close-cascade': alsoIn(
    ['delete-races'],
    'F39',
    'Fifteen sessions deleted at once overflow the stack, and the process ends.',
  ),
  'abort-ends-process': alsoIn(['slow-reader'], 'F40', 'A client that aborts a call ends the process.'),
  'resume-loses-events': alsoIn(['resume'], 'F41', 'Resuming leaves out the event after the cursor.'),
  'resume-doubles-events': alsoIn(['resume'], 'F41', 'Resuming repeats the event at the cursor.'),
  'events-kept-for-ever': auditOnly('F42', 'Events are kept for resuming without a limit.'),
  'silent-streams': auditOnly(
    'F43',
    'Open streams and long calls are silent for as long as there is nothing to say.',
  ),
  'silent-calls': auditOnly('F43', 'Long calls are silent; only GET streams are kept alive.'),
  'progress-held-back': auditOnly('F44', 'Progress is sent in one lump when the call is done.'),
} as const satisfies Record<string, Defect>;
