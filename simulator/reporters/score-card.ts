import pc from 'picocolors';
import type { Check } from '../judge/check.ts';
import { formatCount, grouped } from '../judge/format.ts';
import type { RunResult } from '../result.ts';
import { timeTaken } from './headline.ts';
import { describePromises } from './promises.ts';

/** The failure modes that cost operators most come first (a survey of outages); the rest follow by their ids. */
const WORST_FIRST = [
  ...['F01', 'F08', 'F12', 'F13', 'F16', 'F20', 'F21', 'F28', 'F36', 'F37', 'F38', 'F26', 'F43'],
  ...['F45', 'F46', 'F47', 'F24', 'F22', 'F48', 'F50', 'F29', 'F30', 'F32', 'F33'],
];
const MAX_WIDTH = 220;

type Colours = ReturnType<typeof pc.createColors>;

/** An audit for people: what failed first, worst first, each with what decided it; then the rest, a line each. */
export function renderScoreCard(
  result: RunResult,
  { useColour, reportDir }: { readonly useColour: boolean; readonly reportDir?: string | undefined },
): string {
  const colour = pc.createColors(useColour);
  const of = (...verdicts: Check['verdict'][]) =>
    result.checks.filter(({ verdict }) => verdicts.includes(verdict));
  const failed = of('fail', 'no-data').sort(byWeight);
  const undecided = of('invalid');
  const passed = of('pass');
  const unseen = of('not-observable');
  const lines = [
    headline(result, { failed, undecided, passed, unseen }, colour),
    ...subject(result).map((line) => colour.dim(`        ${line}`)),
    ...section('failed', failed, colour, (check) => failure(check, colour)),
    ...section('undecided', undecided, colour, (check) => [
      `  ${colour.yellow('?')} ${title(check)}`,
      `      ${check.reason}`,
    ]),
    ...section('passed', passed, colour, (check) => [
      `  ${colour.green('✓')} ${title(check).padEnd(48)} ${colour.dim(check.observed)}`,
    ]),
    ...(unseen.length === 0 ? [] : ['', colour.bold('not observable here'), ...reasons(unseen, colour)]),
    ...(failed.length === 0 ? [] : ['', colour.dim(LEGEND)]),
    '',
    ...footer(result, reportDir, colour),
  ];
  return `${lines.join('\n')}\n`;
}

const LEGEND = '  $A, $B … stand for session ids: POST initialize and take the Mcp-Session-Id of its answer.';

function headline(
  { verdict }: RunResult,
  counts: Record<'failed' | 'undecided' | 'passed' | 'unseen', readonly Check[]>,
  colour: Colours,
): string {
  const paint = { pass: colour.green, fail: colour.red, invalid: colour.yellow, aborted: colour.yellow }[
    verdict
  ];
  const said = [
    `${counts.failed.length} failed`,
    ...(counts.undecided.length === 0 ? [] : [`${counts.undecided.length} undecided`]),
    `${counts.passed.length} passed`,
    `${counts.unseen.length} not observable`,
  ];
  return `${paint(verdict.toUpperCase().padEnd(7))} ${colour.bold('audit')}: ${said.join(', ')}`;
}

function subject(result: RunResult): string[] {
  const { target, mode, seed, sessions } = result;
  const left = sessions.opened - sessions.deleted;
  return [
    `target ${target.name}, ${mode} mode, seed ${seed}, ${timeTaken(result)}`,
    describePromises(result.policy),
    `${formatCount(sessions.opened, 'session')} opened; ${left === 0 ? 'all deleted' : `${grouped(left)} of them left behind, which was the point`}`,
  ];
}

function section(
  name: string,
  checks: readonly Check[],
  colour: Colours,
  render: (check: Check) => string[],
): string[] {
  return checks.length === 0 ? [] : ['', colour.bold(name), ...checks.flatMap(render)];
}

function failure(check: Check, colour: Colours): string[] {
  const { demands, clause, remedy, observed, limit, reason, evidence } = check;
  const row = (name: string, text: string | undefined) =>
    text === undefined || text === '' ? [] : [`      ${colour.dim(name.padEnd(9))} ${text}`];
  return [
    `  ${colour.red('✗')} ${colour.bold(title(check))}`,
    ...row('demands', demands),
    ...row('observed', `${observed}   ${colour.dim(`allowed: ${limit}`)}`),
    ...row('means', reason),
    ...row('source', clause),
    ...row('mend', remedy),
    ...evidence.map((line) => `      ${colour.dim(shortened(line))}`),
    '',
  ];
}

function title({ name, failureModes }: Check): string {
  return `${failureModes[0] ?? '   '} ${name}`;
}

/** Grouped: what is missing is often missing for many. */
function reasons(checks: readonly Check[], colour: Colours): string[] {
  const groups = new Map<string, string[]>();
  for (const check of checks) groups.set(check.reason, [...(groups.get(check.reason) ?? []), title(check)]);
  return [...groups].flatMap(([reason, names]) => [
    `  – ${reason}`,
    ...names.map((name) => colour.dim(`      ${name}`)),
  ]);
}

function footer(result: RunResult, reportDir: string | undefined, colour: Colours): string[] {
  return [
    ...(reportDir === undefined ? [] : [`  report      ${reportDir}/report.html`]),
    ...(result.verdict === 'pass' ? [] : [`  again       ${colour.bold(result.replay)}`]),
  ];
}

function byWeight(one: Check, other: Check): number {
  return weight(one) - weight(other) || one.name.localeCompare(other.name, 'en');
}

function weight({ failureModes: [mode = 'F99'] }: Check): number {
  const rank = WORST_FIRST.indexOf(mode);
  return rank === -1 ? WORST_FIRST.length + Number(mode.slice(1)) : rank;
}

function shortened(line: string): string {
  return line.length <= MAX_WIDTH ? line : `${line.slice(0, MAX_WIDTH - 1)}…`;
}
