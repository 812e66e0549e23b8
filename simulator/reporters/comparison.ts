import pc from 'picocolors';
import type { Verdict } from '../judge/check.ts';
import type { Comparison, ComparisonRow, NumberRow, Unit } from '../judge/comparison.ts';
import { formatLength, grouped } from '../judge/format.ts';
import { MAX_SUMMARY_BYTES } from './markdown.ts';
import { code, plainText, table, withinBytes } from './markdown-text.ts';

/** One side of a comparison. */
export interface ComparedFile {
  readonly file: string;
  readonly seed: number;
  readonly tool: string;
  readonly startedAt: string;
}

/** All that is known of a comparison: what `--json` prints. */
export interface ComparisonDocument extends Comparison {
  readonly format: 'mcp-soak-comparison';
  readonly version: 1;
  readonly scenario: string;
  readonly mode: string;
  readonly baseline: ComparedFile;
  /** Further runs of the baseline. */
  readonly moreBaselines?: readonly ComparedFile[];
  readonly current: readonly ComparedFile[];
  /** What differs between the runs besides the numbers: machine, Node, policy. */
  readonly notes: readonly string[];
  readonly exitCode: number;
}

/** Passed rows shown on a terminal; the others are in the document. */
const MAX_PASSED = 12;

const MARKS: Record<Verdict, string> = {
  fail: '✗',
  'no-data': '∅',
  invalid: '?',
  pass: '✓',
  'not-observable': '–',
};
/** A comparison for people: what is worse first, one line a row. */
export function renderComparison(document: ComparisonDocument, useColour: boolean): string {
  const colour = pc.createColors(useColour);
  const paint: Record<Verdict, (text: string) => string> = {
    fail: colour.red,
    'no-data': colour.red,
    invalid: colour.yellow,
    pass: colour.green,
    'not-observable': colour.dim,
  };
  const { worse, undecided, passed, skipped } = sorted(document.rows);
  // Checks that pass as before are no news; numbers are worth a look.
  const numbers = passed.filter(({ kind }) => kind === 'number').slice(0, MAX_PASSED);
  const shown = [...worse, ...firstOfEachReason(undecided), ...numbers];
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  const lines = shown.flatMap((row) => [
    `  ${paint[row.verdict](MARKS[row.verdict])} ${row.name.padEnd(width)}  ${values(row)}${colour.dim(allowed(row))}`,
    ...(row.reason === '' ? [] : [`      ${row.reason}${likewise(row, undecided)}`]),
  ]);
  const badge = { pass: colour.green, fail: colour.red, invalid: colour.yellow }[document.verdict];
  return `${[
    `${badge(document.verdict.toUpperCase().padEnd(7))} ${colour.bold(`${document.scenario} (${document.mode})`)}: ${headline(document)}`,
    ...subject(document).map((line) => colour.dim(`        ${line}`)),
    '',
    ...lines,
    ...more(passed.length - numbers.length, 'no worse'),
    ...more(skipped.length, 'not comparable'),
  ].join('\n')}\n`;
}

/** The same for a step summary or a comment. */
export function renderComparisonMarkdown(document: ComparisonDocument): string {
  const { worse, undecided, passed, skipped } = sorted(document.rows);
  const mark = { pass: '✅', fail: '❌', invalid: '⚠️' }[document.verdict];
  const lines = [
    `## ${mark} ${plainText(document.scenario)} (${document.mode}): ${headline(document)}`,
    '',
    ...subject(document).flatMap((line) => [plainText(line), '']),
    ...rowTable(worse),
    ...folded(`${undecided.length} undecided`, rowTable(undecided)),
    ...folded(`${passed.length} no worse`, rowTable(passed)),
    ...folded(`${skipped.length} not comparable`, rowTable(skipped)),
  ];
  return withinBytes(lines, MAX_SUMMARY_BYTES, '_Cut short: `mcp-soak compare --json` has all of it._');
}

function sorted(rows: readonly ComparisonRow[]) {
  const of = (...verdicts: Verdict[]) =>
    verdicts.flatMap((verdict) => rows.filter((row) => row.verdict === verdict));
  return {
    worse: of('fail', 'no-data'),
    undecided: of('invalid'),
    passed: of('pass'),
    skipped: of('not-observable'),
  };
}

/** A machine that was too busy spoils dozens of numbers at once, all for one reason. */
function firstOfEachReason(rows: readonly ComparisonRow[]): ComparisonRow[] {
  return rows.filter((row, index) => rows.findIndex(({ reason }) => reason === row.reason) === index);
}

function likewise(row: ComparisonRow, undecided: readonly ComparisonRow[]): string {
  const others = undecided.filter((other) => other !== row && other.reason === row.reason).length;
  return row.verdict === 'invalid' && others > 0 ? ` (and ${others} more)` : '';
}

function headline({ rows, verdict }: ComparisonDocument): string {
  const compared = rows.filter((row) => row.verdict !== 'not-observable').length;
  const count = (...verdicts: Verdict[]) => rows.filter((row) => verdicts.includes(row.verdict)).length;
  switch (verdict) {
    case 'pass':
      return `nothing of ${compared} is worse than the baseline`;
    case 'fail':
      return `${count('fail', 'no-data')} of ${compared} worse than the baseline`;
    case 'invalid':
      return `${count('invalid')} of ${compared} could not be compared`;
  }
}

function subject({ baseline, moreBaselines = [], current, notes }: ComparisonDocument): string[] {
  const seeds = current.map(({ seed }) => seed).join(', ');
  const [only] = current;
  return [
    moreBaselines.length === 0
      ? `baseline ${baseline.file}, seed ${baseline.seed}, ${baseline.startedAt}`
      : `baseline median of n = ${moreBaselines.length + 1} runs, seeds ${[baseline, ...moreBaselines].map(({ seed }) => seed).join(', ')}`,
    current.length === 1 && only
      ? `current  ${only.file}, seed ${only.seed}, ${only.startedAt}`
      : `current  median of n = ${current.length} runs, seeds ${seeds}`,
    ...notes.map((note) => `note     ${note}`),
  ];
}

function values(row: ComparisonRow): string {
  if (row.kind === 'check') return `${row.baseline ?? 'absent'} → ${row.current ?? 'absent'}`;
  const { baseline, current, unit, runs } = row;
  const shown = (value: number | null) => (value === null ? 'none' : formatValue(value, unit));
  const several = runs > 1 ? ` (n = ${runs}${interval(row)})` : '';
  return `${shown(baseline)} → ${shown(current)}${change(row)}${several}`;
}

/** `, 94 % in 41 ms to 48 ms`: where the current median lies. */
function interval({ spread, unit }: NumberRow): string {
  if (spread === null || spread.lo === spread.hi) return '';
  return `, ${Math.floor(spread.coverage * 100)} % in ${formatValue(spread.lo, unit)} to ${formatValue(spread.hi, unit)}`;
}

function change({ baseline, current, unit }: NumberRow): string {
  if (baseline === null || current === null || baseline === current) return '';
  // Of a share, per cent of per cent would mislead.
  if (baseline === 0 || unit === 'share') return '';
  const percent = ((current - baseline) / Math.abs(baseline)) * 100;
  return `  ${percent > 0 ? '+' : ''}${trimmed(percent, 1)} %`;
}

function allowed(row: ComparisonRow): string {
  if (row.kind === 'check') return '';
  if (row.allowance === null) return '  allowed: equal';
  const { share, amount } = row.allowance;
  const sign = row.worse === 'less' ? '-' : '+';
  const relative = share === 0 ? '' : `${sign}${trimmed(share * 100, 1)} % or `;
  const absolute =
    row.unit === 'share' ? `${trimmed(amount * 100, 3)} points` : formatValue(amount, row.unit);
  return `  allowed ${relative}${sign}${absolute}`;
}

function rowTable(rows: readonly ComparisonRow[]): string[] {
  const lines = table(
    ['', 'compared', 'baseline → current', 'allowed', 'why'],
    rows.map((row) => [
      MARKS[row.verdict],
      code(row.name),
      plainText(values(row)),
      plainText(allowed(row).replace(/^ *allowed:? /, '')),
      plainText(row.reason),
    ]),
  );
  return lines.length === 0 ? [] : [...lines, ''];
}

function folded(summary: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return ['<details>', `<summary>${summary}</summary>`, '', ...lines, '</details>', ''];
}

function more(n: number, what: string): string[] {
  return n > 0 ? [`  … and ${n} ${what} (--json has all)`] : [];
}

function formatValue(value: number, unit: Unit): string {
  switch (unit) {
    case 'ms':
      return formatLength(value);
    case 'bytes':
      return `${trimmed(value / 2 ** 20, 1)} MiB`;
    case 'share':
      return `${trimmed(value * 100, 3)} %`;
    case 'cores':
      return `${trimmed(value, 2)} cores`;
    case 'number':
      return Number.isInteger(value) ? grouped(value) : trimmed(value, 1);
  }
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
