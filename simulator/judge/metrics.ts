import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import * as z from 'zod';
import { METRICS, type MetricName, type MetricType } from './metric-catalogue.ts';

type NameOf<Type extends MetricType> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];

export type TrendName = NameOf<'trend'>;
export type CounterName = NameOf<'counter'>;
export type RateName = NameOf<'rate'>;
export type GaugeName = NameOf<'gauge'>;

/** Trends are recorded up to one hour; a longer sample counts as one hour. */
export const MAX_TREND_MS = 3_600_000;
/** Sub-series per request trend: MCP has about twenty methods; a histogram takes 92 KiB. Further ones share `(other)`. */
export const MAX_METHODS = 32;
/** Classes of errors counted apart; further ones share `(other)`, so that texts from a target cannot fill memory. */
export const MAX_ERROR_CLASSES = 64;
export const OTHER = '(other)';

/** Trends that also keep one series per JSON-RPC method. */
export const TRENDS_BY_METHOD: readonly TrendName[] = ['mcp_request_duration_ms', 'mcp_request_service_ms'];

const count = z.number().int().nonnegative();

export const TrendSnapshotSchema = z.object({
  count: count.positive(),
  /** Sum of all samples in whole µs: it adds without rounding. */
  sumUs: count,
  minMs: z.number(),
  meanMs: z.number(),
  p50Ms: z.number(),
  p90Ms: z.number(),
  p95Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  /** HDR histogram of whole µs, 3 digits, compressed, base64. */
  histogram: z.string(),
});
export type TrendSnapshot = z.infer<typeof TrendSnapshotSchema>;

/** All that was measured, as JSON. A series without a sample is absent. */
export const MetricsSnapshotSchema = z.object({
  trends: z.partialRecord(
    z.enum(namesOf('trend')),
    TrendSnapshotSchema.extend({ methods: z.record(z.string(), TrendSnapshotSchema) }),
  ),
  counters: z.partialRecord(z.enum(namesOf('counter')), count),
  rates: z.partialRecord(z.enum(namesOf('rate')), z.object({ hits: count, total: count.positive() })),
  gauges: z.partialRecord(
    z.enum(namesOf('gauge')),
    z.object({ samples: count.positive(), min: z.number(), max: z.number(), last: z.number() }),
  ),
  /** Errors by class. */
  errors: z.record(z.string(), count),
});
export type MetricsSnapshot = z.infer<typeof MetricsSnapshotSchema>;

/** Collects samples of the metrics in METRICS. Stores of several workers merge without loss. */
export class Metrics {
  readonly #trends = new Map<TrendName, Trend>();
  readonly #methods = new Map<TrendName, Map<string, Trend>>();
  readonly #counters = new Map<CounterName, number>();
  readonly #rates = new Map<RateName, { hits: number; total: number }>();
  readonly #gauges = new Map<GaugeName, { samples: number; min: number; max: number; last: number }>();
  readonly #errors = new Map<string, number>();

  /** A duration in ms; `method` adds it to that method's sub-series too, where the trend keeps them. */
  trend(name: TrendName, ms: number, method?: string): void {
    const us = wholeUs(name, ms);
    slot(this.#trends, name, newTrend).record(us);
    if (method !== undefined && TRENDS_BY_METHOD.includes(name)) this.#methodTrend(name, method).record(us);
  }

  /** Adds to a counter. Adding 0 says that the counter was watched: without any call it has no data. */
  count(name: CounterName, n = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + n);
  }

  /** One more case, which was a hit (for `mcp_request_errors`: an error) or not. */
  rate(name: RateName, hit: boolean): void {
    const rate = slot(this.#rates, name, () => ({ hits: 0, total: 0 }));
    rate.total += 1;
    if (hit) rate.hits += 1;
  }

  gauge(name: GaugeName, value: number): void {
    this.#mergeGauge(name, { samples: 1, min: value, max: value, last: value });
  }

  /** One more error of a class, for example `timeout` or `http-500`. */
  error(errorClass: string): void {
    this.#countErrors(errorClass, 1);
  }

  /** Adds another store. Of a gauge, the other's last value counts as the later one. */
  merge(other: Metrics | MetricsSnapshot): void {
    const snapshot = other instanceof Metrics ? other.snapshot() : other;
    for (const [name, { methods, ...trend }] of entries(snapshot.trends)) {
      slot(this.#trends, name, newTrend).merge(trend);
      for (const [method, series] of Object.entries(methods)) this.#methodTrend(name, method).merge(series);
    }
    for (const [name, n] of entries(snapshot.counters)) this.count(name, n);
    for (const [name, { hits, total }] of entries(snapshot.rates)) {
      const rate = slot(this.#rates, name, () => ({ hits: 0, total: 0 }));
      rate.hits += hits;
      rate.total += total;
    }
    for (const [name, gauge] of entries(snapshot.gauges)) this.#mergeGauge(name, gauge);
    for (const [errorClass, n] of Object.entries(snapshot.errors)) this.#countErrors(errorClass, n);
  }

  snapshot(): MetricsSnapshot {
    const trends: MetricsSnapshot['trends'] = {};
    for (const [name, trend] of this.#trends) {
      const methods = [...(this.#methods.get(name) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
      trends[name] = {
        ...trend.snapshot(),
        methods: Object.fromEntries(methods.map(([method, series]) => [method, series.snapshot()])),
      };
    }
    return {
      trends,
      counters: Object.fromEntries(this.#counters),
      rates: Object.fromEntries([...this.#rates].map(([name, rate]) => [name, { ...rate }])),
      gauges: Object.fromEntries([...this.#gauges].map(([name, gauge]) => [name, { ...gauge }])),
      errors: Object.fromEntries(this.#errors),
    };
  }

  #methodTrend(name: TrendName, method: string): Trend {
    const series = slot(this.#methods, name, () => new Map<string, Trend>());
    return slot(series, bounded(series, method, MAX_METHODS), newTrend);
  }

  #mergeGauge(name: GaugeName, added: { samples: number; min: number; max: number; last: number }): void {
    const gauge = this.#gauges.get(name);
    if (gauge === undefined) {
      this.#gauges.set(name, { ...added });
      return;
    }
    gauge.samples += added.samples;
    gauge.min = Math.min(gauge.min, added.min);
    gauge.max = Math.max(gauge.max, added.max);
    gauge.last = added.last;
  }

  #countErrors(errorClass: string, n: number): void {
    const key = bounded(this.#errors, errorClass, MAX_ERROR_CLASSES);
    this.#errors.set(key, (this.#errors.get(key) ?? 0) + n);
  }
}

/** Any percentile (0 to 100) of a recorded trend, ms, off by less than 0.1 %. */
export function percentileMs(trend: TrendSnapshot, percentile: number): number {
  return Trend.fromSnapshot(trend).percentileMs(percentile);
}

/** Several of them, decoded once. */
export function percentilesMs(trend: TrendSnapshot, percentiles: readonly number[]): number[] {
  const decoded = Trend.fromSnapshot(trend);
  return percentiles.map((percentile) => decoded.percentileMs(percentile));
}

/** One series: an HDR histogram for the percentiles, and the exact smallest, largest and sum beside it. */
class Trend {
  readonly #histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_TREND_MS * 1000,
    numberOfSignificantValueDigits: 3,
    // Counts are exact up to 2^32 per bucket.
    bitBucketSize: 32,
    autoResize: false,
    useWebAssembly: false,
  });
  #minUs = Number.POSITIVE_INFINITY;
  #maxUs = 0;
  #sumUs = 0;

  static fromSnapshot(snapshot: TrendSnapshot): Trend {
    const trend = new Trend();
    trend.merge(snapshot);
    return trend;
  }

  record(us: number): void {
    this.#histogram.recordValue(us);
    this.#minUs = Math.min(this.#minUs, us);
    this.#maxUs = Math.max(this.#maxUs, us);
    this.#sumUs += us;
  }

  merge(snapshot: TrendSnapshot): void {
    const other = decodeFromCompressedBase64(snapshot.histogram, 32, false);
    if (other.totalCount !== snapshot.count) {
      throw new RangeError(
        `a histogram holds ${other.totalCount} samples, its snapshot says ${snapshot.count}`,
      );
    }
    this.#histogram.add(other);
    this.#minUs = Math.min(this.#minUs, Math.round(snapshot.minMs * 1000));
    this.#maxUs = Math.max(this.#maxUs, Math.round(snapshot.maxMs * 1000));
    this.#sumUs += snapshot.sumUs;
  }

  percentileMs(percentile: number): number {
    // A bucket answers with its upper edge, which may lie beyond the largest sample.
    const us = this.#histogram.getValueAtPercentile(percentile);
    return Math.min(this.#maxUs, Math.max(this.#minUs, us)) / 1000;
  }

  snapshot(): TrendSnapshot {
    return {
      count: this.#histogram.totalCount,
      sumUs: this.#sumUs,
      minMs: this.#minUs / 1000,
      meanMs: this.#sumUs / this.#histogram.totalCount / 1000,
      p50Ms: this.percentileMs(50),
      p90Ms: this.percentileMs(90),
      p95Ms: this.percentileMs(95),
      p99Ms: this.percentileMs(99),
      maxMs: this.#maxUs / 1000,
      histogram: encodeIntoCompressedBase64(this.#histogram),
    };
  }
}

function newTrend(): Trend {
  return new Trend();
}

function wholeUs(name: TrendName, ms: number): number {
  if (Number.isNaN(ms)) throw new RangeError(`a sample of ${name} is a number of milliseconds, got NaN`);
  return Math.round(Math.min(MAX_TREND_MS, Math.max(0.001, ms)) * 1000);
}

function namesOf<Type extends MetricType>(type: Type): [NameOf<Type>, ...NameOf<Type>[]] {
  const isOfType = (name: string): name is NameOf<Type> =>
    Object.entries(METRICS).some(([metric, definition]) => metric === name && definition.type === type);
  const [first, ...rest] = Object.keys(METRICS).filter(isOfType);
  if (first === undefined) throw new Error(`the catalogue has no metric of type ${type}`);
  return [first, ...rest];
}

/** The key itself, or `(other)` when the map may take no further keys. */
function bounded(map: ReadonlyMap<string, unknown>, key: string, most: number): string {
  return map.has(key) || map.size < most ? key : OTHER;
}

function slot<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/** Object.entries that keeps the closed set of keys, which zod has checked. */
function entries<Key extends string, Value>(record: Partial<Record<Key, Value>>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}
