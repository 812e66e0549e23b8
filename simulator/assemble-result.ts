import { availableParallelism, totalmem } from 'node:os';
import type { EventLog } from './event-log.ts';
import { exitCodeOf, verdictOf } from './exit-code.ts';
import type { Fleet } from './fleet/fleet.ts';
import { canaryCheck } from './judge/canary-ladder.ts';
import type { Check } from './judge/check.ts';
import { causeOfDrops, type DropCause } from './judge/dropped.ts';
import { judgeFacts, judgeSurvival } from './judge/invariants.ts';
import type { Ledger } from './judge/ledger.ts';
import { judgeLedger } from './judge/ledger-checks.ts';
import type { Metrics } from './judge/metrics.ts';
import { judgeOwnLimits } from './judge/own-limits.ts';
import type { Policy } from './judge/policy.ts';
import { judgeThresholds } from './judge/threshold.ts';
import { type GeneratorHealth, generatorHealth, timingInvalidReason } from './judge/validity.ts';
import { openFilesLimit } from './observers/open-files.ts';
import type { SessionObserver } from './observers/sessions.ts';
import type { Watch } from './observers/watch.ts';
import type { Recorder } from './recorder.ts';
import { replayCommand } from './replay-command.ts';
import { MAX_SCENARIO_TEXT, type RunResult } from './result.ts';
import type { CanaryFindings } from './run-canaries.ts';
import type { RunRequest } from './run-request.ts';
import type { Plan } from './scenario/plan.ts';
import { modelOfPlan, shortestOfUsers } from './scenario/plan-load.ts';
import type { SeenExit } from './timeline.ts';
import { TOOL } from './tool.ts';
import type { World } from './world.ts';

/** What is left of a run when it is over. */
export interface RunRemains {
  readonly request: RunRequest;
  readonly world: World;
  readonly plan: Plan;
  readonly policy: Policy;
  readonly sessions: SessionObserver;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly log: EventLog;
  readonly recorder: Recorder;
  readonly fleet: Fleet;
  readonly watch: Watch;
  readonly exit: SeenExit | undefined;
  /** It did not end although it was told to restart: in words. */
  readonly stuck: string | undefined;
  readonly isAborted: boolean;
  /** What canaries showed, where some were sent and the run saw its end. */
  readonly canaries: CanaryFindings | undefined;
}

/** Judges a run and writes it down. */
export function assembleResult(remains: RunRemains): RunResult {
  const { request, world, plan, policy, sessions, ledger, metrics, log, recorder, watch, isAborted } =
    remains;
  const { scenario, source } = request.loaded;
  const durationMs = world.clock.now();
  const report = ledger.close(durationMs);
  const measured = metrics.snapshot();
  const generator = describeGenerator(remains, measured);
  const checks = judge(remains, report, measured, generator);
  const verdict = verdictOf(checks, isAborted);
  const { early, late, certified, tooCoarse, maxHiMs } = report.reapLag;
  return {
    format: 'mcp-soak-result',
    version: 1,
    tool: `${TOOL.name} ${TOOL.version}`,
    scenario: {
      name: scenario.name,
      description: scenario.description,
      file: source.file,
      covers: scenario.covers,
      text: source.shownText.slice(0, MAX_SCENARIO_TEXT).toWellFormed(),
    },
    mode: plan.mode,
    seed: plan.seed,
    target: {
      name: world.target.name,
      endpoint: world.target.endpoint.href,
      sessionsAre: sessions.visibility,
    },
    policy,
    startedAt: world.wall.startedAt,
    durationMs,
    wallMs: world.wall.elapsedMs(),
    verdict,
    exitCode: exitCodeOf(verdict),
    checks,
    sessions: {
      attempted: report.attempts.begun,
      opened: report.attempts.opened,
      refused: report.attempts.refused,
      unknown: report.attempts.lost + report.attempts.unanswered,
      deleted: report.ends.deleted,
      liveAtEnd: report.ends.live,
    },
    reapLag: { early, late, certified, tooCoarse, maxMs: maxHiMs ?? 0 },
    otherEnds: otherEnds(report.ends),
    reapGroups: report.reapLag.groups,
    ...(remains.canaries && {
      canaries: { opened: remains.canaries.opened, asked: remains.canaries.probes.length },
    }),
    metrics: measured,
    series: [...watch.series],
    ...overTime(recorder, durationMs),
    generator,
    eventLog: log.close(),
    environment: {
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
    },
    replay: replayCommand(request),
  };
}

function otherEnds({ notFound, unlisted, targetExit, presumed }: ReturnType<Ledger['close']>['ends']) {
  return { notFound, unlisted, targetExit, presumed };
}

function overTime({ course, traffic, errors }: Recorder, durationMs: number) {
  const requests = traffic.snapshot();
  return {
    course: course.close(durationMs),
    ...(requests && { traffic: requests }),
    errorGroups: errors.list(),
  };
}

type GeneratorFindings = GeneratorHealth &
  Pick<RunResult['generator'], 'model' | 'timingInvalid'> & { readonly dropCause?: DropCause };

function describeGenerator(
  { world, plan, fleet, recorder }: RunRemains,
  measured: ReturnType<Metrics['snapshot']>,
): GeneratorFindings {
  const { localFailures } = recorder;
  const health = generatorHealth(measured, {
    planned: fleet.planned,
    started: fleet.started,
    loopDelayP99Ms: world.generator?.delayP99Ms() ?? null,
    ...(Object.keys(localFailures).length > 0 && { localFailuresBy: { ...localFailures } }),
    ...(world.generator && { strain: world.generator.strain() }),
  });
  const timingInvalid = timingInvalidReason(health, tightestLimitMs(plan));
  const dropCause = causeOfDrops({
    dropped: health.dropped,
    timingInvalid,
    shortest: shortestOfUsers(plan),
    serviceP99Ms: measured.trends.mcp_request_service_ms?.p99Ms,
  });
  return {
    ...health,
    model: modelOfPlan(plan),
    ...(timingInvalid !== undefined && { timingInvalid }),
    ...(dropCause && { dropCause }),
  };
}

/** What the ledger calls the ways in which a target shows its sessions. */
const SOURCES = { listed: 'listing', counted: 'counts', none: 'none' } as const;

function judge(
  { world, plan, policy, sessions, recorder, isAborted, exit, stuck, canaries }: RunRemains,
  report: ReturnType<Ledger['close']>,
  measured: ReturnType<Metrics['snapshot']>,
  generator: GeneratorFindings,
): Check[] {
  const facts = recorder.facts({
    drainMs: policy.drainMs,
    watchedUntil: world.clock.now(),
    ...(world.target.exited && {
      exit: exit ? { at: exit.at, code: exit.exit.code, signal: exit.exit.signal } : 'not-yet',
    }),
  });
  const wanted = new Set<string>(plan.invariants);
  const invariants = [
    ...judgeLedger(report, policy, { label: recorder.label, source: SOURCES[sessions.visibility] }).map(
      (check) => withCanaries(check, canaries, world),
    ),
    ...judgeFacts(facts),
    ...judgeSurvival(exit, facts.drain !== undefined, world.target.exited !== undefined, stuck),
  ].filter(({ name }) => wanted.has(name));
  const { timingInvalid, dropCause } = generator;
  const thresholds = judgeThresholds(plan.thresholds, measured, {
    timingInvalidReason: timingInvalid,
    dropCause,
    unseen: (metric) => (metric.startsWith('target_') ? whyProcessIsUnseen(world) : undefined),
  });
  const ownLimits = judgeOwnLimits({ failures: recorder.localFailures, openFiles: openFilesLimit('self') });
  const checks = [...invariants, ...thresholds, ...ownLimits];
  if (!isAborted) return checks;
  // A run cut short has not seen everything: what it did not see is no proof of anything.
  return checks.map((check) => {
    const isUndecided = check.verdict === 'fail' && !exit && WAITS_FOR_EXIT.includes(check.name);
    if (check.verdict !== 'no-data' && !isUndecided) return check;
    const reason = isUndecided ? 'the run was stopped before the target had its time to end' : UNSEEN;
    return { ...check, verdict: 'invalid', reason };
  });
}

/** Memory and the like are those of a process, which has to be the target's own. */
function whyProcessIsUnseen({ generator, target }: World): string | undefined {
  if (!generator) return 'in virtual mode the target shares the process of the simulator: use --mode real';
  return target.exited ? undefined : 'the process behind --target is not known: start it with --command';
}

/** Canaries see when sessions end; without a listing the ledger sees only what has gone wrong badly. */
function withCanaries(check: Check, canaries: CanaryFindings | undefined, { generator }: World): Check {
  if (check.name !== 'reap_lag' || !canaries) return check;
  const epsilonMs = generator ? CANARY_EPSILON_MS + generator.delayMaxMs() : 0;
  const seen = canaryCheck(canaries.probes, { ...canaries.promise, epsilonMs }, canaries.opened);
  return check.verdict === 'fail' && seen.verdict !== 'fail' ? check : seen;
}

/** Two turns of a busy event loop of the target's. */
const CANARY_EPSILON_MS = 100;

const UNSEEN = 'the run was stopped before it saw any';
/** They fail while the target has not ended yet. */
const WAITS_FOR_EXIT: readonly string[] = ['drain_ends_streams', 'exits_by_itself'];

/** The smallest upper limit on a duration, which says how exactly time has to be measured. */
function tightestLimitMs(plan: Plan): number | null {
  const limits = plan.thresholds.flatMap(({ metric, limit, operator }) =>
    metric.endsWith('_ms') && operator.startsWith('<') ? [limit] : [],
  );
  return limits.length === 0 ? null : Math.min(...limits);
}
