import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ComparisonRow, NumberRow } from '../../../simulator/judge/comparison.ts';
import {
  type ComparisonDocument,
  renderComparison,
  renderComparisonMarkdown,
} from '../../../simulator/reporters/comparison.ts';

const CHECK: ComparisonRow = {
  kind: 'check',
  name: 'sessions_not_leaked',
  class: 'counts',
  verdict: 'fail',
  reason: 'passed in the baseline, fails: 12 sessions | are left',
  baseline: 'pass',
  current: 'fail',
};
const P95: NumberRow = {
  kind: 'number',
  name: 'mcp_request_duration_ms{method:tools/call} p95',
  class: 'timing',
  verdict: 'fail',
  reason: 'worse than allowed',
  unit: 'ms',
  baseline: 12,
  current: 20,
  baselineRuns: 1,
  runs: 3,
  spread: null,
  worseRuns: 2,
  allowance: { share: 0.25, amount: 5 },
  worse: 'more',
};
const ROWS: readonly ComparisonRow[] = [
  { ...P95, name: 'reap_lag_ms max', verdict: 'pass', reason: '', baseline: 2_000, current: 1_900 },
  CHECK,
  P95,
  {
    ...P95,
    name: 'target_rss_bytes max',
    verdict: 'pass',
    reason: '',
    unit: 'bytes',
    baseline: 100 * 2 ** 20,
    current: 110 * 2 ** 20,
    allowance: { share: 0.2, amount: 16 * 2 ** 20 },
  },
  {
    ...P95,
    name: 'sessions.opened',
    verdict: 'no-data',
    reason: 'in the baseline, but not seen any more',
    unit: 'number',
    baseline: 1_100,
    current: null,
    runs: 0,
    allowance: { share: 0.05, amount: 1 },
    worse: 'less',
  },
  {
    ...P95,
    name: 'mcp_request_errors rate',
    verdict: 'pass',
    reason: '',
    unit: 'share',
    baseline: 0,
    current: 0.0005,
    allowance: { share: 0, amount: 0.001 },
  },
  {
    ...P95,
    name: 'reaped.late',
    verdict: 'not-observable',
    reason: 'too few',
    unit: 'number',
    allowance: null,
  },
];

const FILE = { file: 'base.json', seed: 7, tool: 'mcp-soak 0.1.0', startedAt: '2026-01-02T03:04:05.678Z' };
const document = (changes: Partial<ComparisonDocument> = {}): ComparisonDocument => ({
  format: 'mcp-soak-comparison',
  version: 1,
  scenario: 'abandon',
  mode: 'real',
  baseline: FILE,
  current: [1, 2, 3].map((seed) => ({ ...FILE, file: `now-${seed}.json`, seed })),
  notes: ['another Node: 24.1.0 → 26.10.0'],
  verdict: 'fail',
  runs: 3,
  rows: ROWS,
  exitCode: 99,
  ...changes,
});

describe('a comparison for a terminal', () => {
  it('says what is worse first, and how much', () => {
    expect(renderComparison(document(), false)).toMatchInlineSnapshot(`
      "FAIL    abandon (real): 3 of 6 worse than the baseline
              baseline base.json, seed 7, 2026-01-02T03:04:05.678Z
              current  median of n = 3 runs, seeds 1, 2, 3
              note     another Node: 24.1.0 → 26.10.0

        ✗ sessions_not_leaked                             pass → fail
            passed in the baseline, fails: 12 sessions | are left
        ✗ mcp_request_duration_ms{method:tools/call} p95  12 ms → 20 ms  +66.7 % (n = 3)  allowed +25 % or +5 ms
            worse than allowed
        ∅ sessions.opened                                 1,100 → none  allowed -5 % or -1
            in the baseline, but not seen any more
        ✓ reap_lag_ms max                                 2 s → 1.9 s  -5 % (n = 3)  allowed +25 % or +5 ms
        ✓ target_rss_bytes max                            100 MiB → 110 MiB  +10 % (n = 3)  allowed +20 % or +16 MiB
        ✓ mcp_request_errors rate                         0 % → 0.05 % (n = 3)  allowed +0.1 points
        … and 1 not comparable (--json has all)
      "
    `);
  });

  it.each([
    ['pass', 'PASS    abandon (real): nothing of 6 is worse than the baseline'],
    ['invalid', 'INVALID abandon (real): 0 of 6 could not be compared'],
  ] as const)('that is %s', (verdict, headline) => {
    expect(renderComparison(document({ verdict }), false)).toContain(headline);
  });

  it('of one run names its file, and folds what is no worse', () => {
    const rows = Array.from(
      { length: 20 },
      (_, n) => ({ ...P95, name: `n${n}`, verdict: 'pass', reason: '' }) as const,
    );
    const text = renderComparison(document({ rows, current: [FILE] }), false);
    expect(text).toContain('current  base.json, seed 7');
    expect(text).toContain('… and 8 no worse (--json has all)');
  });

  it('names one of many numbers that could not be compared for one reason', () => {
    const late = { ...P95, verdict: 'invalid', reason: 'the simulator was late' } as const;
    const rows = [
      late,
      { ...late, name: 'a' },
      { ...late, name: 'b', reason: 'another' },
      { ...CHECK, verdict: 'pass' } as const,
    ];
    const text = renderComparison(document({ verdict: 'invalid', rows }), false);
    expect(text).toContain('INVALID abandon (real): 3 of 4 could not be compared');
    expect(text.match(/^ {2}\? .*/gm)).toHaveLength(2);
    expect(text).toContain('      the simulator was late (and 1 more)\n');
    expect(text).toContain('      another\n');
    expect(text).toContain('… and 1 no worse');
  });

  it('uses colour only beside a mark', () => {
    const coloured = renderComparison(document(), true);
    expect(coloured).toContain('\u001b[31m');
    expect(stripVTControlCharacters(coloured)).toBe(renderComparison(document(), false));
  });
});

it('a comparison for a step summary', () => {
  expect(renderComparisonMarkdown(document())).toMatchInlineSnapshot(`
    "## ❌ abandon (real): 3 of 6 worse than the baseline

    baseline base.json, seed 7, 2026-01-02T03:04:05.678Z

    current  median of n = 3 runs, seeds 1, 2, 3

    note     another Node: 24.1.0 → 26.10.0

    |  | compared | baseline → current | allowed | why |
    | --- | --- | --- | --- | --- |
    | ✗ | \`sessions_not_leaked\` | pass → fail |  | passed in the baseline, fails: 12 sessions \\| are left |
    | ✗ | \`mcp_request_duration_ms{method:tools/call} p95\` | 12 ms → 20 ms  +66.7 % (n = 3) | +25 % or +5 ms | worse than allowed |
    | ∅ | \`sessions.opened\` | 1,100 → none | -5 % or -1 | in the baseline, but not seen any more |

    <details>
    <summary>3 no worse</summary>

    |  | compared | baseline → current | allowed | why |
    | --- | --- | --- | --- | --- |
    | ✓ | \`reap_lag_ms max\` | 2 s → 1.9 s  -5 % (n = 3) | +25 % or +5 ms |  |
    | ✓ | \`target_rss_bytes max\` | 100 MiB → 110 MiB  +10 % (n = 3) | +20 % or +16 MiB |  |
    | ✓ | \`mcp_request_errors rate\` | 0 % → 0.05 % (n = 3) | +0.1 points |  |

    </details>

    <details>
    <summary>1 not comparable</summary>

    |  | compared | baseline → current | allowed | why |
    | --- | --- | --- | --- | --- |
    | – | \`reaped.late\` | 12 → 20  +66.7 % (n = 3) | equal | too few |

    </details>

    "
  `);
});

it('of several runs it says where the median lies, and what the baseline is', () => {
  const spread = { lo: 18, hi: 25, coverage: 0.75 };
  const several = document({
    moreBaselines: [{ ...FILE, file: 'base-2.json', seed: 8 }],
    rows: [{ ...P95, spread, reason: 'worse than allowed in 3 of 3 runs' }],
  });
  const text = renderComparison(several, false);
  expect(text).toContain('baseline median of n = 2 runs, seeds 7, 8');
  expect(text).toContain('12 ms → 20 ms  +66.7 % (n = 3, 75 % in 18 ms to 25 ms)  allowed +25 % or +5 ms');
  expect(renderComparisonMarkdown(several)).toContain('worse than allowed in 3 of 3 runs');
});
