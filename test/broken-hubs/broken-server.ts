import type { LocalServer } from '../../simulator/targets/in-process.ts';
import { DEFECTS, type DefectName } from './defects.ts';
import { createPlainServer } from './plain-server/plain-server.ts';
import type { PlainPolicy } from './plain-server/policy.ts';
import { createSdkServer } from './sdk-server.ts';

/** A server of this workshop: an http.Server, its shutdown, and a way to let it listen on loopback. */
export interface WorkshopServer extends LocalServer {
  listen(port?: number): Promise<string>;
}

/** The server that a defect breaks, with the defect in it. */
export function brokenServer(policy: PlainPolicy, defect: DefectName): WorkshopServer {
  const { base } = DEFECTS[defect];
  const settings = policyWith(policy, defect);
  return base === 'sdk' ? createSdkServer(settings, defect) : createPlainServer(settings, defect);
}

/** The same server, healthy: set to the same, without the defect. */
export function healthyBase(policy: PlainPolicy, defect: DefectName): WorkshopServer {
  const { base } = DEFECTS[defect];
  const settings = policyWith(policy, defect);
  return base === 'sdk' ? createSdkServer(settings) : createPlainServer(settings);
}

/** What the defect needs, unless it is set to something else: a scenario has a cap of its own. */
function policyWith(policy: PlainPolicy, defect: DefectName): PlainPolicy {
  return { ...DEFECTS[defect].policy, ...policy };
}
