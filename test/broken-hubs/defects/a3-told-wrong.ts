import { alsoIn, auditOnly, type Defect } from './defect.ts';

/** What clients are told (F20–F27). */
export const A3_DEFECTS = {
  '400-for-unknown-session': {
    base: 'sdk',
    describes: 'An id that is unknown or ended is answered with 400 instead of 404.',
    failureMode: 'F20',
    caughtBy: ['gone_is_404', 'mcp_request_errors'],
    alsoRed: ['expectations_met', 'mcp_request_errors'],
    scenarios: ['session-fixation', 'restart-herd'],
  },
  '200-for-unknown-session': alsoIn(
    ['delete-races'],
    'F20',
    'An unknown session is answered with 200 and a JSON-RPC error.',
    { caughtBy: ['expectations_met'] },
  ),
  '401-for-unknown-session': alsoIn(['delete-races'], 'F20', 'An unknown session is answered with 401.'),
  '405-for-delete-of-unknown': alsoIn(
    ['session-fixation'],
    'F20',
    'DELETE of an unknown session is answered with 405.',
    { caughtBy: ['expectations_met'] },
  ),
  '400-for-stream-of-unknown': alsoIn(
    ['session-fixation'],
    'F20',
    'GET on an unknown session is answered with 400.',
    { caughtBy: ['expectations_met'] },
  ),
  '404-without-session-id': alsoIn(
    ['session-fixation'],
    'F20',
    'A request without a session id is answered with 404 instead of 400.',
    { caughtBy: ['expectations_met'] },
  ),
  'limiter-before-session': auditOnly(
    'F21',
    'The limit on rates is asked first, and hides that a session is gone.',
    { policy: { requestsPerSecond: 50 } },
  ),
  'delete-frees-no-slot': alsoIn(
    ['flood-to-cap'],
    'F23',
    'DELETE ends the session, and its slot stays taken.',
    {
      policy: { maxSessions: 100 },
    },
  ),
  'no-retry-at-shutdown': auditOnly('F24', 'Streams end at shutdown without a word on when to come back.'),
  'same-retry-for-all': auditOnly(
    'F24',
    'At shutdown all listeners are asked to come back in the same second.',
  ),
  'stream-ends-at-once': auditOnly('F25', 'The GET stream opens and ends at once, without a retry.'),
  'second-stream-409': alsoIn(
    ['resume'],
    'F26',
    'A second GET is refused with 409 while the first one is open.',
    { caughtBy: ['mcp_request_errors'] },
  ),
} as const satisfies Record<string, Defect>;
