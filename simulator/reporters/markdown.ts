import type { Check, Verdict } from '../judge/check.ts';
import { formatLength, grouped } from '../judge/format.ts';
import type { RunResult } from '../result.ts';
import { sparkline } from './console.ts';
import { headlineOf, timeTaken, troublesOf } from './headline.ts';
import { code, commandBlock, plainText, table, withinBytes } from './markdown-text.ts';

/** GitHub drops a step summary over 1 MiB as a whole; this leaves room for what others write there. */
export const MAX_SUMMARY_BYTES = 900_000;

const MARKS: Record<Verdict, string> = {
  fail: '❌ fail',
  'no-data': '❌ no data',
  invalid: '⚠️ undecided',
  pass: '✅ pass',
  'not-observable': '➖ not observable',
};

/** The result of a run for a step summary or a comment: what decided it first, the rest folded away. */
export function renderMarkdown(
  result: RunResult,
  { maxBytes = MAX_SUMMARY_BYTES }: { maxBytes?: number } = {},
): string {
  const troubles = troublesOf(result.checks);
  const rest = result.checks.filter((check) => !troubles.includes(check));
  const lines = [
    `## ${verdictMark(result)} ${plainText(result.scenario.name)}: ${headlineOf(result)}`,
    '',
    subject(result),
    '',
    ...checkTable(troubles),
    ...evidence(troubles),
    ...folded(
      `${rest.length} ${rest.length === 1 ? 'check' : 'checks'} passed or not observable`,
      checkTable(rest),
    ),
    ...folded('The run in numbers', numbers(result)),
    'The same run again:',
    '',
    ...commandBlock(result.replay),
  ];
  return withinBytes(lines, maxBytes, '_Cut short: all of it is in `result.json`._');
}

function verdictMark({ verdict }: RunResult): string {
  return { pass: '✅', fail: '❌', invalid: '⚠️', aborted: '⏹️' }[verdict];
}

function subject(result: RunResult): string {
  const { target, mode, seed, environment } = result;
  return `Target ${plainText(target.name)}, ${mode} mode, seed ${seed}, ${timeTaken(result)}, Node ${plainText(environment.node)}.`;
}

function checkTable(checks: readonly Check[]): string[] {
  const rows = checks.map((check) => [
    MARKS[check.verdict],
    code(check.name),
    plainText(check.observed),
    plainText(check.limit),
    plainText([check.reason, modes(check)].filter((part) => part !== '').join(' ')),
  ]);
  const lines = table(['', 'check', 'seen', 'allowed', 'why'], rows);
  return lines.length === 0 ? [] : [...lines, ''];
}

function modes({ failureModes }: Check): string {
  return failureModes.length === 0 ? '' : `(${failureModes.join(' ')})`;
}

function evidence(checks: readonly Check[]): string[] {
  return checks.flatMap((check) => {
    const { clause, remedy } = check;
    const lines = [
      // A single line is in the table already, as the reason.
      ...(check.evidence.length < 2 ? [] : check.evidence.map((line) => `- ${plainText(line)}`)),
      ...(clause === undefined ? [] : ['', `Demanded by ${plainText(clause)}.`]),
      ...(remedy === undefined ? [] : ['', `Remedy: ${plainText(remedy)}`]),
    ];
    return folded(`Evidence for ${check.name}`, lines[0] === '' ? lines.slice(1) : lines);
  });
}

function folded(summary: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const title = plainText(summary).replaceAll('\\', '');
  const inside = lines.at(-1) === '' ? lines : [...lines, ''];
  return ['<details>', `<summary>${title}</summary>`, '', ...inside, '</details>', ''];
}

function numbers(result: RunResult): string[] {
  const { sessions, generator, reapLag, series } = result;
  const observed = series.map((point) => point.observed);
  const rows = [
    [
      'sessions',
      `attempted ${grouped(sessions.attempted)} = opened ${grouped(sessions.opened)} + refused ${grouped(sessions.refused)} + unknown ${grouped(sessions.unknown)}`,
    ],
    [
      'reaped',
      `${grouped(reapLag.certified)} in time, ${grouped(reapLag.early)} early, ${grouped(reapLag.late)} late, ${grouped(reapLag.tooCoarse)} too coarse to say`,
    ],
    [
      'simulator',
      `planned ${grouped(generator.planned)}, started ${grouped(generator.started)}, dropped ${grouped(generator.dropped)}; sent late p99 ${formatLength(generator.lagP99Ms)}`,
    ],
    ...(observed.length > 1
      ? [
          [
            'on target',
            `${sparkline(observed)} peak ${grouped(Math.max(...observed))}, end ${observed.at(-1)}`,
          ],
        ]
      : []),
    ...latencies(result),
  ];
  return table(['', 'seen'], rows);
}

function latencies({ metrics, mode }: RunResult): string[][] {
  const trend = metrics.trends.mcp_request_duration_ms;
  // In virtual time no request takes any.
  if (mode === 'virtual' || trend === undefined) return [];
  return [['all requests', trend] as const, ...Object.entries(trend.methods)].map(([method, series]) => [
    code(method),
    `p50 ${formatLength(series.p50Ms)}, p95 ${formatLength(series.p95Ms)}, p99 ${formatLength(series.p99Ms)}, max ${formatLength(series.maxMs)} of ${grouped(series.count)}`,
  ]);
}
