import pc from 'picocolors';
import type { Check, Verdict } from '../judge/check.ts';
import { formatLength, grouped } from '../judge/format.ts';
import { strainWarnings } from '../judge/strain.ts';
import type { RunResult, RunVerdict } from '../result.ts';
import { byUrgency, headlineOf, timeTaken, troublesOf } from './headline.ts';
import { describePromises } from './promises.ts';
import { renderScoreCard } from './score-card.ts';

/** The most lines a summary takes: it has to fit a screen with the prompt still in sight. */
export const MAX_LINES = 40;
/** Lines around the checks. */
const FRAME_LINES = 14;
const SPARK_WIDTH = 40;

const MARKS: Record<Verdict, string> = {
  pass: '✓',
  fail: '✗',
  'no-data': '∅',
  invalid: '?',
  'not-observable': '–',
};
export interface ConsoleOptions {
  readonly useColour: boolean;
  /** Where the files of the run are. */
  readonly reportDir?: string | undefined;
}

/** The result of a run for people: at most 40 lines, decided first, one line per check with number and limit. */
export function renderSummary(result: RunResult, { useColour, reportDir }: ConsoleOptions): string {
  if (isAudit(result)) return renderScoreCard(result, { useColour, reportDir });
  const colour = pc.createColors(useColour);
  const lines = [
    header(result, colour),
    ...subject(result).map((line) => colour.dim(line)),
    '',
    ...checkLines(result.checks, colour),
    '',
    ...footer(result, reportDir, colour),
  ];
  return `${lines.slice(0, MAX_LINES).join('\n')}\n`;
}

/** An audit is read check by check, and takes the lines that it needs. */
function isAudit({ checks }: RunResult): boolean {
  return checks.length > 0 && checks.every(({ kind }) => kind === 'audit');
}

type Colours = ReturnType<typeof pc.createColors>;

/** One line for a run among many. */
export function renderLine(result: RunResult, useColour: boolean): string {
  const colour = pc.createColors(useColour);
  const passed = result.checks.filter(({ verdict }) => verdict === 'pass').length;
  const judged = result.checks.filter(({ verdict }) => verdict !== 'not-observable').length;
  const time =
    result.mode === 'virtual'
      ? `${formatLength(result.durationMs)} in ${formatLength(result.wallMs)}`
      : formatLength(result.durationMs);
  return [
    badge(result.verdict, colour),
    result.scenario.name.padEnd(16),
    result.mode.padEnd(8),
    `${grouped(result.sessions.opened)} sessions`.padEnd(16),
    `${passed} of ${judged} checks`.padEnd(16),
    colour.dim(time),
  ].join('  ');
}

/** What went wrong in a run, one line a check; empty when nothing did. */
export function renderTroubles(result: RunResult, useColour: boolean): string[] {
  const colour = pc.createColors(useColour);
  return checkLines(troublesOf(result.checks), colour);
}

function badge(verdict: RunVerdict, colour: Colours): string {
  const paint = { pass: colour.green, fail: colour.red, invalid: colour.yellow, aborted: colour.yellow }[
    verdict
  ];
  return paint(verdict.toUpperCase().padEnd(7));
}

function header(result: RunResult, colour: Colours): string {
  return `${badge(result.verdict, colour)} ${colour.bold(result.scenario.name)}: ${headlineOf(result)}`;
}

function subject(result: RunResult): string[] {
  return [
    `        target ${result.target.name}, ${result.mode} mode, seed ${result.seed}, ${timeTaken(result)}`,
    `        ${describePromises(result.policy)}`,
  ];
}

function checkLines(checks: readonly Check[], colour: Colours): string[] {
  const paint: Record<Verdict, (text: string) => string> = {
    fail: colour.red,
    'no-data': colour.red,
    invalid: colour.yellow,
    pass: colour.green,
    'not-observable': colour.dim,
  };
  const sorted = byUrgency(checks);
  const nameWidth = Math.max(0, ...sorted.map(({ name }) => name.length));
  const lines: string[] = [];
  let hidden = 0;
  for (const check of sorted) {
    const own = [
      `  ${paint[check.verdict](MARKS[check.verdict])} ${check.name.padEnd(nameWidth)}  ${check.observed}  ${colour.dim(`allowed ${check.limit}`)}`,
      ...(check.verdict === 'pass' || check.reason === ''
        ? []
        : [`      ${check.reason}${colour.dim(modes(check))}`]),
      ...ground(check).map((line) => colour.dim(`      ${line}`)),
    ];
    if (lines.length + own.length <= MAX_LINES - FRAME_LINES) lines.push(...own);
    else hidden += 1;
  }
  if (hidden > 0) lines.push(colour.dim(`  … and ${hidden} more in result.json`));
  return lines;
}

/** Of a failed check: what demands it, and how others mended it. */
function ground({ verdict, clause, remedy }: Check): string[] {
  if (verdict !== 'fail' && verdict !== 'no-data') return [];
  return [
    ...(clause === undefined ? [] : [`demanded by ${clause}`]),
    ...(remedy === undefined ? [] : [`remedy: ${remedy}`]),
  ];
}

function modes({ failureModes }: Check): string {
  return failureModes.length === 0 ? '' : ` [${failureModes.join(' ')}]`;
}

function footer(result: RunResult, reportDir: string | undefined, colour: Colours): string[] {
  const { sessions, generator, series } = result;
  const observed = series.map((point) => point.observed);
  const lines = [
    `  sessions    attempted ${grouped(sessions.attempted)} = opened ${grouped(sessions.opened)} + refused ${grouped(sessions.refused)} + unknown ${grouped(sessions.unknown)}`,
    `  simulator   planned ${grouped(generator.planned)}, started ${grouped(generator.started)}, dropped ${grouped(generator.dropped)}; sent late p99 ${formatLength(generator.lagP99Ms)}${
      generator.model === 'closed' ? '; closed model: a slow target is asked less' : ''
    }`,
    ...validityLines(generator),
  ];
  if (observed.length > 1) {
    lines.push(
      `  on target   ${sparkline(observed)}  peak ${grouped(Math.max(...observed))}, end ${grouped(observed.at(-1) ?? 0)}`,
    );
  }
  lines.push(...memoryLine(result));
  if (reportDir !== undefined) lines.push(`  report      ${reportDir}/report.html`);
  if (result.verdict !== 'pass') lines.push(`  again       ${colour.bold(result.replay)}`);
  return lines;
}

/** Whether times could be measured, and how hard it was. Only where there was something to be hard: in real time. */
function validityLines({
  strain,
  loopDelayP99Ms,
  timingInvalid,
  dropCause,
}: RunResult['generator']): string[] {
  const dropped = dropCause ? [`  dropped     by the ${dropCause.cause}: ${dropCause.why}`] : [];
  if (!strain) return dropped;
  const { cpuCores, loopUtilisation, pressureShare, stealShare } = strain;
  const figures = [
    `own CPU ${cpuCores.toFixed(2)} cores`,
    `event loop ${percent(loopUtilisation)} busy, late p99 ${formatLength(loopDelayP99Ms ?? 0)}`,
    ...(pressureShare === undefined ? [] : [`CPU pressure ${percent(pressureShare)}`]),
    ...(stealShare === undefined ? [] : [`steal ${percent(stealShare)}`]),
  ];
  const warnings = strainWarnings(strain, loopDelayP99Ms);
  const validity = timingInvalid === undefined ? 'times valid' : 'times INVALID, counts valid';
  const warned = warnings.length === 0 ? '' : ` (${warnings.join(', ')})`;
  return [...dropped, `  measuring   ${validity}; ${figures.join(', ')}${warned}`];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function memoryLine({ series }: RunResult): string[] {
  const rss = series.flatMap(({ rssBytes }) => (rssBytes === undefined ? [] : [rssBytes]));
  const [first] = rss;
  const last = rss.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    `  memory      ${sparkline(rss)}  ${mib(first)} at the start, peak ${mib(Math.max(...rss))}, end ${mib(last)}`,
    ...heapLine(series),
  ];
}

/** Heap is looked at seldom, and after a collection each time: start and end say what stayed. */
function heapLine(series: RunResult['series']): string[] {
  const heap = series.flatMap(({ heapBytes }) => (heapBytes === undefined ? [] : [heapBytes]));
  const [first] = heap;
  const last = heap.at(-1);
  if (first === undefined || last === undefined) return [];
  return [`  heap        after collection: ${mib(first, 1)} at the start, end ${mib(last, 1)}`];
}

function mib(bytes: number, digits = 0): string {
  return `${(bytes / 2 ** 20).toFixed(digits)} MiB`;
}

const BARS = '▁▂▃▄▅▆▇█';

/** A series as bars, each the largest value of its stretch: a short peak must not vanish. */
export function sparkline(values: readonly number[]): string {
  const width = Math.min(SPARK_WIDTH, values.length);
  const top = Math.max(...values, 1);
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * values.length) / width);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / width));
    const peak = Math.max(...values.slice(from, to));
    return BARS[Math.min(BARS.length - 1, Math.floor((peak / top) * (BARS.length - 1) + 0.5))] ?? '';
  }).join('');
}
