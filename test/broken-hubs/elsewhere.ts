import type { DefectName } from './defects.ts';

/** Defects that the matrix does not look for, and where they would show. They count as neither caught nor missed. */
export const ELSEWHERE: Readonly<Partial<Record<DefectName, string>>> = {
  'ended-session-stays-in-side-table': 'memory: mcp-soak leak --per session',
  'requests-pile-up': 'memory: mcp-soak leak --per request',
  'events-kept-for-ever': 'memory: mcp-soak leak --per event',
  'no-backpressure': 'memory: mcp-soak leak --per reader',
  'catalogue-per-session': 'memory: mcp-soak leak --per session (session_weight)',
  'session-file-stays-open': 'open files of a process of its own: the audit with --command',
  'listeners-pile-up': 'memory: mcp-soak leak --per session',
  'half-sent-bodies-for-ever': 'time-outs of real sockets: the audit in real time',
  'bodies-without-limit': 'memory of a process of its own',
  'no-retry-at-shutdown':
    'no failure: nothing demands a retry when a server ends, and clients then decide for themselves',
  'foreign-session-403': 'a remark of the audit, no failure: 403 tells a stranger that a session is there',
};
