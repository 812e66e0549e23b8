import type { Check } from '../judge/check.ts';
import type { RunResult } from '../result.ts';

/*
 * JUnit XML has no specification. This keeps to the subset that GitLab, Jenkins and GitHub's reporters share:
 * one suite a run, one test case a check. Some of them show only the message of a failure, some only its body:
 * both carry it.
 *
 *   fail, no-data → failure      invalid → error      not-observable → skipped
 */

/** Results as one JUnit document, one suite each. */
export function renderJunit(results: readonly RunResult[]): string {
  const all = results.flatMap(({ checks }) => checks);
  const wallMs = results.reduce((sum, result) => sum + result.wallMs, 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="mcp-soak" ${tally(all)} time="${seconds(wallMs)}">`,
    ...results.flatMap(suite),
    '</testsuites>',
    '',
  ].join('\n');
}

function suite(result: RunResult): string[] {
  const name = `${result.scenario.name} (${result.mode})`;
  return [
    `  <testsuite ${attributes({ name })} ${tally(result.checks)} ${attributes({
      time: seconds(result.wallMs),
      timestamp: result.startedAt,
    })}>`,
    '    <properties>',
    ...Object.entries(properties(result)).map(
      ([key, value]) => `      <property ${attributes({ name: key, value })}/>`,
    ),
    '    </properties>',
    ...result.checks.flatMap((check) => testCase(check, result)),
    '  </testsuite>',
  ];
}

function properties(result: RunResult): Record<string, string> {
  return {
    seed: String(result.seed),
    mode: result.mode,
    replay: result.replay,
    target: result.target.name,
    tool: result.tool,
    verdict: result.verdict,
  };
}

function testCase(check: Check, { scenario, mode }: RunResult): string[] {
  // Every check watches the whole run, so that none has a time of its own: the suite has it, and sums stay true.
  const opening = `    <testcase ${attributes({ name: check.name, classname: `mcp-soak.${scenario.name}.${mode}`, time: '0' })}`;
  const outcome = outcomeOf(check);
  return outcome === undefined ? [`${opening}/>`] : [`${opening}>`, outcome, '    </testcase>'];
}

function outcomeOf(check: Check): string | undefined {
  const message = said(check);
  const body = escapeXml([message, ...check.evidence, ...modes(check), ...ground(check)].join('\n'));
  switch (check.verdict) {
    case 'pass':
      return undefined;
    case 'fail':
    case 'no-data':
      return `      <failure ${attributes({ message, type: check.verdict })}>${body}</failure>`;
    case 'invalid':
      return `      <error ${attributes({ message, type: check.verdict })}>${body}</error>`;
    case 'not-observable':
      return `      <skipped ${attributes({ message })}/>`;
  }
}

function said({ observed, limit, reason }: Check): string {
  return [`${observed}, allowed ${limit}`, reason].filter((part) => part !== '').join(': ');
}

function modes({ failureModes }: Check): string[] {
  return failureModes.length === 0 ? [] : [`failure modes: ${failureModes.join(' ')}`];
}

/** What demands it, and how others mended it. */
function ground({ clause, remedy }: Check): string[] {
  return [
    ...(clause === undefined ? [] : [`demanded by: ${clause}`]),
    ...(remedy === undefined ? [] : [`remedy: ${remedy}`]),
  ];
}

function tally(checks: readonly Check[]): string {
  const count = (...verdicts: Check['verdict'][]) =>
    String(checks.filter(({ verdict }) => verdicts.includes(verdict)).length);
  return attributes({
    tests: String(checks.length),
    failures: count('fail', 'no-data'),
    errors: count('invalid'),
    skipped: count('not-observable'),
  });
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escapeXml(value).replaceAll('\n', '&#10;')}"`)
    .join(' ');
}

/** What a target said may hold anything; XML 1.0 has no place for most control characters, not even escaped. */
const NOT_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function escapeXml(text: string): string {
  // Lone surrogates have no UTF-8 either.
  return text
    .toWellFormed()
    .replace(NOT_XML, '')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
