import type { Probe } from '../probe.ts';
import { abandonedSessionsAreReaped, sessionsAreNotReapedEarly } from './abandonment.ts';
import { usedSessionsLiveOn } from './activity.ts';
import { wallClockStepsReapNobody } from './clock-steps.ts';
import { deleteEndsTheSession } from './deletion.ts';
import { deleteSettlesCalls, shutdownSettlesCalls } from './ended-calls.ts';
import { failedInitializeLeavesNothing } from './failed-initialize.ts';
import { halfHandshakesAreReaped, headerlessInitializedIsRefused } from './handshake.ts';
import { latePongsCostNoSession, postOnlyClientsLiveOn } from './heartbeats.ts';
import { callsOutliveTheTimeout, overlappingCallsProtectTheirSession } from './in-flight.ts';
import { lateCloseSparesTheNextStream } from './late-close.ts';
import { frozenPeersDoNotPinSessions, openStreamsKeepTheSession } from './listeners.ts';
import { lostStreamsEndTheirSessions } from './lost-stream.ts';
import { massDeleteLeavesTheServerWell } from './mass-delete.ts';
import { deletedSessionsFreeTheirFiles, reapedSessionsFreeTheirFiles } from './open-files.ts';
import { racesWithTheReaperAreClean } from './reaper-race.ts';
import { refusedRequestsLeaveNothing } from './refused-requests.ts';
import { restartAnswersOldSessions } from './restart.ts';
import { shownCountsAgree } from './shown-counts.ts';
import {
  drainingServerOpensNothing,
  processExitsByItself,
  shutdownAnswersCalls,
  shutdownEndsStreams,
} from './shutdown.ts';
import { unknownSessionIs404 } from './unknown-session.ts';

/** Every check of the audit, in the order of the failure modes they name first. */
export const PROBES: readonly Probe[] = [
  abandonedSessionsAreReaped,
  sessionsAreNotReapedEarly,
  refusedRequestsLeaveNothing,
  failedInitializeLeavesNothing,
  halfHandshakesAreReaped,
  headerlessInitializedIsRefused,
  deleteEndsTheSession,
  deletedSessionsFreeTheirFiles,
  reapedSessionsFreeTheirFiles,
  shownCountsAgree,
  frozenPeersDoNotPinSessions,
  callsOutliveTheTimeout,
  overlappingCallsProtectTheirSession,
  openStreamsKeepTheSession,
  lostStreamsEndTheirSessions,
  usedSessionsLiveOn,
  postOnlyClientsLiveOn,
  latePongsCostNoSession,
  racesWithTheReaperAreClean,
  lateCloseSparesTheNextStream,
  wallClockStepsReapNobody,
  unknownSessionIs404,
  deleteSettlesCalls,
  shutdownSettlesCalls,
  shutdownAnswersCalls,
  drainingServerOpensNothing,
  shutdownEndsStreams,
  massDeleteLeavesTheServerWell,
  restartAnswersOldSessions,
  processExitsByItself,
];
