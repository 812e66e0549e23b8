import { hubOptions } from '../../simulator/scenario/hub-options.ts';
import type { LoadedScenario } from '../../simulator/scenario/load.ts';
import { hubLaunch, type Launch } from '../../simulator/targets/in-process.ts';
import { brokenServer } from './broken-server.ts';
import type { Defect } from './defects/defect.ts';
import { DEFECT_NAMES, DEFECTS, type DefectName } from './defects.ts';
import { createPlainServer } from './plain-server/plain-server.ts';
import type { PlainPolicy } from './plain-server/policy.ts';
import { createSdkServer } from './sdk-server.ts';

/** The reference hub's defaults. */
export const POLICY: PlainPolicy = {
  sessionTimeoutMs: 300_000,
  cleanupIntervalMs: 60_000,
  handshakeTimeoutMs: 30_000,
  heartbeatMs: 30_000,
  drainMs: 10_000,
  clientTimeoutsMs: { patient: 480_000 },
};

/** A cap that an audit can fill. */
const CAP = 100;

/** A server that is examined. */
export interface Subject {
  readonly name: string;
  readonly defect?: Defect;
  /** `loaded`: the scenario it is started for; an audit starts it for none. */
  readonly launch: (loaded: LoadedScenario | undefined) => Launch;
}

/** Written by three hands: what accuses all of them is wrong itself. */
export const HEALTHY: readonly Subject[] = [
  {
    name: 'reference hub',
    launch: (loaded) => hubLaunch(loaded ? hubOptions(loaded.scenario, 'virtual') : { maxSessions: CAP }),
  },
  { name: 'SDK server, healthy', launch: (loaded) => () => createSdkServer(policyFor(loaded, undefined)) },
  { name: 'plain server, healthy', launch: (loaded) => () => createPlainServer(policyFor(loaded, CAP)) },
];

export const BROKEN: readonly (Subject & { readonly name: DefectName; readonly defect: Defect })[] =
  DEFECT_NAMES.map((name) => ({
    name,
    defect: DEFECTS[name],
    launch: (loaded) => () => brokenServer(policyFor(loaded, undefined), name),
  }));

/** A scenario that fills a server says how much goes in; `otherwise`: the cap that an audit finds. */
function policyFor(loaded: LoadedScenario | undefined, otherwise: number | undefined): PlainPolicy {
  const maxSessions = loaded ? loaded.scenario.hub?.virtual?.maxSessions : otherwise;
  return maxSessions === undefined ? POLICY : { ...POLICY, maxSessions };
}
