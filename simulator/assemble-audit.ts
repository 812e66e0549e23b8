import { availableParallelism, totalmem } from 'node:os';
import type { AuditTally } from './audit/probe-context.ts';
import type { AuditRequest } from './audit-request.ts';
import type { AuditWorld } from './audit-world.ts';
import { EventLog } from './event-log.ts';
import { exitCodeOf, verdictOf } from './exit-code.ts';
import type { Check } from './judge/check.ts';
import { Metrics } from './judge/metrics.ts';
import type { Policy } from './judge/policy.ts';
import type { MeasuredLeaks } from './measure-leaks.ts';
import type { RunResult } from './result.ts';
import { TOOL } from './tool.ts';

interface AuditRemains {
  readonly checks: readonly Check[];
  readonly isAborted: boolean;
  readonly measured: MeasuredLeaks | undefined;
  readonly parts: {
    readonly policy: Policy;
    readonly visibility: RunResult['target']['sessionsAre'];
    readonly tally: AuditTally;
  };
}

/** Writes an audit down as every run is: the reporters need know nothing of it. */
export function assembleAudit(
  { clock, target, wall }: AuditWorld,
  { mode, seed, replay = 'npx mcp-soak audit' }: AuditRequest,
  { checks, isAborted, measured, parts: { policy, visibility, tally } }: AuditRemains,
): RunResult {
  const verdict = verdictOf(checks, isAborted);
  const measuredSessions = (what: 'attempted' | 'opened' | 'refused' | 'unknown' | 'deleted') =>
    measured?.totals.sum(what) ?? 0;
  const covers = [...new Set(checks.flatMap(({ failureModes }) => failureModes))].sort();
  return {
    format: 'mcp-soak-result',
    version: 1,
    tool: `${TOOL.name} ${TOOL.version}`,
    scenario: { name: 'audit', description: 'Every check that applies, one by one.', file: '', covers },
    mode,
    seed,
    target: { name: target.name, endpoint: target.endpoint.href, sessionsAre: visibility },
    policy,
    startedAt: wall.startedAt,
    durationMs: clock.now(),
    wallMs: wall.elapsedMs(),
    verdict,
    exitCode: exitCodeOf(verdict),
    checks: [...checks],
    sessions: {
      attempted: tally.attempted + measuredSessions('attempted'),
      opened: tally.opened + measuredSessions('opened'),
      refused: tally.refused + measuredSessions('refused'),
      unknown: measuredSessions('unknown'),
      deleted: tally.deleted + measuredSessions('deleted'),
      liveAtEnd: 0,
    },
    reapLag: { early: 0, late: 0, certified: 0, tooCoarse: 0, maxMs: 0 },
    metrics: new Metrics().snapshot(),
    series: measured?.series ?? [],
    ...(measured && { leaks: [...measured.leaks] }),
    generator: {
      planned: 0,
      started: 0,
      dropped: 0,
      lagP50Ms: 0,
      lagP99Ms: 0,
      lagMaxMs: 0,
      loopDelayP99Ms: null,
      localFailures: 0,
    },
    eventLog: new EventLog(undefined).close(),
    environment: {
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
    },
    replay,
  };
}
