import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from './audit/learn.ts';
import {
  asMeasured,
  type MemoryCheck,
  memoryLasts,
  unitsOf,
  withoutMeasurement,
} from './audit/memory-checks.ts';
import { type Finding, undecided, unseen } from './audit/probe.ts';
import type { AuditRequest } from './audit-request.ts';
import { realClock } from './clock/real.ts';
import type { Check } from './judge/check.ts';
import { judgeLeaks } from './judge/leak-checks.ts';
import type { LeakUnit } from './judge/leak-series.ts';
import { type MeasuredLeaks, measureLeaks } from './measure-leaks.ts';
import { RequestError } from './run-request.ts';
import { TargetError } from './targets/target.ts';

/** What there was to say of memory. `measured`: absent when nothing was measured. */
export interface MemoryAudit {
  readonly checks: readonly Check[];
  readonly measured?: MeasuredLeaks;
}

const NOT_ASKED =
  'it takes a minute or two: ask for it with --memory, on a process of its own (--command, or --mode real)';
const SESSIONLESS = 'the server opens no sessions: mcp-soak leak measures what its requests leave behind';
const STOPPED = 'the audit was stopped before this was decided';
const NOT_HELD = 'what it was to be read from did not last long enough, or was refused';
const BAILED = 'not tried after the first failure (--bail)';

/** What the probes found, and how many they were; `hide`: takes secrets out of what the target says. */
interface Situation {
  readonly opensSessions: boolean;
  readonly hasFailed: boolean;
  readonly done: number;
  readonly hide: (text: string) => string;
}

/** @throws RequestError when memory was asked for and cannot be read there */
export function checkMemoryRequest({ memory, mode, target, observers }: AuditRequest): void {
  if (!memory) return;
  if (mode === 'virtual') {
    throw new RequestError(
      "--memory: in virtual time the server lives in the simulator's own memory. Use --mode real.",
    );
  }
  if (target instanceof URL && typeof observers?.heap !== 'number') {
    throw new RequestError(
      '--memory: the process behind --target is not known: give --inspect-pid <pid>, a Node process on this machine.',
    );
  }
}

/** How long it takes at most in the good case, ms; 0 when it was not asked for. */
export function memoryAuditLasts(wanted: readonly MemoryCheck[], { memory }: AuditRequest): number {
  return memory ? memoryLasts(wanted) : 0;
}

/**
 * Measures what is left behind by what comes and goes, on a target that is started for it: that of the probes is to be
 * stopped before. One check for each that is wanted, in their order.
 */
export async function auditMemory(
  wanted: readonly MemoryCheck[],
  request: AuditRequest,
  { opensSessions, hasFailed, done, hide }: Situation,
): Promise<MemoryAudit> {
  const obstacle = obstacleTo(request, { opensSessions, hasFailed });
  if (obstacle) return { checks: wanted.map((check) => withoutMeasurement(check, obstacle)) };
  if (wanted.length === 0) return { checks: [] };
  try {
    const measured = await measuredFor(wanted, request, { done, hide });
    const judged = judgeLeaks(measured.leaks);
    return { measured, checks: wanted.map((check) => checkFrom(check, judged)) };
  } catch (error) {
    // Said of each check, so that nothing is lost of what the probes found.
    if (!(error instanceof RequestError)) throw error;
    const isMissing = error.cause instanceof TargetError;
    const finding = isMissing ? undecided('not tried', error.message) : unseen(error.message);
    return { checks: wanted.map((check) => withoutMeasurement(check, finding)) };
  }
}

function obstacleTo(
  { memory, stop, bail }: AuditRequest,
  { opensSessions, hasFailed }: { opensSessions: boolean; hasFailed: boolean },
): Finding | undefined {
  if (!memory) return unseen(NOT_ASKED);
  if (stop?.aborted === true) return undecided('not tried', STOPPED);
  if (bail === true && hasFailed) return unseen(BAILED);
  return opensSessions ? undefined : unseen(SESSIONLESS);
}

async function measuredFor(
  wanted: readonly MemoryCheck[],
  { target, outDir, stop, headers = {}, observers, memory, onProgress }: AuditRequest,
  { done, hide }: Pick<Situation, 'done' | 'hide'>,
): Promise<MeasuredLeaks> {
  const units = unitsOf(wanted);
  const before = (unit: LeakUnit) => wanted.findIndex((check) => check.unit === unit);
  const logDir = outDir === undefined ? undefined : join(outDir, 'memory');
  if (logDir !== undefined) mkdirSync(logDir, { recursive: true });
  return measureLeaks(
    {
      ...memory,
      units,
      headers: defined(headers),
      ...(target && { target }),
      ...(logDir !== undefined && { outDir: logDir }),
      ...(stop && { stop }),
      ...(typeof observers?.heap === 'number' && { inspectPid: observers.heap }),
      ...(observers?.sessionsFrom && { sessionsFrom: observers.sessionsFrom }),
      onProgress: ({ unit }) =>
        onProgress?.({
          done: done + before(unit),
          total: done + wanted.length,
          running: wanted.flatMap((check) => (check.unit === unit ? [check.name] : [])),
        }),
    },
    realClock(),
    hide,
  );
}

/** What was judged under this name; where nothing was, what became of the memory of its unit says why. */
function checkFrom(check: MemoryCheck, judged: readonly Check[]): Check {
  const named = (name: string) => judged.find((one) => one.name === name);
  const own = named(check.name);
  if (own) return asMeasured(check, own);
  const { verdict = 'invalid', reason = STOPPED } = named(`memory_per_${check.unit}`) ?? {};
  const isUnseen = verdict === 'not-observable';
  return withoutMeasurement(check, isUnseen ? unseen(reason) : undecided('not measured', reason || NOT_HELD));
}
