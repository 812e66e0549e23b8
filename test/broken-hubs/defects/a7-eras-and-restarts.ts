import { alsoIn, auditOnly, type Defect } from './defect.ts';

/** Two eras, restarts, operation (F51–F58). */
export const A7_DEFECTS = {
  'discover-opens-session': auditOnly(
    'F51',
    'A server/discover without a session opens one that nobody can reach.',
  ),
  'unknown-method-404': alsoIn(
    ['hostile-input'],
    'F52',
    'An unknown method is answered with 404, as if the session were gone.',
    { caughtBy: ['expectations_met'] },
  ),
  'unknown-path-is-no-session': auditOnly('F52', 'An unknown path is answered as an unknown session.'),
  'old-ids-hang': alsoIn(
    ['restart-herd'],
    'F54',
    'After a restart, requests on old sessions are never answered.',
    { caughtBy: ['calls_answered'] },
  ),
  'old-ids-500': alsoIn(
    ['restart-herd'],
    'F54',
    'After a restart, requests on old sessions are answered with 500.',
    { caughtBy: ['mcp_request_errors'] },
  ),
  'second-initialize-replaces': alsoIn(
    ['session-fixation'],
    'F56',
    'An initialize on a live session opens a second one.',
    { caughtBy: ['sessions_not_leaked', 'books_balance'] },
  ),
  'health-always-green': auditOnly('F57', '/health is 200 while the server drains, or its sweep is stuck.'),
  'health-opens-session': auditOnly('F57', 'Each look at /health opens a session.'),
  'exit-held-by-timer': {
    base: 'sdk',
    describes: 'A forgotten timer keeps the process alive after the shutdown.',
    failureMode: 'F58',
    caughtBy: ['exits_by_itself', 'target_survives'],
    scenarios: ['restart-herd'],
  },
  'listeners-pile-up': auditOnly('F58', 'Each session leaves a listener on the process.'),
} as const satisfies Record<string, Defect>;
