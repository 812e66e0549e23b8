import type { Check, EvidenceClass } from './check.ts';
import { MAX_EVIDENCE } from './check.ts';
import type { DropCause } from './dropped.ts';
import { METRICS, type MetricDefinition, type MetricName } from './metric-catalogue.ts';
import { MAX_TREND_MS, type MetricsSnapshot, percentileMs, TRENDS_BY_METHOD } from './metrics.ts';

/*
 * The grammar of thresholds. The selector is the key in a scenario file, the rule stands in its list.
 *
 *   selector  = metric [ "{method:" method "}" ]
 *   rule      = aggregate operator limit
 *   aggregate = "p(" number ")" | "avg" | "min" | "med" | "max" | "count"     of a trend
 *             | "count"                                                      of a counter
 *             | "rate"                                                       of a rate
 *             | "value" | "min" | "max"                                      of a gauge (value: the last one)
 *   operator  = "<" | "<=" | ">" | ">=" | "==" | "!="
 *   limit     = number [ unit ]             without a unit: the metric's own (ms, bytes, a share from 0 to 1)
 */

const OPERATORS = ['<=', '>=', '==', '!=', '<', '>'] as const;
type Operator = (typeof OPERATORS)[number];

const AGGREGATES = {
  trend: ['p(N)', 'avg', 'min', 'med', 'max', 'count'],
  counter: ['count'],
  rate: ['rate'],
  gauge: ['value', 'min', 'max'],
} as const;
type Aggregate = (typeof AGGREGATES)[keyof typeof AGGREGATES][number];

type Quantity = 'ms' | 'bytes' | 'share' | 'cores' | 'number';

const UNITS: Readonly<Record<Quantity, Readonly<Record<string, number>>>> = {
  ms: { ms: 1, s: 1000, m: 60_000 },
  bytes: { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 },
  share: { '%': 0.01 },
  cores: {},
  number: {},
};

/** No selector or rule is longer; messages stay readable and matching stays cheap. */
const MAX_LENGTH = 200;

/** A limit on one number of one metric; plain JSON. */
export interface Threshold {
  readonly metric: MetricName;
  /** Only the requests of this method; `null` for all. */
  readonly method: string | null;
  readonly aggregate: Aggregate;
  /** N of `p(N)`; 0 for other aggregates. */
  readonly percentile: number;
  readonly operator: Operator;
  /** In ms, bytes, cores, as a share of 1, or a plain number. */
  readonly limit: number;
}

/** A threshold that cannot be read. `offset` is a character of the selector or of the rule. */
export class ThresholdError extends Error {
  override readonly name = 'ThresholdError';
  readonly part: 'selector' | 'rule';
  readonly offset: number;
  /** Set when a word is not one of a closed list. */
  readonly unknown: { noun: string; word: string; allowed: readonly string[] } | undefined;

  constructor(message: string, part: 'selector' | 'rule', offset = 0, unknown?: ThresholdError['unknown']) {
    super(message);
    this.part = part;
    this.offset = offset;
    this.unknown = unknown;
  }
}

/** Reads one threshold: the selector `mcp_request_duration_ms{method:tools/call}`, the rule `p(95) < 250ms`. */
export function parseThreshold(selector: string, rule: string): Threshold {
  const { metric, method } = parseSelector(selector);
  const match = /^ *([A-Za-z]+)(?:\(([^)]*)\))? *([<>=!]+) *(\S+(?: \S+)?) *$/.exec(
    rule.slice(0, MAX_LENGTH),
  );
  if (match === null || rule.length > MAX_LENGTH) {
    throw new ThresholdError(`expected a rule such as 'p(95) < 250ms', got '${shortened(rule)}'`, 'rule');
  }
  const [, word = '', inner, operator = '', limit = ''] = match;
  const { aggregate, percentile } = parseAggregate(metric, word, inner);
  if (!isOperator(operator)) throw unknownPart('operator', operator, OPERATORS, rule.indexOf(operator));
  const offset = rule.lastIndexOf(limit);
  return {
    metric,
    method,
    aggregate,
    percentile,
    operator,
    limit: parseLimit(limit, metric, aggregate, offset),
  };
}

/** Reads the selector alone. Throws ThresholdError. */
export function parseSelector(selector: string): { metric: MetricName; method: string | null } {
  const match = /^([^{]*)(?:\{method:([^{}]+)\})?$/.exec(selector);
  if (match === null || selector.length > MAX_LENGTH) {
    throw new ThresholdError(
      `expected metric or metric{method:name}, got '${shortened(selector)}'`,
      'selector',
    );
  }
  const [, metric = '', method = null] = match;
  if (!isMetricName(metric)) throw unknownPart('metric', metric, Object.keys(METRICS), 0, 'selector');
  if (method !== null && !TRENDS_BY_METHOD.some((name) => name === metric)) {
    const message = `${metric} is not kept per method; these are: ${TRENDS_BY_METHOD.join(', ')}`;
    throw new ThresholdError(message, 'selector', metric.length);
  }
  return { metric, method };
}

/** What is known of the run that thresholds are judged by. */
export interface Circumstances {
  /** Why no time can be trusted. */
  readonly timingInvalidReason?: string | undefined;
  /** Why a metric cannot be seen in this run at all; undefined: it can. */
  readonly unseen?: (metric: MetricName) => string | undefined;
  /** Why arrivals were dropped. */
  readonly dropCause?: DropCause | undefined;
}

/** Judges every threshold on the merged metrics of a run. */
export function judgeThresholds(
  thresholds: readonly Threshold[],
  metrics: MetricsSnapshot,
  circumstances: Circumstances = {},
): Check[] {
  return thresholds.map((threshold) => judge(threshold, metrics, circumstances));
}

function judge(
  threshold: Threshold,
  metrics: MetricsSnapshot,
  { timingInvalidReason, dropCause, unseen }: Circumstances,
): Check {
  const { metric, operator, limit } = threshold;
  const quantity = quantityOf(threshold);
  const rule = `${operator} ${formatValue(limit, quantity)}`;
  const check: Check = {
    name: `${renderSelector(threshold)} ${renderAggregate(threshold)} ${rule}`,
    kind: 'threshold',
    class: evidenceClass(METRICS[metric]),
    verdict: 'no-data',
    observed: 'no sample',
    limit: rule,
    reason: `${renderSelector(threshold)} has no sample`,
    failureModes: [],
    evidence: [],
  };
  const value = observe(threshold, metrics);
  const whyUnseen = value === undefined ? unseen?.(metric) : undefined;
  if (whyUnseen !== undefined) return { ...check, verdict: 'not-observable', reason: whyUnseen };
  if (value === undefined) return check;
  const observed = `${formatValue(value, quantity)}${ofTotal(threshold, metrics)}`;
  if (METRICS[metric].timing && timingInvalidReason !== undefined) {
    return { ...check, observed, verdict: 'invalid', reason: timingInvalidReason };
  }
  if (holds(value, operator, limit)) return { ...check, observed, verdict: 'pass', reason: '' };
  const missed = `${renderAggregate(threshold)} of ${renderSelector(threshold)} is ${observed}, the limit is ${rule}`;
  const isRate = isRateClaim(threshold);
  // Too little of anything proves nothing where it was the generator that did not send it.
  if (isRate && timingInvalidReason !== undefined) {
    return { ...check, observed, verdict: 'invalid', reason: `${missed}; ${timingInvalidReason}` };
  }
  return {
    ...check,
    observed,
    verdict: 'fail',
    reason: isRate && dropCause ? `${missed}; caused by the ${dropCause.cause}: ${dropCause.why}` : missed,
    evidence: metric === 'mcp_request_errors' ? commonestErrors(metrics) : [],
  };
}

function observe(
  { metric, method, aggregate, percentile }: Threshold,
  metrics: MetricsSnapshot,
): number | undefined {
  const { trends, counters, rates, gauges } = metrics;
  const whole = pick(trends, metric);
  const trend = method === null ? whole : pick(whole?.methods ?? {}, method);
  const gauge = pick(gauges, metric);
  const rate = pick(rates, metric);
  switch (aggregate) {
    case 'p(N)':
      return trend && percentileMs(trend, percentile);
    case 'med':
      return trend?.p50Ms;
    case 'avg':
      return trend?.meanMs;
    case 'count':
      return trend?.count ?? pick(counters, metric);
    case 'min':
      return trend?.minMs ?? gauge?.min;
    case 'max':
      return trend?.maxMs ?? gauge?.max;
    case 'value':
      return gauge?.last;
    case 'rate':
      return rate && rate.hits / rate.total;
  }
}

function holds(value: number, operator: Operator, limit: number): boolean {
  switch (operator) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '==':
      return value === limit;
    case '!=':
      return value !== limit;
  }
}

/** A claim that so much was achieved: it depends on what was sent. */
function isRateClaim({ metric, operator }: Threshold): boolean {
  if (metric === 'dropped_iterations') return true;
  return RATE_METRICS.includes(metric) && operator.startsWith('>');
}

const RATE_METRICS: readonly MetricName[] = ['iterations', 'mcp_requests', 'sessions_opened'];

function parseAggregate(metric: MetricName, word: string, inner: string | undefined) {
  const { type } = METRICS[metric];
  const allowed: readonly Aggregate[] = AGGREGATES[type];
  const written = word === 'p' && inner !== undefined ? 'p(N)' : word;
  const aggregate = allowed.find((name) => name === written);
  if (aggregate === undefined) {
    const noun = `aggregate of the ${type} ${metric}`;
    throw unknownPart(noun, inner === undefined ? word : `${word}(${inner})`, allowed, 0);
  }
  if (aggregate !== 'p(N)') {
    if (inner !== undefined) throw new ThresholdError(`${word} takes no argument`, 'rule', word.length);
    return { aggregate, percentile: 0 };
  }
  if (!/^\d+(\.\d+)?$/.test(inner ?? '') || Number(inner) > 100) {
    throw new ThresholdError(
      `a percentile is a number from 0 to 100, got '${inner}'`,
      'rule',
      word.length + 1,
    );
  }
  return { aggregate, percentile: Number(inner) };
}

function parseLimit(text: string, metric: MetricName, aggregate: Aggregate, offset: number): number {
  const match = /^(-?\d+(?:\.\d+)?) ?([^\d ]*)$/.exec(text);
  if (match === null)
    throw new ThresholdError(`expected a number as the limit, got '${text}'`, 'rule', offset);
  const [, digits = '', unit = ''] = match;
  const quantity = quantityOf({ metric, aggregate });
  const units = UNITS[quantity];
  const factor = unit === '' ? 1 : units[unit];
  if (factor === undefined)
    throw unknownUnit(unit, `${aggregate} of ${metric}`, units, offset + digits.length);
  // The % is divided, not multiplied: 7 × 0.01 is not 0.07.
  const limit = unit === '%' ? Number(digits) / 100 : Number(digits) * factor;
  if (quantity === 'share' && (limit < 0 || limit > 1)) {
    throw new ThresholdError(`a rate lies between 0 and 1 (0% and 100%), got ${text}`, 'rule', offset);
  }
  if (quantity === 'ms' && METRICS[metric].type === 'trend' && limit > MAX_TREND_MS) {
    throw new ThresholdError(
      `trends are recorded up to 60m, so that ${text} cannot be judged`,
      'rule',
      offset,
    );
  }
  return limit;
}

function unknownUnit(unit: string, what: string, units: Readonly<Record<string, number>>, offset: number) {
  const allowed = Object.keys(units);
  if (allowed.length > 0) return unknownPart('unit', unit, allowed, offset);
  return new ThresholdError(`${what} has no unit, got '${unit}'`, 'rule', offset);
}

function unknownPart(
  noun: string,
  word: string,
  allowed: readonly string[],
  offset: number,
  part: 'selector' | 'rule' = 'rule',
): ThresholdError {
  const message = `unknown ${noun} '${word}'. Allowed: ${allowed.join(', ')}`;
  return new ThresholdError(message, part, offset, { noun, word, allowed });
}

function quantityOf({ metric, aggregate }: Pick<Threshold, 'metric' | 'aggregate'>): Quantity {
  if (aggregate === 'count') return 'number';
  if (aggregate === 'rate') return 'share';
  const { unit } = METRICS[metric];
  return unit === '1' ? 'number' : unit;
}

function evidenceClass({ timing, unit, type }: MetricDefinition): EvidenceClass {
  if (timing) return 'timing';
  if (unit === 'bytes') return 'memory';
  return type === 'rate' ? 'protocol' : 'counts';
}

function renderSelector({ metric, method }: Threshold): string {
  return method === null ? metric : `${metric}{method:${method}}`;
}

function renderAggregate({ aggregate, percentile }: Threshold): string {
  return aggregate === 'p(N)' ? `p(${percentile})` : aggregate;
}

/** ` (3 of 2,500)` after a rate. */
function ofTotal({ aggregate, metric }: Threshold, { rates }: MetricsSnapshot): string {
  const rate = aggregate === 'rate' ? pick(rates, metric) : undefined;
  return rate === undefined ? '' : ` (${decimal(rate.hits)} of ${decimal(rate.total)})`;
}

function commonestErrors({ errors }: MetricsSnapshot): string[] {
  const sorted = Object.entries(errors).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.slice(0, MAX_EVIDENCE).map(([errorClass, n]) => `${errorClass}: ${decimal(n)}`);
}

function formatValue(value: number, quantity: Quantity): string {
  switch (quantity) {
    case 'ms':
      return Math.abs(value) < 1000 ? `${decimal(value)} ms` : `${decimal(value / 1000)} s`;
    case 'bytes':
      return formatBytes(value);
    case 'share':
      return `${value > 0 && value < 0.0001 ? Number((value * 100).toPrecision(2)) : decimal(value * 100)} %`;
    case 'cores':
      return `${decimal(value)} cores`;
    case 'number':
      return decimal(value);
  }
}

function formatBytes(bytes: number): string {
  const unit = Object.entries(UNITS.bytes).findLast(([, size]) => Math.abs(bytes) >= size);
  return unit === undefined ? `${decimal(bytes)} B` : `${decimal(bytes / unit[1])} ${unit[0]}`;
}

function decimal(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The entry of that key, own keys only: a method may be called `constructor`. */
function pick<Value>(record: Readonly<Record<string, Value | undefined>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

function isOperator(text: string): text is Operator {
  return OPERATORS.some((operator) => operator === text);
}
