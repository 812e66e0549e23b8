import type { Verdict } from '../judge/check.ts';
import type { RunResult } from '../result.ts';

/** CTRF has no word for what could not be decided: `other` is its own for what is none of the rest. */
const STATUS: Record<Verdict, 'passed' | 'failed' | 'skipped' | 'other'> = {
  pass: 'passed',
  fail: 'failed',
  'no-data': 'failed',
  invalid: 'other',
  'not-observable': 'skipped',
};

/** Results in the Common Test Report Format, one test a check. */
export function renderCtrf(results: readonly RunResult[]): string {
  const tests = results.flatMap(testsOf);
  const count = (status: string) => tests.filter((test) => test.status === status).length;
  const starts = results.map(({ startedAt }) => Date.parse(startedAt));
  const stops = results.map(({ startedAt, wallMs }) => Math.round(Date.parse(startedAt) + wallMs));
  const [name = 'mcp-soak', version = '0'] = (results[0]?.tool ?? '').split(' ');
  const document = {
    reportFormat: 'CTRF',
    specVersion: '0.0.0',
    results: {
      tool: { name, version },
      summary: {
        tests: tests.length,
        passed: count('passed'),
        failed: count('failed'),
        pending: 0,
        skipped: count('skipped'),
        other: count('other'),
        start: Math.min(...starts),
        stop: Math.max(...stops),
      },
      tests,
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function testsOf(result: RunResult) {
  const { scenario, mode, seed, replay, target } = result;
  return result.checks.map((check) => ({
    name: check.name,
    status: STATUS[check.verdict],
    // Every check watches the whole run: none has a time of its own.
    duration: 0,
    suite: [`${scenario.name} (${mode})`],
    rawStatus: check.verdict,
    type: check.kind,
    ...(check.verdict !== 'pass' && {
      message: [`${check.observed}, allowed ${check.limit}`, check.reason].filter(Boolean).join(': '),
    }),
    ...(check.evidence.length > 0 && { trace: check.evidence.join('\n') }),
    tags: check.failureModes,
    extra: {
      observed: check.observed,
      limit: check.limit,
      class: check.class,
      target: target.name,
      seed,
      replay,
      ...(check.clause !== undefined && { clause: check.clause }),
      ...(check.remedy !== undefined && { remedy: check.remedy }),
    },
  }));
}
