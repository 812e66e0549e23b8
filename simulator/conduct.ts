import { join } from 'node:path';
import { assembleResult, type RunRemains } from './assemble-result.ts';
import { EventLog } from './event-log.ts';
import { FirstAnswer } from './first-answer.ts';
import { discover, observeNode } from './first-look.ts';
import { probeUnseen } from './fleet/final-probes.ts';
import { Fleet } from './fleet/fleet.ts';
import { Ledger } from './judge/ledger.ts';
import { Metrics } from './judge/metrics.ts';
import { PolicySchema } from './judge/policy.ts';
import type { NodeObserver } from './observers/node.ts';
import { Watch } from './observers/watch.ts';
import { Recorder } from './recorder.ts';
import type { Progress } from './reporters/progress.ts';
import type { RunResult } from './result.ts';
import { type CanaryFindings, sendCanaries } from './run-canaries.ts';
import { lookHeaders, secretsOf } from './run-headers.ts';
import { limitWarnings } from './run-limits.ts';
import type { RunRequest } from './run-request.ts';
import { makePlan } from './scenario/plan.ts';
import { Timeline } from './timeline.ts';
import type { World } from './world.ts';

/** ε to begin with, real time, ms; it grows with what is seen of the machine. */
const FIRST_EPSILON_MS = 100;
/** How long a signal may take to arrive and be handled, real time. */
const NOTICE_MS = 250;
/** Beyond its drain a target that was signalled is watched this long, to say how late it is. */
const EXIT_WATCH_MS = 3_000;
/** The drain of a target that promises none. */
const UNKNOWN_DRAIN_MS = 30_000;
const SETTLE_CHECK_MS = 50;

/** Everything at work in one run. */
interface Stage extends Omit<RunRemains, 'exit' | 'stuck' | 'isAborted' | 'canaries'> {
  /** Where its heap and event loop are looked at. */
  readonly node: NodeObserver | undefined;
  readonly timeline: Timeline;
  readonly firstAnswer: FirstAnswer;
  /** Sessions that were on the target before the first of ours. */
  readonly foreignBefore: number;
  phase: Progress['phase'];
  /** Aborts when the run is over, however it came to that: nothing of it may wait on. */
  readonly over: AbortController;
  /** Sessions of our own that show when idle ones end, where the target does not list its sessions. */
  canaries: Promise<CanaryFindings> | undefined;
}

/** From a target that runs to a result: look, load, settle, judge. */
export async function conduct(world: World, request: RunRequest): Promise<RunResult> {
  const stage = await setUp(world, request);
  const { fleet, watch, recorder, timeline, firstAnswer } = stage;
  const aborted = abortion(request.stop);
  const watching = watch.run(() => tell(stage));
  try {
    await Promise.race([loadAndSettle(stage, timeline.run()), aborted.promise, firstAnswer.refused]);
  } catch (error) {
    await close(stage);
    stage.log.close();
    throw error;
  } finally {
    aborted.forget();
    timeline.stop();
    stage.over.abort();
    watch.stop();
    if (request.stop?.aborted !== true) recorder.loadOver();
    fleet.stop();
  }
  await watching;
  const canaries = request.stop?.aborted === true ? undefined : await stage.canaries;
  if (request.stop?.aborted !== true) await lastLook(stage);
  await close(stage);
  const { exit, stuck } = timeline;
  return assembleResult({ ...stage, canaries, exit, stuck, isAborted: request.stop?.aborted === true });
}

/** Lets go of whatever would keep a process alive. */
async function close({ recorder, sessions, node }: Stage): Promise<void> {
  recorder.close();
  sessions.close();
  await node?.close();
}

async function setUp(world: World, request: RunRequest): Promise<Stage> {
  const { clock, target, generator } = world;
  const { sessions, first } = await discover(world, request);
  const policy = request.policy ?? sessions.policy ?? PolicySchema.parse({});
  const { scenario, source } = request.loaded;
  const plan = makePlan(scenario, { mode: request.mode, seed: request.seed, policy, source });
  if (generator) for (const warning of limitWarnings(plan, target)) request.onWarning?.(warning);
  const metrics = new Metrics();
  const epsilonMs = generator ? FIRST_EPSILON_MS : 0;
  const ledger = new Ledger({ policy, epsilonMs, onReapLag: (ms) => metrics.trend('reap_lag_ms', ms) });
  const log = new EventLog(request.outDir === undefined ? undefined : join(request.outDir, 'events.jsonl'));
  const firstAnswer = firstAnswerOf(world, request);
  const recorder = new Recorder(ledger, metrics, log, {
    noticeMs: generator ? NOTICE_MS : 0,
    onRequest: (outcome, { session, method, isExpected }) =>
      firstAnswer.saw(outcome, { what: () => `${method} of ${recorder.label(session)}`, isExpected }),
  });
  const fleet = new Fleet(plan, {
    clock,
    dial: target.dial,
    endpoint: target.endpoint,
    headers: request.headers ?? {},
    recorder,
    remembersSessions: sessions.visibility !== 'listed',
  });
  const node = await observeNode(world, request);
  const watch = new Watch({
    clock,
    target,
    sessions,
    ledger,
    metrics,
    generator,
    node,
    everyMs: plan.observeMs,
  });
  if (first) ledger.sample(first);
  // How its heap was before the load.
  if (node) await watch.look();
  const timeline = new Timeline(plan.events, {
    clock,
    target,
    recorder,
    ledger,
    stepWallClock: world.stepWallClock,
    endsWithinMs: (policy.drainMs ?? UNKNOWN_DRAIN_MS) + EXIT_WATCH_MS,
  });
  return {
    request,
    world,
    plan,
    policy,
    sessions,
    ledger,
    metrics,
    log,
    recorder,
    fleet,
    watch,
    node,
    timeline,
    firstAnswer,
    foreignBefore: first?.count ?? 0,
    phase: 'starting',
    over: new AbortController(),
    canaries: undefined,
  };
}

function firstAnswerOf({ target }: World, request: RunRequest): FirstAnswer {
  return new FirstAnswer({
    endpoint: target.endpoint,
    headers: request.headers ?? {},
    secrets: secretsOf(request),
    orElse: 'client: { headers: … } of the workload',
  });
}

/** `eventsOver`: when the events have been carried out; rejects when the target did not come back from one. */
async function loadAndSettle(stage: Stage, eventsOver: Promise<void>): Promise<void> {
  const { plan, fleet, timeline } = stage;
  stage.canaries = beginCanaries(stage);
  if (timeline.endsTarget) {
    stage.recorder.course.phase('load', 1, stage.world.clock.now());
    const ended = targetEnded(stage, eventsOver);
    await Promise.race([fleet.runCycle(), ended]);
    return ended;
  }
  for (let cycle = 0; cycle < plan.cycles && !timeline.exit; cycle += 1) {
    stage.phase = 'load';
    stage.recorder.course.phase('load', cycle + 1, stage.world.clock.now());
    const load = Promise.all([fleet.runCycle(), eventsOver]);
    await Promise.race([load, timeline.ended]);
    stage.recorder.course.phase('settle', cycle + 1, stage.world.clock.now());
    await Promise.all([settle(stage), Promise.race([stage.canaries, timeline.ended])]);
    // Canaries that were still there, and that the target let nobody delete, have to end by themselves.
    if (stage.canaries && cycle === 0 && !stage.ledger.settled(stage.world.clock.now())) await settle(stage);
    stage.over.signal.throwIfAborted();
    if (!timeline.exit) await stage.watch.look('endOfCycle');
  }
}

function beginCanaries({ request, world, recorder, plan, policy, sessions, over }: Stage): Stage['canaries'] {
  const { clock, target, generator } = world;
  return sendCanaries({
    clock,
    target,
    recorder,
    plan,
    policy,
    visibility: sessions.visibility,
    epsilonMs: generator ? FIRST_EPSILON_MS : 0,
    signal: over.signal,
    headers: lookHeaders(request),
  });
}

/** Waits until the target's policy has had its time, or until nothing is left that it could be needed for. */
async function settle(stage: Stage): Promise<void> {
  const { clock } = stage.world;
  const deadline = clock.now() + stage.plan.settleMs;
  while (clock.now() < deadline && !stage.timeline.exit && !isSettled(stage)) {
    stage.phase = 'settling';
    const waitMs = Math.min(deadline - clock.now(), Math.max(SETTLE_CHECK_MS, stage.plan.observeMs / 4));
    await clock.sleep(waitMs, stage.over.signal);
  }
}

/** Nothing is tolerated any more, and the target was seen without it: waiting on could change no verdict. */
function isSettled({ ledger, world, watch }: Stage): boolean {
  const deadline = ledger.lastDeadline();
  const seen = watch.lastSample;
  return deadline !== null && seen !== undefined && seen.sentAt > deadline && world.clock.now() > deadline;
}

/** Waits for a target that is told to end, until it is clear that it will not in time. */
async function targetEnded(stage: Stage, eventsOver: Promise<void>): Promise<void> {
  const { clock } = stage.world;
  const signalAt = stage.timeline.lastAtMs;
  const drainMs = stage.policy.drainMs ?? UNKNOWN_DRAIN_MS;
  const lastMs = Math.max(0, signalAt - clock.now()) + drainMs + EXIT_WATCH_MS;
  stage.phase = 'draining';
  const failure = eventsOver.then(() => stage.timeline.ended);
  await Promise.race([stage.timeline.ended, failure, clock.sleep(lastMs, stage.over.signal)]);
}

/** Sessions that no listing showed are asked themselves, each once. */
async function lastLook(stage: Stage): Promise<void> {
  const { sessions, ledger, world, recorder, fleet, watch, timeline } = stage;
  if (timeline.exit || timeline.signalledAt !== undefined) return;
  stage.phase = 'judging';
  if (sessions.visibility === 'listed') {
    await watch.look();
    return;
  }
  const alive = await probeUnseen(ledger.unseenEnds(world.clock.now()), fleet, recorder);
  const last = await watch.look();
  // Only a target that others may use, too, can hold sessions that came and went without us.
  const isShared = world.target.exited === undefined;
  if (last && isShared && ledger.settled(world.clock.now())) {
    ledger.setForeign({ before: stage.foreignBefore, after: last.count - alive });
  }
}

function tell({ request, world, plan, fleet, watch, phase }: Stage): void {
  request.onProgress?.({
    scenario: plan.scenario,
    mode: plan.mode,
    phase,
    now: world.clock.now(),
    started: fleet.started,
    planned: fleet.planned,
    observed: watch.lastSample?.count,
  });
}

/** A promise that resolves when the signal aborts, and the way to stop waiting for it. */
function abortion(signal: AbortSignal | undefined): { promise: Promise<void>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  if (signal?.aborted) resolve();
  signal?.addEventListener('abort', onAbort, { once: true });
  return { promise, forget: () => signal?.removeEventListener('abort', onAbort) };
}
