import { auditOnly, type Defect } from './defect.ts';

/** What clients are told (F20–F27). */
export const A3_DEFECTS = {
  '400-for-unknown-session': {
    base: 'sdk',
    describes: 'An id that is unknown or ended is answered with 400 instead of 404.',
    failureMode: 'F20',
    caughtBy: ['gone_is_404'],
    alsoRed: ['expectations_met', 'mcp_request_errors'],
  },
  '200-for-unknown-session': auditOnly(
    'F20',
    'An unknown session is answered with 200 and a JSON-RPC error.',
  ),
  '401-for-unknown-session': auditOnly('F20', 'An unknown session is answered with 401.'),
  '405-for-delete-of-unknown': auditOnly('F20', 'DELETE of an unknown session is answered with 405.'),
  '400-for-stream-of-unknown': auditOnly('F20', 'GET on an unknown session is answered with 400.'),
  '404-without-session-id': auditOnly(
    'F20',
    'A request without a session id is answered with 404 instead of 400.',
  ),
  'limiter-before-session': auditOnly(
    'F21',
    'The limit on rates is asked first, and hides that a session is gone.',
    { policy: { requestsPerSecond: 50 } },
  ),
  'delete-frees-no-slot': auditOnly('F23', 'DELETE ends the session, and its slot stays taken.', {
    policy: { maxSessions: 100 },
  }),
  'no-retry-at-shutdown': auditOnly('F24', 'Streams end at shutdown without a word on when to come back.'),
  'same-retry-for-all': auditOnly(
    'F24',
    'At shutdown all listeners are asked to come back in the same second.',
  ),
  'stream-ends-at-once': auditOnly('F25', 'The GET stream opens and ends at once, without a retry.'),
  'second-stream-409': auditOnly('F26', 'A second GET is refused with 409 while the first one is open.'),
} as const satisfies Record<string, Defect>;
