import { alsoIn, auditOnly, type Defect } from './defect.ts';

/** Sessions that never go away (F01–F11). */
export const A1_DEFECTS = {
  'no-reaper': {
    base: 'sdk',
    describes: 'Sessions that nobody ends are never ended.',
    failureMode: 'F01',
    caughtBy: ['sessions_not_leaked', 'reap_lag', 'returns_to_zero'],
    alsoRed: ['expectations_met'],
    scenarios: ['reconnect-storm', 'rollout'],
  },
  'sweeps-too-seldom': {
    base: 'sdk',
    describes: 'Idle sessions are looked for ten times less often than promised.',
    failureMode: 'F01',
    caughtBy: ['sessions_not_leaked', 'reap_lag'],
    alsoRed: ['returns_to_zero', 'expectations_met'],
    scenarios: ['a-day'],
  },
  'probe-opens-session': alsoIn(
    ['hostile-input'],
    'F02',
    'A GET, HEAD or OPTIONS without a session id is refused, and opens a session.',
  ),
  'refused-initialize-opens-session': alsoIn(
    ['hostile-input'],
    'F02',
    'A POST that is refused with 406 opens a session, and tells its id.',
  ),
  'failed-initialize-keeps-session': alsoIn(
    ['hostile-input'],
    'F03',
    'An initialize that is answered with an error leaves its session behind.',
  ),
  'no-handshake-deadline': {
    base: 'sdk',
    describes: 'A half-open handshake lives as long as a real session. Shows where H + C is shorter than T.',
    failureMode: 'F04',
    caughtBy: ['sessions_not_leaked', 'reap_lag'],
    scenarios: ['half-open'],
  },
  'delete-keeps-session': {
    base: 'sdk',
    describes: 'DELETE answers 200 and the id 404s, but the entry stays in the map.',
    failureMode: 'F05',
    caughtBy: ['sessions_not_leaked', 'books_balance', 'returns_to_zero'],
    scenarios: ['delete-races'],
  },
  'ended-session-stays-in-side-table': auditOnly(
    'F06',
    'DELETE forgets a table beside the map: 64 KB stay of each session.',
  ),
  'reaped-session-stays-in-index': auditOnly(
    'F07',
    'A reaped session stays in the index that /health counts.',
  ),
  'open-stream-pins-session': {
    base: 'sdk',
    describes: 'Streams are never pinged, so one whose peer froze keeps its session for ever.',
    failureMode: 'F08',
    caughtBy: ['sessions_not_leaked', 'reap_lag', 'returns_to_zero'],
    scenarios: ['half-open', 'slow-reader'],
  },
  'requests-pile-up': auditOnly('F09', 'Each request of a session leaves 5.6 KB in it.'),
  'session-file-stays-open': auditOnly('F11', 'Each session opens a file that is not closed with it.'),
} as const satisfies Record<string, Defect>;
