import { describe, expect, it } from 'vitest';
import { Metrics } from '../../../simulator/judge/metrics.ts';
import { renderMarkdown } from '../../../simulator/reporters/markdown.ts';
import { auditResult } from './html/rich-results.ts';
import { check, LEAKED, resultOf } from './results.ts';

describe('the step summary', () => {
  it('of a run that passed', () => {
    expect(renderMarkdown(resultOf())).toMatchInlineSnapshot(`
      "## ✅ abandon: all 3 checks passed

      Target reference hub, virtual mode, seed 42, 12m 7.5s of virtual time in 1.234 s, Node 26.0.0.

      <details>
      <summary>3 checks passed or not observable</summary>

      |  | check | seen | allowed | why |
      | --- | --- | --- | --- | --- |
      | ✅ pass | \`sessions_not_lost\` | 0 of 1,100 sessions | 0 |  |
      | ✅ pass | \`sessions_not_leaked\` | 0 of 1,100 sessions | 0 |  |
      | ✅ pass | \`target_survives\` | alive | alive to the end |  |

      </details>

      <details>
      <summary>The run in numbers</summary>

      |  | seen |
      | --- | --- |
      | sessions | attempted 1,100 = opened 1,099 + refused 1 + unknown 0 |
      | reaped | 900 in time, 0 early, 0 late, 0 too coarse to say |
      | simulator | planned 1,100, started 1,100, dropped 0; sent late p99 0 ms |
      | on target | ▁▄█▃▁ peak 1,000, end 0 |

      </details>

      The same run again:

      \`\`\`sh
      npx mcp-soak run scenarios/abandon.yaml --mode virtual --seed 42
      \`\`\`
      "
    `);
  });

  it('of one that failed: what failed first, with its evidence', () => {
    const metrics = new Metrics();
    for (const ms of [1, 2, 3]) metrics.trend('mcp_request_duration_ms', ms, 'tools/call');
    const result = resultOf({
      mode: 'real',
      verdict: 'fail',
      exitCode: 99,
      durationMs: 6_780,
      metrics: metrics.snapshot(),
      checks: [
        check('sessions_not_lost', 'pass'),
        check('reap_lag', 'not-observable', { reason: 'the target lists no sessions' }),
        { ...LEAKED, evidence: ['vanish/3#0, 372.000 s', 'vanish/4#0, 378.000 s'] },
        check('calls_answered', 'no-data', { observed: '0 of 0 calls', reason: 'no call was seen' }),
      ],
    });
    expect(renderMarkdown(result)).toMatchInlineSnapshot(`
      "## ❌ abandon: 2 of 3 checks failed

      Target reference hub, real mode, seed 42, 6.78 s of real time, Node 26.0.0.

      |  | check | seen | allowed | why |
      | --- | --- | --- | --- | --- |
      | ❌ fail | \`sessions_not_leaked\` | 12 of 1,100 sessions | 0 | vanish/3#0 was still there at 372.000 s, 6 s after its last tolerated moment (F01 F04) |
      | ❌ no data | \`calls_answered\` | 0 of 0 calls | 0 | no call was seen |

      <details>
      <summary>Evidence for sessions_not_leaked</summary>

      - vanish/3#0, 372.000 s
      - vanish/4#0, 378.000 s

      </details>

      <details>
      <summary>2 checks passed or not observable</summary>

      |  | check | seen | allowed | why |
      | --- | --- | --- | --- | --- |
      | ✅ pass | \`sessions_not_lost\` | 0 of 1,100 sessions | 0 |  |
      | ➖ not observable | \`reap_lag\` | 0 of 1,100 sessions | 0 | the target lists no sessions |

      </details>

      <details>
      <summary>The run in numbers</summary>

      |  | seen |
      | --- | --- |
      | sessions | attempted 1,100 = opened 1,099 + refused 1 + unknown 0 |
      | reaped | 900 in time, 0 early, 0 late, 0 too coarse to say |
      | simulator | planned 1,100, started 1,100, dropped 0; sent late p99 0 ms |
      | on target | ▁▄█▃▁ peak 1,000, end 0 |
      | \`all requests\` | p50 2 ms, p95 3 ms, p99 3 ms, max 3 ms of 3 |
      | \`tools/call\` | p50 2 ms, p95 3 ms, p99 3 ms, max 3 ms of 3 |

      </details>

      The same run again:

      \`\`\`sh
      npx mcp-soak run scenarios/abandon.yaml --mode virtual --seed 42
      \`\`\`
      "
    `);
  });

  it.each([
    ['one that could not be decided', 'invalid', 'invalid', '⚠️ abandon: 1 of 1 checks could not be decided'],
    ['one that was stopped', 'aborted', 'pass', '⏹️ abandon: stopped by a signal'],
  ] as const)('says the verdict of %s', (_, verdict, one, headline) => {
    expect(renderMarkdown(resultOf({ verdict, checks: [check('reap_lag', one)] }))).toContain(headline);
  });

  it('lets nothing that a target said become markup, a mention, or a second row', () => {
    const observed = '<img src=x> | @octocat *bold* `code` [link](x)\n| row |\u001b[0m';
    const text = renderMarkdown(resultOf({ checks: [{ ...LEAKED, observed }] }));
    expect(text).toContain(
      '&lt;img src=x&gt; \\| &#64;octocat \\*bold\\* \\`code\\` \\[link\\](x) \\| row \\| \\[0m',
    );
    expect(text.split('\n').filter((line) => line.startsWith('| row'))).toEqual([]);
  });

  it('keeps a name or a command with backticks inside its code', () => {
    const text = renderMarkdown(resultOf({ checks: [check('a`b|c', 'fail')], replay: 'x ```\n# y' }));
    expect(text).toContain("`a'b\\|c`");
    expect(text).toContain("```sh\nx ''' # y\n```\n");
  });

  it('is cut below its limit with a note, and leaves no fold open', () => {
    const checks = Array.from({ length: 500 }, (_, index) => check(`check_${index}`, 'pass'));
    const text = renderMarkdown(resultOf({ checks }), { maxBytes: 5_000 });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(5_000);
    expect(Buffer.byteLength(text)).toBeGreaterThan(4_800);
    expect(text).toMatch(/\n<\/details>\n\n_Cut short: all of it is in `result\.json`\._\n$/);
    expect(text.match(/<details>/g)).toHaveLength((text.match(/<\/details>/g) ?? []).length);
  });

  it('stays below the 1 MiB at which GitHub drops it, however much there is to say', () => {
    const checks = Array.from({ length: 9_000 }, (_, index) =>
      check(`check_${index}`, 'fail', { reason: 'ü'.repeat(100) }),
    );
    expect(Buffer.byteLength(renderMarkdown(resultOf({ checks })))).toBeLessThanOrEqual(900_000);
  });
});

it('a failed check names what demands it, and how others mended it', () => {
  const result = auditResult();
  const text = renderMarkdown(result);
  expect(text).toMatch(/[Dd]emanded by:? MCP 2025-11-25, basic\/transports: Session Management, 3/);
  expect(text).toMatch(/[Rr]emedy: Answer 404, so that clients start a new session\./);
});
