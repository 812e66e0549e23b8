import { audit } from '../../../simulator/audit/audit.ts';
import { learn } from '../../../simulator/audit/learn.ts';
import { PROBES } from '../../../simulator/audit/probes/index.ts';
import type { AuditRequest } from '../../../simulator/audit-request.ts';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import type { Check } from '../../../simulator/judge/check.ts';
import type { RunResult } from '../../../simulator/result.ts';
import { runAudit } from '../../../simulator/run-audit.ts';
import { inProcessTarget, type Launch } from '../../../simulator/targets/in-process.ts';
import type { DefectName } from '../../broken-hubs/defects.ts';
import type { SdkPolicy } from '../../broken-hubs/policy.ts';
import { createSdkServer } from '../../broken-hubs/sdk-server.ts';

const A_DAY_MS = 24 * 3_600_000;

/** The reference hub's defaults. */
export const POLICY: SdkPolicy = {
  sessionTimeoutMs: 300_000,
  cleanupIntervalMs: 60_000,
  handshakeTimeoutMs: 30_000,
  heartbeatMs: 30_000,
  drainMs: 10_000,
};

/** Audits a server in this process in virtual time; without one the reference hub. */
export function auditVirtually(
  launch: Launch | undefined,
  request: Partial<AuditRequest> = {},
): Promise<RunResult> {
  return runAudit({
    mode: 'virtual',
    seed: 1,
    maxWaitMs: A_DAY_MS,
    ...(launch && { target: { name: 'a server', launch } }),
    ...request,
  });
}

/** The one check of this name, made against a server. */
export async function checkOn(launch: Launch | undefined, name: string): Promise<Check> {
  const { checks } = await auditVirtually(launch, { only: [name] });
  const [check] = checks;
  if (!check) throw new Error(`no check is called ${name}`);
  return check;
}

/** A server in the pattern of the SDK, healthy unless a defect is named. */
export function sdkServer(defect?: DefectName): Launch {
  return () => createSdkServer(POLICY, defect);
}

/** The checks of these names, on a server that lives in this very process, and is taken for one of its own. */
export async function checksInProcess(launch: Launch, names: readonly string[]): Promise<Check[]> {
  const time = new VirtualTime();
  try {
    return await time.drive(async () => {
      const target = Object.create(await inProcessTarget('a server', launch, time), {
        pid: { value: process.pid },
      });
      const wall = { startedAt: '', elapsedMs: () => 0 };
      const world = { clock: time.clock, target, wall, toleranceMs: 0 };
      const { parts } = await learn(world, { mode: 'virtual', seed: 1, maxWaitMs: A_DAY_MS }, []);
      return await audit(parts, {
        probes: PROBES.filter(({ name }) => names.includes(name)),
        stop: new AbortController().signal,
        bail: false,
        longestMs: A_DAY_MS,
        onProgress: () => undefined,
      });
    });
  } finally {
    time.uninstall();
  }
}
