import type { Probe } from '../probe.ts';
import { abandonedSessionsAreReaped, sessionsAreNotReapedEarly } from './abandonment.ts';
import { abortsHarmNobody } from './aborts.ts';
import { usedSessionsLiveOn } from './activity.ts';
import { badBodiesAreClientErrors, largeArgumentsAreReadable, unfinishedRequestsAreCut } from './bodies.ts';
import { deleteFreesItsSlotAtOnce } from './churn.ts';
import { wallClockStepsReapNobody } from './clock-steps.ts';
import { deleteEndsTheSession } from './deletion.ts';
import { deleteSettlesCalls, shutdownSettlesCalls } from './ended-calls.ts';
import { equalIdsGetTheirOwnAnswers } from './equal-ids.ts';
import { modernProbesLeaveNothing, unknownMethodIsNo404, unknownPathIsNoSession } from './eras.ts';
import { failedInitializeLeavesNothing } from './failed-initialize.ts';
import { foreignHostsAreRefused, foreignOriginsAreRefused } from './foreign-pages.ts';
import { getStreamStaysOpen } from './get-stream.ts';
import { halfHandshakesAreReaped, headerlessInitializedIsRefused } from './handshake.ts';
import { healthOpensNothing, healthTellsOfDraining } from './health.ts';
import { latePongsCostNoSession, postOnlyClientsLiveOn } from './heartbeats.ts';
import { callsOutliveTheTimeout, overlappingCallsProtectTheirSession } from './in-flight.ts';
import { sessionsDoNotCross } from './isolation.ts';
import { lateCloseSparesTheNextStream } from './late-close.ts';
import { frozenPeersDoNotPinSessions, openStreamsKeepTheSession } from './listeners.ts';
import { lostStreamsEndTheirSessions } from './lost-stream.ts';
import { massDeleteLeavesTheServerWell } from './mass-delete.ts';
import { namesOfObjectsAreNoSessions } from './object-names.ts';
import { deletedSessionsFreeTheirFiles, reapedSessionsFreeTheirFiles } from './open-files.ts';
import { sessionsBelongToTheirOwner } from './owners.ts';
import { progressComesWhileItWorks } from './progress.ts';
import { pagesShowNoSessionIds } from './published-ids.ts';
import { limitsHideNo404 } from './rate-limit.ts';
import { racesWithTheReaperAreClean } from './reaper-race.ts';
import { refusedRequestsLeaveNothing } from './refused-requests.ts';
import { restartAnswersOldSessions } from './restart.ts';
import { callStreamsResumeExactly, listeningResumesExactly } from './resume-exact.ts';
import { resumingStaysInItsSession, resumingStaysInItsStream } from './resume-isolation.ts';
import { concurrentInitializesAreDistinct, secondInitializeChangesNothing } from './second-initialize.ts';
import { capFreesItself, capHoldsInABurst, halfSentBodiesHoldNoSlot } from './session-cap.ts';
import { chosenIdsAreNotAdopted, idsCannotBeGuessed, oddIdsAreRefused } from './session-ids.ts';
import { sessionlessRequestsLeaveNothing, sessionlessServersOpenNothing } from './sessionless.ts';
import { shownCountsAgree } from './shown-counts.ts';
import {
  drainingServerOpensNothing,
  processExitsByItself,
  shutdownAnswersCalls,
  shutdownEndsStreams,
} from './shutdown.ts';
import { idleStreamsAreKeptAlive, slowCallsAreKeptAlive } from './silence.ts';
import { shutdownStaggersReturns } from './staggered-return.ts';
import { closedStreamsCanBeReopened, frozenStreamsAreTakenOver } from './takeover.ts';
import { missingSessionIs400, unknownSessionIs404 } from './unknown-session.ts';

/** Every check of the audit, in the order of the failure modes they name first. */
const ALL: readonly Probe[] = [
  abandonedSessionsAreReaped,
  sessionsAreNotReapedEarly,
  abortsHarmNobody,
  usedSessionsLiveOn,
  badBodiesAreClientErrors,
  largeArgumentsAreReadable,
  unfinishedRequestsAreCut,
  wallClockStepsReapNobody,
  deleteEndsTheSession,
  deleteSettlesCalls,
  shutdownSettlesCalls,
  modernProbesLeaveNothing,
  unknownMethodIsNo404,
  unknownPathIsNoSession,
  failedInitializeLeavesNothing,
  halfHandshakesAreReaped,
  headerlessInitializedIsRefused,
  healthOpensNothing,
  healthTellsOfDraining,
  latePongsCostNoSession,
  postOnlyClientsLiveOn,
  callsOutliveTheTimeout,
  overlappingCallsProtectTheirSession,
  lateCloseSparesTheNextStream,
  frozenPeersDoNotPinSessions,
  openStreamsKeepTheSession,
  lostStreamsEndTheirSessions,
  massDeleteLeavesTheServerWell,
  deletedSessionsFreeTheirFiles,
  reapedSessionsFreeTheirFiles,
  racesWithTheReaperAreClean,
  refusedRequestsLeaveNothing,
  restartAnswersOldSessions,
  concurrentInitializesAreDistinct,
  secondInitializeChangesNothing,
  capFreesItself,
  capHoldsInABurst,
  halfSentBodiesHoldNoSlot,
  shownCountsAgree,
  drainingServerOpensNothing,
  processExitsByItself,
  shutdownAnswersCalls,
  shutdownEndsStreams,
  shutdownStaggersReturns,
  unknownSessionIs404,
  missingSessionIs400,
  deleteFreesItsSlotAtOnce,
  equalIdsGetTheirOwnAnswers,
  foreignHostsAreRefused,
  foreignOriginsAreRefused,
  getStreamStaysOpen,
  sessionsDoNotCross,
  namesOfObjectsAreNoSessions,
  sessionsBelongToTheirOwner,
  progressComesWhileItWorks,
  pagesShowNoSessionIds,
  limitsHideNo404,
  callStreamsResumeExactly,
  listeningResumesExactly,
  resumingStaysInItsSession,
  resumingStaysInItsStream,
  chosenIdsAreNotAdopted,
  idsCannotBeGuessed,
  oddIdsAreRefused,
  sessionlessRequestsLeaveNothing,
  sessionlessServersOpenNothing,
  idleStreamsAreKeptAlive,
  slowCallsAreKeptAlive,
  closedStreamsCanBeReopened,
  frozenStreamsAreTakenOver,
];

/** In the order of the failure modes they name first. */
export const PROBES: readonly Probe[] = ALL.toSorted((a, b) =>
  a.failureModes[0].localeCompare(b.failureModes[0], 'en'),
);
