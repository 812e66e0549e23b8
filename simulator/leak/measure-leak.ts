import type { Clock } from '../clock/clock.ts';
import type { LeakSeries, MemorySource } from '../judge/leak-series.ts';
import { judgeLeak } from '../judge/leak-verdict.ts';
import { isWarm } from '../judge/warm-up.ts';
import { CountError } from '../observers/count.ts';
import { countSource } from '../observers/count-source.ts';
import { InspectorError } from '../observers/inspector.ts';
import { SessionObserver } from '../observers/sessions.ts';
import { RequestError } from '../run-request.ts';
import type { Target } from '../targets/target.ts';
import { type Culprit, findCulprit } from './culprit.ts';
import { eventWork } from './event-work.ts';
import { howItEnded } from './how-it-ended.ts';
import { Lanes } from './lanes.ts';
import { LeakError, NotObservableError } from './leak-error.ts';
import type { LeakOptions } from './leak-options.ts';
import { type LeakPlan, planLeak } from './leak-plan.ts';
import type { LeakWork, WorkMakers } from './leak-work.ts';
import { type MemoryReader, openMemoryReader } from './memory-reader.ts';
import { readerWork } from './reader-work.ts';
import { requestWork } from './request-work.ts';
import { seriesOf } from './series.ts';
import { sessionWork } from './session-work.ts';
import { Settling } from './settle.ts';
import { Tally } from './tally.ts';
import { chooseCall } from './tool-call.ts';

/** Where a measurement is, after each cycle. */
export interface LeakProgress {
  readonly phase: 'warm-up' | 'measuring' | 'culprit';
  /** Cycles so far, all phases together. */
  readonly cycles: number;
  readonly bytes: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly tally: Tally;
  readonly source: MemorySource;
}

export interface LeakContext {
  readonly clock: Clock;
  /** Stops the measurement: what there is by then is judged, and cannot be decided. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LeakProgress) => void;
}

const MAKERS: WorkMakers = {
  session: sessionWork,
  request: requestWork,
  event: eventWork,
  reader: readerWork,
};

/**
 * Whether what comes and goes leaves memory behind on a target: the same is done and undone in cycles, memory is read
 * after each, and its growth is held against a budget. Meanwhile a Node target runs pinned, and slower.
 * @throws RequestError when memory of the target cannot be read at all
 */
export async function measureLeak(
  target: Target,
  options: LeakOptions,
  { clock, signal = new AbortController().signal, onProgress }: LeakContext,
): Promise<LeakSeries> {
  const pid = options.inspectPid ?? target.pid;
  if (pid === undefined) {
    throw new RequestError(
      `The process behind ${target.name} is not known, and in virtual time it is the simulator's own: ` +
        'memory needs a process to read it from. Use --inspect-pid <pid>, --command or --module.',
    );
  }
  let reader: MemoryReader;
  try {
    reader = await openMemoryReader(pid, { isNode: options.inspectPid !== undefined });
  } catch (error) {
    const end = error instanceof RequestError ? await howItEnded(target, clock) : undefined;
    // It ended in the series before, or between two: nobody asked for something that cannot be had.
    if (end !== undefined) return unmeasured(options, end);
    throw error;
  }
  const { headers, sessionsFrom } = options;
  const source = sessionsFrom && countSource(sessionsFrom, target, clock, headers);
  const sessions = new SessionObserver(target, clock, { source, headers });
  const lanes = new Lanes(target, clock, { headers });
  const measurement = new Measurement({
    target,
    options,
    reader,
    sessions,
    lanes,
    clock,
    signal,
    onProgress,
  });
  try {
    return await measurement.run();
  } finally {
    lanes.close();
    sessions.close();
    await reader.close();
  }
}

/** A measurement that there was no process for any more. */
function unmeasured(options: LeakOptions, trouble: string): LeakSeries {
  return seriesOf({
    name: options.unit,
    unit: options.unit,
    source: 'heap',
    plan: planLeak(options, 'heap'),
    warmupCycles: 0,
    readings: [],
    counts: [],
    judgement: { kind: 'more', cycles: 0 },
    trouble,
    culprit: undefined,
    heldBytes: undefined,
    heldBudgetBytes: undefined,
  });
}

interface Parts {
  readonly target: Target;
  readonly options: LeakOptions;
  readonly reader: MemoryReader;
  readonly sessions: SessionObserver;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: ((progress: LeakProgress) => void) | undefined;
}

/** More failures than this, and what was measured is not what was meant. */
const MAX_FAILED_SHARE = 0.01;

class Measurement {
  readonly #parts: Parts;
  readonly #plan: LeakPlan;
  readonly #tally = new Tally();
  readonly #settling: Settling;
  readonly #warmupBytes: number[] = [];
  readonly #readings: { units: number; bytes: number }[] = [];
  readonly #counts: Readonly<Record<string, number>>[] = [];
  #cycles = 0;
  #heldBytes: number | undefined;
  #work: LeakWork | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#plan = planLeak(parts.options, parts.reader.source);
    this.#settling = new Settling(parts);
  }

  async run(): Promise<LeakSeries> {
    let trouble: string | undefined;
    let isObservable = true;
    let culprit: Culprit | undefined;
    try {
      const work = await this.#begin();
      await this.#warmUp(work);
      await this.#measure(work);
      if (!this.#parts.signal.aborted) this.#heldBytes = await work.held?.(() => this.#parts.reader.bytes());
      culprit = await this.#blame(work);
      await work.end();
    } catch (error) {
      if (error instanceof CountError) throw new RequestError(error.message, { cause: error });
      if (!(error instanceof LeakError) && !(error instanceof InspectorError)) throw error;
      const { target, clock } = this.#parts;
      trouble = (await howItEnded(target, clock)) ?? error.message;
      isObservable = !(error instanceof NotObservableError);
    }
    const series = this.#series(trouble ?? this.#failures(), culprit);
    return isObservable ? series : { ...series, verdict: 'not-observable' };
  }

  async #begin(): Promise<LeakWork> {
    const { sessions, lanes, options } = this.#parts;
    await sessions.discover();
    const work = MAKERS[options.unit]({
      clock: this.#parts.clock,
      lanes,
      tally: this.#tally,
      call: await chooseCall(lanes, options.call),
      policy: sessions.policy,
      isCounted: sessions.visibility !== 'none',
      isCoarse: this.#parts.reader.source === 'rss',
    });
    this.#work = work;
    await work.begin();
    await this.#settling.begin();
    return work;
  }

  async #warmUp(work: LeakWork): Promise<void> {
    const { unitsPerCycle, budgetBytes, warmupCycles: minCycles, maxWarmupCycles: maxCycles } = this.#plan;
    while (!isWarm(this.#warmupBytes, { unitsPerCycle, budgetBytes, minCycles, maxCycles })) {
      if (this.#parts.signal.aborted) return;
      const { bytes } = await this.#cycle(work, 'warm-up');
      this.#warmupBytes.push(bytes);
      if (this.#tally.done === 0)
        throw new LeakError(`nothing worked: ${this.#tally.firstFailure ?? 'no reason given'}`);
    }
  }

  async #measure(work: LeakWork): Promise<void> {
    while (!this.#parts.signal.aborted && this.#judgement().kind === 'more') {
      const { bytes, counts } = await this.#cycle(work, 'measuring');
      if (this.#parts.signal.aborted) return;
      this.#readings.push({ units: this.#tally.done, bytes });
      this.#counts.push(counts);
    }
  }

  async #blame(work: LeakWork): Promise<Culprit | undefined> {
    const { inspector } = this.#parts.reader;
    const judgement = this.#judgement();
    const hasFailed = judgement.kind === 'decided' && judgement.verdict === 'fail';
    const isWanted = this.#parts.options.namesCulprit !== false && !this.#parts.signal.aborted;
    if (!inspector || !hasFailed || !isWanted) return undefined;
    return findCulprit(inspector, this.#plan.unitsPerCycle, async () => {
      await this.#cycle(work, 'culprit');
    });
  }

  /** Act, undo, settle, read. What is read in a warm-up is read the same way, so that reading warms up as well. */
  async #cycle(work: LeakWork, phase: LeakProgress['phase']) {
    await work.cycle(this.#plan.unitsPerCycle, this.#parts.signal);
    const counts = await this.#settling.settle();
    const bytes = await this.#parts.reader.bytes();
    this.#cycles += 1;
    this.#parts.onProgress?.({
      phase,
      cycles: this.#cycles,
      bytes,
      counts,
      tally: this.#tally,
      source: this.#parts.reader.source,
    });
    return { bytes, counts };
  }

  #judgement() {
    const { budgetBytes, cycles } = this.#plan;
    return judgeLeak(this.#readings, { budgetBytes, cycles, unit: this.#parts.options.unit });
  }

  #failures(): string | undefined {
    const { failed, done, firstFailure } = this.#tally;
    if (failed <= MAX_FAILED_SHARE * (failed + done)) return undefined;
    return `${failed} of ${failed + done} ${this.#parts.options.unit}s failed (${firstFailure ?? 'no reason given'})`;
  }

  #series(trouble: string | undefined, culprit: Culprit | undefined): LeakSeries {
    const { options, reader, signal } = this.#parts;
    return seriesOf({
      name: this.#work?.name ?? options.unit,
      unit: options.unit,
      source: reader.source,
      plan: this.#plan,
      warmupCycles: this.#warmupBytes.length,
      readings: this.#readings,
      counts: this.#counts,
      judgement: this.#judgement(),
      trouble: trouble ?? (signal.aborted ? 'it was stopped' : undefined),
      culprit,
      heldBytes: this.#heldBytes,
      heldBudgetBytes: options.heldBudgetBytes,
    });
  }
}
