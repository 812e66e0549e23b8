import { assembleAudit } from './assemble-audit.ts';
import { audit, auditLasts } from './audit/audit.ts';
import { learn } from './audit/learn.ts';
import { MEMORY_CHECKS, type MemoryCheck } from './audit/memory-checks.ts';
import type { Probe } from './audit/probe.ts';
import type { AuditParts } from './audit/probe-context.ts';
import { PROBES } from './audit/probes/index.ts';
import { auditMemory, checkMemoryRequest, memoryAuditLasts } from './audit-memory.ts';
import type { AuditRequest } from './audit-request.ts';
import type { AuditWorld } from './audit-world.ts';
import { realClock } from './clock/real.ts';
import { VirtualTime } from './clock/virtual.ts';
import type { Policy } from './judge/policy.ts';
import { realTarget, type TargetWish, virtualTarget } from './open-target.ts';
import type { RunResult } from './result.ts';
import { stopwatch } from './run.ts';
import { RequestError } from './run-request.ts';
import type { Mode } from './scenario/schema-parts.ts';
import { credentialsIn, Secrets } from './secrets.ts';
import type { Wall } from './world.ts';

/** Sweeps, event loops and sockets of a shared machine take their time. */
const REAL_TOLERANCE_MS = 250;

/**
 * Runs every check that applies against one target and judges each.
 * @throws RequestError for input that cannot be used; Error when the target cannot be started
 */
export async function runAudit(request: AuditRequest): Promise<RunResult> {
  checkMemoryRequest(request);
  const chosen = choose(request.only);
  const wall = { startedAt: new Date().toISOString(), elapsedMs: stopwatch() };
  const result = await (request.mode === 'virtual'
    ? runVirtual(request, chosen, wall)
    : runReal(request, chosen, wall));
  return secretsOf(request).hideIn(result);
}

/** A target may repeat a token in its answers, and in its log. */
function secretsOf({ headers, otherHeaders }: AuditRequest): Secrets {
  return Secrets.of([headers, otherHeaders].flatMap(credentialsIn));
}

/** What is looked for. */
interface Chosen {
  readonly probes: readonly Probe[];
  readonly memory: readonly MemoryCheck[];
}

/** The checks of these names or failure modes. @throws RequestError for a word that is neither */
function choose(only: readonly string[] | undefined): Chosen {
  if (!only) return { probes: PROBES, memory: MEMORY_CHECKS };
  const fits = (word: string) => (check: Pick<Probe, 'name' | 'failureModes'>) =>
    check.name === word || check.failureModes.some((mode) => mode === word.toUpperCase());
  const unknown = only.find((word) => ![...PROBES, ...MEMORY_CHECKS].some(fits(word)));
  if (unknown !== undefined) {
    throw new RequestError(
      `--only: got '${unknown}', allowed: failure modes (F01 … F58) that a check looks for, or names of checks (mcp-soak audit --list).`,
    );
  }
  const isWanted = (check: Pick<Probe, 'name' | 'failureModes'>) => only.some((word) => fits(word)(check));
  return { probes: PROBES.filter(isWanted), memory: MEMORY_CHECKS.filter(isWanted) };
}

async function runVirtual(request: AuditRequest, chosen: Chosen, wall: Wall): Promise<RunResult> {
  const time = new VirtualTime();
  const restores: (() => void)[] = [() => time.uninstall()];
  try {
    return await time.drive(async () => {
      const target = await virtualTarget(wishOf(request), time, (restore) => restores.unshift(restore));
      const stepWallClock = (ms: number) => time.stepWallClock(ms);
      return auditAndStop(
        { clock: time.clock, target, wall, toleranceMs: 0, stepWallClock },
        request,
        chosen,
      );
    });
  } finally {
    for (const restore of restores) restore();
  }
}

async function runReal(request: AuditRequest, chosen: Chosen, wall: Wall): Promise<RunResult> {
  const target = await realTarget(wishOf(request));
  const world = { clock: realClock(), target, wall, toleranceMs: REAL_TOLERANCE_MS };
  return auditAndStop(world, request, chosen);
}

async function auditAndStop(
  world: AuditWorld,
  request: AuditRequest,
  { probes, memory: wanted }: Chosen,
): Promise<RunResult> {
  const stop = request.stop ?? new AbortController().signal;
  const { target } = world;
  try {
    const { parts, notes } = await learn(world, request, probes);
    const longestMs = request.maxWaitMs ?? longestFor(request.mode, parts.policy);
    const lastsMs = auditLasts(probes, parts, longestMs) + memoryAuditLasts(wanted, request);
    request.onPlan?.({ known: parts, lastsMs, notes });
    const later = request.memory ? wanted.length : 0;
    const probed = await audit(parts, {
      probes,
      stop,
      bail: request.bail === true,
      longestMs,
      onProgress: (progress) => request.onProgress?.({ ...progress, total: progress.total + later }),
    });
    parts.sessions.close();
    // What the probes left behind is no leak: another life of the target is measured.
    if (later > 0) await target.stop();
    const memory = await auditMemory(wanted, request, {
      opensSessions: parts.offer.opensSessions,
      hasFailed: probed.some(({ verdict }) => verdict === 'fail'),
      done: probed.length,
      hide: secretsOf(request).hide,
    });
    const checks = [...probed, ...memory.checks];
    const { measured } = memory;
    return assembleAudit(world, request, {
      parts: auditRemains(parts),
      checks,
      measured,
      isAborted: stop.aborted,
    });
  } finally {
    await target.stop();
  }
}

/** Somebody waits for the real time: checks that have nothing to do with the target's timeouts are kept short. */
function longestFor(mode: Mode, { sessionTimeoutMs, cleanupIntervalMs, deadPeerMs }: Policy): number {
  if (mode === 'virtual') return Number.POSITIVE_INFINITY;
  const calledFor = TIMEOUTS_LONG * ((sessionTimeoutMs ?? 0) + cleanupIntervalMs + (deadPeerMs ?? 0));
  return Math.max(SHORT_MS, calledFor);
}

const SHORT_MS = 40_000;
/** The longest of the checks that wait use a session again and again for five timeouts. */
const TIMEOUTS_LONG = 6;

function auditRemains({ policy, sessions, tally }: AuditParts) {
  return { policy, visibility: sessions.visibility, tally };
}

/** The hub is audited with a cap that can be filled, and in real time with timeouts that can be waited for. */
const HUB: Record<Mode, Record<string, string | number>> = {
  virtual: { maxSessions: 200 },
  real: {
    sessionTimeout: '2s',
    cleanupInterval: '500ms',
    handshakeTimeout: '1s',
    heartbeat: '500ms',
    keepAlive: '1s',
    drain: '3s',
    maxSessions: 200,
  },
};

function wishOf(request: AuditRequest): TargetWish {
  const { mode, target, outDir, observers } = request;
  return { target, hub: HUB[mode], outDir, observers, hide: secretsOf(request).hide };
}
