import type { Clock } from '../clock/clock.ts';
import type { Ledger } from '../judge/ledger.ts';
import type { Metrics } from '../judge/metrics.ts';
import type { SessionSample } from '../judge/session-event.ts';
import type { SeriesPoint } from '../result.ts';
import type { Target } from '../targets/target.ts';
import type { GeneratorObserver } from './generator.ts';
import type { NodeObserver } from './node.ts';
import { ProcessReader, type ProcessUsage } from './process.ts';
import type { SessionObserver } from './sessions.ts';

export interface WatchParts {
  readonly clock: Clock;
  readonly target: Target;
  readonly sessions: SessionObserver;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  /** Absent in virtual time, where nothing is ever late. */
  readonly generator: GeneratorObserver | undefined;
  /** Where heap and event loop of the target are looked at. */
  readonly node?: NodeObserver | undefined;
  readonly everyMs: number;
}

/** What the target used, at one look. */
type Usage = Omit<SeriesPoint, 't' | 'observed' | 'must' | 'may'>;

/** Points kept of the series. When there are more, each two become one, and each point stands for twice the looks. */
const MAX_POINTS = 1_000;

/** What is always granted to the target's timers in real time, ms: one turn of a busy event loop, and one sweep. */
const EPSILON_MS = 50;
const SWEEP_SLICE_MS = 50;

/** Looks at the target at regular times, and tells the ledger and the metrics what there is to see. */
export class Watch {
  readonly #parts: WatchParts;
  readonly #stop = new AbortController();
  readonly #processes = new ProcessReader();
  #series: SeriesPoint[] = [];
  #keepEvery = 1;
  #looks = 0;
  /** The look with the most sessions since the last point: a short peak must not vanish with its neighbours. */
  #peak: SeriesPoint | undefined;
  #last: SeriesPoint | undefined;
  #lastUsage: { at: number; usage: ProcessUsage } | undefined;
  #lastSample: SessionSample | undefined;
  #slowestLookMs = 0;
  #isHeapSeen = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** The last look is always in it: it is how the run ended. */
  get series(): readonly SeriesPoint[] {
    const rest = [this.#peak, this.#last].filter((point) => point !== undefined);
    return [...new Set([...this.#series, ...rest])];
  }

  get lastSample(): SessionSample | undefined {
    return this.#lastSample;
  }

  /** Looks every `everyMs` until stopped. A look that takes longer than that delays the next, it is not doubled. */
  async run(onLook: () => void): Promise<void> {
    const { clock, everyMs } = this.#parts;
    const beganAt = clock.now();
    for (let n = 1; !this.#stop.signal.aborted; n += 1) {
      const waitMs = beganAt + n * everyMs - clock.now();
      if (waitMs > 0) await clock.sleep(waitMs, this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      await this.look();
      onLook();
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** One look now. `judge` is how the ledger takes the sample; undefined when the target shows none. */
  async look(judge: 'sample' | 'endOfCycle' = 'sample'): Promise<SessionSample | undefined> {
    const { sessions, ledger, metrics } = this.#parts;
    const sample = await sessions.sample();
    const usage = { ...this.#readUsage(), ...(await this.#readNode(judge === 'endOfCycle')) };
    if (!sample) return undefined;
    this.#lastSample = sample;
    this.#widenEpsilon(sample);
    ledger[judge](sample);
    metrics.gauge('sessions_observed', sample.count);
    this.#keep(sample, usage);
    return sample;
  }

  /** The first look tells where the heap began; after that it is forced only when a cycle is over. */
  async #readNode(isCycleOver: boolean): Promise<Usage> {
    const { node, metrics } = this.#parts;
    const forceGc = isCycleOver || !this.#isHeapSeen;
    const usage = await node?.look({ forceGc });
    if (!usage) return {};
    this.#isHeapSeen = true;
    const { handles, gcMs, loopDelayMs, heapBytes } = usage;
    metrics.gauge('target_handles', handles);
    metrics.gauge('target_gc_ms', gcMs);
    if (loopDelayMs !== undefined) metrics.gauge('target_event_loop_delay_ms', loopDelayMs);
    if (heapBytes !== undefined) metrics.gauge('target_heap_bytes', heapBytes);
    return {
      handles,
      gcMs,
      ...(loopDelayMs !== undefined && { loopDelayMs }),
      ...(heapBytes !== undefined && { heapBytes }),
    };
  }

  #readUsage(): Usage {
    const { clock, target, metrics } = this.#parts;
    const { pid, group } = target;
    const one = () => (pid === undefined ? undefined : this.#processes.read(pid));
    const usage = group === undefined ? one() : this.#processes.readGroup(group);
    if (!usage) return {};
    const at = clock.now();
    metrics.gauge('target_rss_bytes', usage.rssBytes);
    metrics.gauge('target_open_files', usage.openFiles);
    const last = this.#lastUsage;
    this.#lastUsage = { at, usage };
    const { rssBytes, openFiles } = usage;
    if (!last || at <= last.at) return { rssBytes, openFiles };
    // Less than before: it is another process, after a restart.
    const cpuCores = Math.max(0, usage.cpuMs - last.usage.cpuMs) / (at - last.at);
    metrics.gauge('target_cpu_cores', cpuCores);
    return { rssBytes, cpuCores, openFiles };
  }

  /** A machine that is busy makes timers late, the target's as well as ours: that is nobody's defect. */
  #widenEpsilon(sample: SessionSample): void {
    const { generator, ledger } = this.#parts;
    if (!generator) return;
    this.#slowestLookMs = Math.max(this.#slowestLookMs, sample.receivedAt - sample.sentAt);
    ledger.widenEpsilon(Math.max(EPSILON_MS, generator.delayMaxMs(), this.#slowestLookMs) + SWEEP_SLICE_MS);
  }

  #keep(sample: SessionSample, usage: Usage): void {
    const t = sample.receivedAt;
    this.#last = { t, observed: sample.count, ...this.#parts.ledger.bounds(t), ...usage };
    this.#peak = higher(this.#peak, this.#last);
    this.#looks += 1;
    if (this.#looks % this.#keepEvery !== 0) return;
    this.#series.push(this.#peak);
    this.#peak = undefined;
    if (this.#series.length < MAX_POINTS) return;
    this.#series = halved(this.#series);
    this.#keepEvery *= 2;
  }
}

function halved(series: readonly SeriesPoint[]): SeriesPoint[] {
  return series.flatMap((point, index) => (index % 2 === 1 ? [higher(series[index - 1], point)] : []));
}

function higher(before: SeriesPoint | undefined, point: SeriesPoint): SeriesPoint {
  return before && before.observed > point.observed ? before : point;
}
