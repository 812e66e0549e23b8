import type { Probe } from '../probe.ts';
import { callsOutliveTheTimeout } from './in-flight.ts';
import { refusedRequestsLeaveNothing } from './refused-requests.ts';
import { unknownSessionIs404 } from './unknown-session.ts';

/** Every check of the audit, in the order of the failure modes they name first. */
export const PROBES: readonly Probe[] = [
  refusedRequestsLeaveNothing,
  callsOutliveTheTimeout,
  unknownSessionIs404,
];
