import { alsoIn, auditOnly, type Defect } from './defect.ts';

/** Sessions that go away too early (F12–F19). */
export const A2_DEFECTS = {
  'reaper-kills-calls': {
    base: 'sdk',
    describes: 'A call that takes longer than the idle timeout loses its session, and its result.',
    failureMode: 'F12',
    caughtBy: ['calls_answered'],
    alsoRed: ['expectations_met', 'sessions_not_lost', 'mcp_request_errors'],
    scenarios: ['long-call'],
  },
  'short-call-unprotects-long-one': alsoIn(
    ['long-call'],
    'F12',
    'A call that ends takes the protection of the other calls in flight with it.',
  ),
  'stream-is-no-activity': {
    base: 'sdk',
    describes: 'A client that only listens loses its session: neither its stream nor its pings count.',
    failureMode: 'F13',
    caughtBy: ['sessions_not_lost', 'reap_lag'],
    alsoRed: ['expectations_met', 'mcp_request_errors'],
  },
  'stream-lost-window-ignored': auditOnly(
    'F14',
    'A session whose stream was lost stays for the whole idle timeout, not for the window promised.',
    { policy: { streamLostMs: 60_000 } },
  ),
  'timeout-from-creation': {
    base: 'sdk',
    describes: 'The idle timeout runs from the creation of the session, whatever its client does.',
    failureMode: 'F15',
    caughtBy: ['sessions_not_lost', 'reap_lag'],
    alsoRed: ['expectations_met', 'mcp_request_errors'],
  },
  'heartbeat-kills-post-only': {
    base: 'sdk',
    describes: 'Clients without a stream are pinged too, cannot answer, and lose their sessions.',
    failureMode: 'F16',
    caughtBy: ['sessions_not_lost', 'reap_lag'],
    alsoRed: ['calls_answered', 'expectations_met', 'mcp_request_errors'],
    scenarios: ['reconnect-storm'],
  },
  'swept-under-a-request': auditOnly(
    'F17',
    'A request is let in, and its session swept before it is used: 200 with nothing in it.',
  ),
  'stale-close-ends-successor': alsoIn(
    ['resume'],
    'F18',
    'The late close of an old stream unhooks the stream that took over.',
    { caughtBy: ['events_exact'] },
  ),
  'idle-by-wall-clock': auditOnly(
    'F19',
    'Idle time is taken from the wall clock, so that a step of it ends all sessions.',
  ),
} as const satisfies Record<string, Defect>;
