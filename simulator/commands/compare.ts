import { EXIT } from '../exit-code.ts';
import { type Allowance, compareRuns, DEFAULT_LIMITS, type Limits } from '../judge/comparison.ts';
import {
  type ComparedFile,
  type ComparisonDocument,
  renderComparison,
  renderComparisonMarkdown,
} from '../reporters/comparison.ts';
import type { RunResult } from '../result.ts';
import { RequestError } from '../run-request.ts';
import { DurationError, parseDuration, resolveDuration } from '../scenario/duration.ts';
import { oneOf } from './formats.ts';
import { readResult } from './results.ts';
import { type Console, isColourful } from './run.ts';

const FORMATS = ['console', 'markdown', 'json'] as const;

/** Reads one kind of limit. */
interface LimitKind {
  readonly example: string;
  readonly read: (text: string) => number | undefined;
  readonly write: (value: number) => string;
}

const percent: LimitKind = {
  example: '25%',
  // Divided, not multiplied: 7 × 0.01 is not 0.07.
  read: (text) => divided(unit(text, { '%': 1 }), 100),
  write: (share) => `${Number((share * 100).toFixed(3))}%`,
};
const time: LimitKind = {
  example: '5ms',
  read: (text) => {
    try {
      return resolveDuration(parseDuration(text), { T: null, C: null, H: null, D: null });
    } catch (error) {
      if (error instanceof DurationError) return undefined;
      throw error;
    }
  },
  write: (ms) => `${ms}ms`,
};
const bytes: LimitKind = {
  example: '16MiB',
  read: (text) => unit(text, { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }),
  write: (value) => `${value / 2 ** 20}MiB`,
};
const cores: LimitKind = { example: '0.1', read: (text) => unit(text, { '': 1 }), write: String };

interface LimitFlag {
  /** As commander names the option. */
  readonly key: string;
  readonly quantity: keyof Limits;
  readonly part: keyof Allowance;
  readonly kind: LimitKind;
  readonly describes: string;
}

/** A number is worse only when it grew by more than both its share and its amount. */
export const LIMIT_FLAGS: readonly LimitFlag[] = [
  limit('maxP50Growth', 'p50', 'share', percent, 'p50 of request times may grow by this share'),
  limit('minP50Growth', 'p50', 'amount', time, ''),
  limit('maxP95Growth', 'p95', 'share', percent, 'the same for p95'),
  limit('minP95Growth', 'p95', 'amount', time, ''),
  limit('maxP99Growth', 'p99', 'share', percent, 'the same for p99'),
  limit('minP99Growth', 'p99', 'amount', time, ''),
  limit('maxReapLagGrowth', 'reap-lag', 'share', percent, 'the same for how late sessions are reaped'),
  limit('minReapLagGrowth', 'reap-lag', 'amount', time, ''),
  limit('maxErrorGrowth', 'errors', 'amount', percent, 'percentage points more of requests may fail'),
  limit('maxSessionLoss', 'sessions', 'share', percent, 'this share fewer sessions may be opened'),
  limit('maxRssGrowth', 'rss', 'share', percent, 'resident memory, highest and last, may grow by this share'),
  limit('minRssGrowth', 'rss', 'amount', bytes, ''),
  limit('maxCpuGrowth', 'cpu', 'share', percent, 'the same for CPU'),
  limit('minCpuGrowth', 'cpu', 'amount', cores, ''),
];

function limit(
  key: string,
  quantity: keyof Limits,
  part: keyof Allowance,
  kind: LimitKind,
  describes: string,
): LimitFlag {
  return { key, quantity, part, kind, describes };
}

/** `maxP95Growth` as a flag: `--max-p95-growth`. */
export function limitFlagName({ key }: LimitFlag): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** What `--help` says of it, with its default. */
export function describeLimit({ quantity, part, kind, describes }: LimitFlag): string {
  const fallback = `(default: ${kind.write(DEFAULT_LIMITS[quantity][part])})`;
  return `${describes === '' ? LEAST : describes} ${fallback}`;
}

const LEAST = '… and growth up to this is never held against it';

export interface CompareOptions {
  readonly format: string;
  readonly json?: boolean;
  /** Further results of the baseline. */
  readonly baseline?: readonly string[];
  /** The limits that were given, by the key of their flag. */
  readonly [limit: string]: unknown;
}

/**
 * Compares results with an older one. Returns the exit code.
 * @throws RequestError for files that are no results, or that cannot be compared
 */
export function compareResults(
  baselineFile: string,
  currentFiles: readonly string[],
  options: CompareOptions,
  { out }: Console,
): number {
  const format = options.json === true ? 'json' : oneOf('--format', options.format, FORMATS);
  const limits = parseLimits(options);
  const open = (file: string) => ({ file, result: readResult(file) });
  const baseline = open(baselineFile);
  const more = (options.baseline ?? []).map(open);
  const currents = currentFiles.map(open);
  for (const other of [...more, ...currents]) refuseOther(baseline, other);
  const document = makeDocument([baseline, ...more], currents, limits);
  out.write(render(document, format, isColourful(out)));
  return document.exitCode;
}

interface Opened {
  readonly file: string;
  readonly result: RunResult;
}

function makeDocument(
  [baseline, ...more]: readonly [Opened, ...Opened[]],
  currents: readonly Opened[],
  limits: Limits,
): ComparisonDocument {
  const comparison = compareRuns(
    [baseline.result, ...more.map(({ result }) => result)],
    currents.map(({ result }) => result),
    limits,
  );
  return {
    format: 'mcp-soak-comparison',
    version: 1,
    scenario: baseline.result.scenario.name,
    mode: baseline.result.mode,
    baseline: describe(baseline),
    ...(more.length > 0 && { moreBaselines: more.map(describe) }),
    current: currents.map(describe),
    notes: notesOn(baseline.result, currents),
    ...comparison,
    exitCode: EXIT[comparison.verdict],
  };
}

function describe({ file, result: { seed, tool, startedAt } }: Opened): ComparedFile {
  return { file, seed, tool, startedAt };
}

function render(document: ComparisonDocument, format: (typeof FORMATS)[number], useColour: boolean): string {
  switch (format) {
    case 'console':
      return renderComparison(document, useColour);
    case 'markdown':
      return renderComparisonMarkdown(document);
    case 'json':
      return `${JSON.stringify(document)}\n`;
  }
}

function refuseOther(baseline: Opened, current: Opened): void {
  const what = ({ result }: Opened) => `${result.scenario.name} in ${result.mode} mode`;
  if (what(baseline) !== what(current)) {
    throw new RequestError(
      `${current.file} is ${what(current)}, ${baseline.file} is ${what(baseline)}: only runs of one scenario in one mode can be compared.`,
    );
  }
  for (const { file, result } of [baseline, current]) {
    if (result.verdict === 'aborted') {
      throw new RequestError(`${file} was stopped by a signal: what it did not see cannot be compared.`);
    }
  }
}

/** What explains a difference without anybody's fault. */
function notesOn(baseline: RunResult, currents: readonly Opened[]): string[] {
  const aspects: Record<string, (result: RunResult) => string> = {
    target: ({ target }) => target.name,
    policy: ({ policy }) => JSON.stringify(policy),
    Node: ({ environment }) => environment.node,
    machine: ({ environment }) => `${environment.platform}, ${environment.cpus} CPUs`,
  };
  return Object.entries(aspects).flatMap(([name, aspect]) => {
    const before = aspect(baseline);
    const now = [...new Set(currents.map(({ result }) => aspect(result)))].filter((text) => text !== before);
    if (now.length === 0) return [];
    return [name === 'policy' ? 'another policy' : `another ${name}: ${before} → ${now.join(' · ')}`];
  });
}

function parseLimits(options: CompareOptions): Limits {
  const given = LIMIT_FLAGS.flatMap((flag) => {
    const text = options[flag.key];
    return typeof text === 'string' ? [{ ...flag, value: parseLimit(flag, text) }] : [];
  });
  const limits: Record<keyof Limits, Allowance> = { ...DEFAULT_LIMITS };
  for (const { quantity, part, value } of given) limits[quantity] = { ...limits[quantity], [part]: value };
  return limits;
}

function parseLimit(flag: LimitFlag, text: string): number {
  const value = flag.kind.read(text);
  if (value !== undefined) return value;
  throw new RequestError(`${limitFlagName(flag)}: got '${text}', allowed: such as ${flag.kind.example}.`);
}

function unit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits = '', name = ''] = /^(\d+(?:\.\d+)?) ?(\D*)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, name) ? units[name] : undefined;
  return digits === '' || factor === undefined ? undefined : Number(digits) * factor;
}

function divided(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value / by;
}
