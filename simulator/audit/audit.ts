import type { Check } from '../judge/check.ts';
import { formatLength } from '../judge/format.ts';
import { unmetNeed } from './needs.ts';
import { type Finding, fail, PHASES, type Phase, type Probe, undecided, unseen } from './probe.ts';
import { AuditError, type AuditParts, ProbeContext } from './probe-context.ts';

export interface AuditPlan {
  readonly probes: readonly Probe[];
  /** Ends it early: what is known by then is judged. */
  readonly stop: AbortSignal;
  /** Nothing more is tried after the first failure. */
  readonly bail: boolean;
  /** A probe that would take longer is not begun, ms. */
  readonly longestMs: number;
  readonly onProgress: (progress: AuditProgress) => void;
}

export interface AuditProgress {
  readonly done: number;
  readonly total: number;
  /** Names of the probes under way. */
  readonly running: readonly string[];
}

/**
 * Beyond twice the time it is meant to take, a probe is given up after so much more, ms. Servers that limit rates
 * ask clients to wait for a minute.
 */
const GRACE_MS = 75_000;
/** How long a target that was started again may take before it answers. */
const READY_WITHIN_MS = 30_000;

/** How long all of it takes at most in the good case, ms: those that wait do so together. */
export function auditLasts(probes: readonly Probe[], parts: AuditParts, longestMs: number): number {
  const lasting = (phase: Phase) =>
    probes
      .filter((probe) => probe.phase === phase && obstacle(probe, parts, longestMs) === undefined)
      .map((probe) => probe.lasts(parts));
  const sum = (phase: Phase) => lasting(phase).reduce((total, ms) => total + ms, 0);
  return sum('quick') + Math.max(0, ...lasting('waiting')) + sum('load') + sum('ending');
}

/** Runs the probes against a target that is there, and judges each. One check a probe, in the order of the probes. */
export async function audit(parts: AuditParts, plan: AuditPlan): Promise<Check[]> {
  const run = new AuditRun(parts, plan);
  for (const phase of PHASES) {
    const probes = plan.probes.filter((probe) => probe.phase === phase);
    if (phase === 'waiting') await Promise.all(probes.map((probe) => run.examine(probe)));
    else for (const probe of probes) await run.examine(probe);
  }
  return plan.probes.map((probe) => run.checkOf(probe));
}

class AuditRun {
  readonly #parts: AuditParts;
  readonly #plan: AuditPlan;
  readonly #checks = new Map<Probe, Check>();
  readonly #running = new Set<string>();
  #hasFailed = false;

  constructor(parts: AuditParts, plan: AuditPlan) {
    this.#parts = parts;
    this.#plan = plan;
  }

  checkOf(probe: Probe): Check {
    return this.#checks.get(probe) ?? checkFrom(probe, unseen(NOT_RUN), []);
  }

  async examine(probe: Probe): Promise<void> {
    this.#running.add(probe.name);
    this.#tell();
    const { finding, evidence } = await this.#find(probe);
    this.#running.delete(probe.name);
    this.#checks.set(probe, checkFrom(probe, finding, evidence));
    if (finding.verdict === 'fail') this.#hasFailed = true;
    this.#tell();
  }

  async #find(probe: Probe): Promise<{ finding: Finding; evidence: string[] }> {
    const { stop, bail, longestMs } = this.#plan;
    if (stop.aborted) return { finding: undecided('not tried', STOPPED), evidence: [] };
    if (bail && this.#hasFailed) return { finding: unseen(BAILED), evidence: [] };
    const why = obstacle(probe, this.#parts, longestMs);
    if (why !== undefined) return { finding: unseen(why), evidence: [] };
    const dead = await this.#revive();
    if (dead) return { finding: dead, evidence: [] };
    return this.#run(probe);
  }

  async #run(probe: Probe): Promise<{ finding: Finding; evidence: string[] }> {
    const { clock, target } = this.#parts;
    const over = new AbortController();
    const stop = () => over.abort(new AuditError(STOPPED));
    this.#plan.stop.addEventListener('abort', stop, { once: true });
    const context = new ProbeContext(this.#parts, over.signal);
    const limitMs = 2 * probe.lasts(this.#parts) + GRACE_MS;
    const races: Promise<Finding>[] = [probe.run(context), aborted(over.signal)];
    const cancel = clock.at(clock.now() + limitMs, () => over.abort(new AuditError(overdue(limitMs))));
    if (probe.phase !== 'ending' && target.exited) {
      races.push(
        target.exited.then(({ code, signal }) =>
          fail(`the target ended: ${signal ?? `code ${code}`}`, 'the target did not survive the probe'),
        ),
      );
    }
    try {
      const finding = await Promise.race(races).catch(asFinding);
      // What hangs between two lives would be taken for the next one.
      if (probe.phase === 'ending' && finding.verdict === 'invalid') target.kill?.();
      return { finding, evidence: context.evidence() };
    } finally {
      cancel();
      over.abort(new AuditError('the probe is over'));
      this.#plan.stop.removeEventListener('abort', stop);
      await context.tidy();
    }
  }

  /** A target that a probe ended is started again; what is wrong when it cannot be. */
  async #revive(): Promise<Finding | undefined> {
    const { target, clock } = this.#parts;
    if (!target.exited || !(await hasSettled(target.exited, clock))) return undefined;
    if (!target.start) return undecided('not tried', 'the target has ended and is not ours to start again');
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = clock.at(clock.now() + READY_WITHIN_MS, () => reject(new AuditError('it is not ready')));
    try {
      await Promise.race([target.start(), late]);
      return undefined;
    } catch (error) {
      return undecided('not tried', `the target ended and did not start again: ${messageOf(error)}`);
    } finally {
      cancel();
    }
  }

  #tell(): void {
    const { probes, onProgress } = this.#plan;
    onProgress({ done: this.#checks.size, total: probes.length, running: [...this.#running] });
  }
}

const STOPPED = 'the audit was stopped before this was decided';
const BAILED = 'not tried after the first failure (--bail)';
const NOT_RUN = 'it was not run';

function obstacle(probe: Probe, parts: AuditParts, longestMs: number): string | undefined {
  const unmet = unmetNeed(probe, parts);
  if (unmet !== undefined) return unmet;
  const lasts = probe.lasts(parts);
  if (lasts <= longestMs) return undefined;
  return `it would take ${formatLength(lasts)}: allow that with --max-wait, or use --module (virtual time)`;
}

function checkFrom(probe: Probe, { verdict, observed, reason = '' }: Finding, evidence: string[]): Check {
  const { name, failureModes, limit, clause, remedy, demands } = probe;
  return {
    name,
    kind: 'audit',
    class: 'protocol',
    verdict,
    observed,
    limit,
    reason: verdict === 'pass' ? '' : reason,
    failureModes: [...failureModes],
    evidence: verdict === 'pass' || verdict === 'not-observable' ? [] : evidence,
    demands,
    clause,
    remedy,
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A probe that cannot go on has decided nothing. What is no affair of the target's is a bug, and is thrown. */
function asFinding(error: unknown): Finding {
  if (error instanceof AuditError) return undecided('not decided', error.message);
  throw error;
}

function overdue(ms: number): string {
  return `the probe was given up after ${formatLength(ms)}`;
}

/** Whether a promise is settled already, as far as a moment tells. */
async function hasSettled(promise: Promise<unknown>, clock: AuditParts['clock']): Promise<boolean> {
  return Promise.race([promise.then(() => true), clock.sleep(1).then(() => false)]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
