import type { Probe } from '../probe.ts';
import { abortsHarmNobody } from './aborts.ts';
import { badBodiesAreClientErrors, largeArgumentsAreReadable, unfinishedRequestsAreCut } from './bodies.ts';
import { modernProbesLeaveNothing, unknownMethodIsNo404, unknownPathIsNoSession } from './eras.ts';
import { healthOpensNothing, healthTellsOfDraining } from './health.ts';
import { callsOutliveTheTimeout } from './in-flight.ts';
import { refusedRequestsLeaveNothing } from './refused-requests.ts';
import { concurrentInitializesAreDistinct, secondInitializeChangesNothing } from './second-initialize.ts';
import { capFreesItself, capHoldsInABurst, halfSentBodiesHoldNoSlot } from './session-cap.ts';
import { unknownSessionIs404 } from './unknown-session.ts';

/** Every check of the audit, in the order of the failure modes they name first. */
export const PROBES: readonly Probe[] = [
  refusedRequestsLeaveNothing,
  callsOutliveTheTimeout,
  unknownSessionIs404,
  abortsHarmNobody,
  capHoldsInABurst,
  capFreesItself,
  halfSentBodiesHoldNoSlot,
  badBodiesAreClientErrors,
  largeArgumentsAreReadable,
  unfinishedRequestsAreCut,
  modernProbesLeaveNothing,
  unknownMethodIsNo404,
  unknownPathIsNoSession,
  secondInitializeChangesNothing,
  concurrentInitializesAreDistinct,
  healthOpensNothing,
  healthTellsOfDraining,
];
