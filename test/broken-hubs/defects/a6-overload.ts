import { alsoIn, auditOnly, type Defect } from './defect.ts';

/** Load and abuse (F45–F50). */
export const A6_DEFECTS = {
  'no-cap': alsoIn(['flood-to-cap'], 'F45', 'More sessions are opened than the policy allows.', {
    policy: { maxSessions: 100 },
  }),
  'cap-race': alsoIn(['flood-to-cap'], 'F46', 'The cap is checked a moment before the session is counted.', {
    policy: { maxSessions: 100 },
  }),
  'cap-never-frees': alsoIn(['flood-to-cap'], 'F47', 'A session that is reaped gives its slot back never.', {
    policy: { maxSessions: 100 },
  }),
  'half-sent-bodies-hold-slots': alsoIn(
    ['flood-to-cap'],
    'F47',
    'A slot is taken before the body of the request is there.',
    { policy: { maxSessions: 100 } },
  ),
  'no-backpressure': auditOnly('F48', 'Whatever a listener does not read is written into memory.'),
  'half-sent-bodies-for-ever': auditOnly('F49', 'A body that never ends is waited for without a limit.'),
  'bodies-without-limit': auditOnly('F49', 'A body of any size is read.'),
  'html-errors': auditOnly('F49', 'A body that cannot be read is answered with a page of HTML.'),
  'bad-json-500': alsoIn(['hostile-input'], 'F49', 'A body that is no JSON is answered with 500.', {
    caughtBy: ['expectations_met'],
  }),
  'null-body-ends-process': alsoIn(
    ['hostile-input'],
    'F49',
    'A body of null is taken for an object, and the process ends.',
    { caughtBy: ['target_survives'] },
  ),
  'small-bodies-only': auditOnly(
    'F49',
    'A body over 100 KB is refused, so that an argument of 1 MB cannot be sent.',
  ),
  'deep-json-ends-process': alsoIn(
    ['hostile-input'],
    'F49',
    'A deeply nested body overflows the stack, and the process ends.',
    { caughtBy: ['target_survives'] },
  ),
  'catalogue-per-session': auditOnly('F50', 'Each session builds the catalogue of tools anew: about 300 KB.'),
} as const satisfies Record<string, Defect>;
