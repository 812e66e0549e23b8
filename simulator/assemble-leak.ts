import { availableParallelism, totalmem } from 'node:os';
import type { Clock } from './clock/clock.ts';
import { EventLog } from './event-log.ts';
import { exitCodeOf, verdictOf } from './exit-code.ts';
import { judgeLeaks } from './judge/leak-checks.ts';
import { Metrics } from './judge/metrics.ts';
import { PolicySchema } from './judge/policy.ts';
import type { LeakRequest } from './leak-request.ts';
import type { MeasuredLeaks } from './measure-leaks.ts';
import type { RunResult } from './result.ts';
import type { Target } from './targets/target.ts';
import { TOOL } from './tool.ts';
import type { Wall } from './world.ts';

/** Writes a search for leaks down as every run is: the reporters need know nothing of it. */
export function assembleLeak(
  { clock, target, wall }: { clock: Clock; target: Target; wall: Wall },
  { seed, replay }: Pick<LeakRequest, 'seed' | 'replay'>,
  { leaks, series, totals, visibility, policy, isAborted }: Omit<MeasuredLeaks, 'target'>,
): RunResult {
  const checks = judgeLeaks(leaks);
  const verdict = verdictOf(checks, isAborted);
  const covers = [...new Set(checks.flatMap(({ failureModes }) => failureModes))].sort();
  const attempted = totals.sum('attempted');
  return {
    format: 'mcp-soak-result',
    version: 1,
    tool: `${TOOL.name} ${TOOL.version}`,
    scenario: { name: 'leak', description: 'Memory over cycles of act, undo, settle.', file: '', covers },
    mode: 'real',
    seed,
    target: { name: target.name, endpoint: target.endpoint.href, sessionsAre: visibility },
    policy: policy ?? PolicySchema.parse({}),
    startedAt: wall.startedAt,
    durationMs: clock.now(),
    wallMs: wall.elapsedMs(),
    verdict,
    exitCode: exitCodeOf(verdict),
    checks,
    sessions: {
      attempted,
      opened: totals.sum('opened'),
      refused: totals.sum('refused'),
      unknown: totals.sum('unknown'),
      deleted: totals.sum('deleted'),
      liveAtEnd: series.at(-1)?.observed ?? 0,
    },
    reapLag: { early: 0, late: 0, certified: 0, tooCoarse: 0, maxMs: 0 },
    metrics: new Metrics().snapshot(),
    series,
    leaks: [...leaks],
    // Nothing is scheduled: each lane begins when the one before is done, and no time is measured.
    generator: {
      planned: attempted,
      started: attempted,
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
