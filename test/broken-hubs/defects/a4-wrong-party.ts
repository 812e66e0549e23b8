import { alsoIn, auditOnly, type Defect } from './defect.ts';

/** Wrong data to the wrong party (F28–F35). */
export const A4_DEFECTS = {
  'equal-ids-crossed': auditOnly(
    'F28',
    'Answers go by the bare JSON-RPC id: of two calls with one id the first one hangs.',
  ),
  'ids-of-all-sessions-crossed': alsoIn(
    ['duplicate-ids'],
    'F28',
    'Answers go by the bare JSON-RPC id, whosever session it is: to whoever used it last.',
  ),
  'crossed-answers': {
    base: 'sdk',
    describes: 'Every fifth echo answers with the message of the call before it, whosever that was.',
    failureMode: 'F29',
    caughtBy: ['answers_correct'],
    alsoRed: ['mcp_request_errors'],
    scenarios: ['duplicate-ids'],
  },
  'one-server-for-all': auditOnly(
    'F29',
    'One MCP server for all sessions: the second initialize fails with 500.',
  ),
  'messages-to-latest-stream': alsoIn(
    ['duplicate-ids', 'resume'],
    'F29',
    'Log messages go to the stream that was opened last, whosever it is.',
  ),
  'shared-event-store': alsoIn(['resume'], 'F30', 'Resuming replays the messages of other sessions, too.'),
  'resume-crosses-streams': auditOnly('F31', 'Resuming one stream replays the others of the session, too.'),
  'foreign-token-accepted': auditOnly('F32', 'A session can be used with a token that is not its own.', {
    policy: { tokens: ['alice', 'bob'] },
  }),
  'foreign-delete-accepted': auditOnly('F32', 'A session can be ended with a token that is not its own.', {
    policy: { tokens: ['alice', 'bob'] },
  }),
  'foreign-stream-accepted': auditOnly(
    'F32',
    'A stream can be opened with a token that is not that of its session.',
    { policy: { tokens: ['alice', 'bob'] } },
  ),
  'foreign-session-403': auditOnly(
    'F32',
    'The session of somebody else is answered with 403, which tells that it exists.',
    { policy: { tokens: ['alice', 'bob'] } },
  ),
  'health-lists-ids': auditOnly('F33', '/health shows the ids of all sessions.'),
  'sessions-lists-ids': auditOnly(
    'F33',
    '/sessions shows the ids of all sessions beside their fingerprints.',
  ),
  'adopts-client-ids': alsoIn(
    ['session-fixation'],
    'F34',
    'An initialize with an id of its own choice gets a session of that id.',
    { caughtBy: ['expectations_met'] },
  ),
  'predictable-ids': auditOnly('F34', 'Session ids count up.'),
  'unknown-id-opens-session': alsoIn(
    ['session-fixation'],
    'F34',
    'A call on an unknown session opens one of that id.',
    { caughtBy: ['expectations_met'] },
  ),
  'no-origin-check': auditOnly('F35', 'Any Origin is let in.'),
  'origin-checked-on-post-only': auditOnly('F35', 'A foreign Origin is refused on POST only.'),
  'null-origin-allowed': auditOnly('F35', 'Origin null is let in.'),
  'no-host-check': auditOnly('F35', 'Any Host is let in.'),
} as const satisfies Record<string, Defect>;
