import { describe, expect, it } from 'vitest';
import {
  renderLine,
  renderSummary,
  renderTroubles,
  sparkline,
} from '../../../simulator/reporters/console.ts';
import { auditResult } from './html/rich-results.ts';
import { check, LEAKED, resultOf, seriesOf } from './results.ts';

const plain = { useColour: false } as const;
const ESCAPE = '\u001b';

describe('the line on how the measuring went', () => {
  const { generator } = resultOf();
  const strain = {
    loopDelayMaxMs: 40,
    loopUtilisation: 0.084,
    cpuCores: 0.052,
    pressureShare: 0.985,
    stealShare: 0.02,
  };
  const lines = (changes: object) =>
    renderSummary(resultOf({ generator: { ...generator, ...changes } }), plain).split('\n');

  it('says that times stand, and how hard the machine had it', () => {
    expect(lines({ strain, loopDelayP99Ms: 3.2 })).toContain(
      '  measuring   times valid; own CPU 0.05 cores, event loop 8 % busy, late p99 3.2 ms, CPU pressure 99 %, steal 2 % (the machine is short of CPU)',
    );
  });

  it('says that times are void and counts are not', () => {
    const [line] = lines({ strain, timingInvalid: 'late' }).filter((text) => text.includes('measuring'));
    expect(line).toContain('times INVALID, counts valid');
  });

  it('is absent in virtual time', () => {
    expect(lines({}).filter((text) => text.includes('measuring'))).toEqual([]);
  });

  it('says whose fault dropped arrivals were', () => {
    const dropCause = { cause: 'target', why: 'virtual users were all waiting' };
    expect(lines({ dropCause })).toContain('  dropped     by the target: virtual users were all waiting');
  });

  it('labels a closed model', () => {
    const label = 'closed model: a slow target is asked less';
    expect(lines({ model: 'closed' }).join()).toContain(label);
    expect(lines({ model: 'open' }).join()).not.toContain(label);
  });
});

describe('the summary of a run', () => {
  it('that passed', () => {
    expect(renderSummary(resultOf(), { ...plain, reportDir: 'reports/now' })).toMatchInlineSnapshot(`
      "PASS    abandon: all 3 checks passed
              target reference hub, virtual mode, seed 42, 12m 7.5s of virtual time in 1.234 s
              promised: T 5m 0s, C 1m 0s, H 30 s, D 2m 0s  (idle timeout, cleanup, handshake, dead peer)

        ✓ sessions_not_lost    0 of 1,100 sessions  allowed 0
        ✓ sessions_not_leaked  0 of 1,100 sessions  allowed 0
        ✓ target_survives      alive  allowed alive to the end

        sessions    attempted 1,100 = opened 1,099 + refused 1 + unknown 0
        simulator   planned 1,100, started 1,100, dropped 0; sent late p99 0 ms
        on target   ▁▄█▃▁  peak 1,000, end 0
        report      reports/now/report.html
      "
    `);
  });

  it('that failed: first what failed, with its reason, and the command that makes it again', () => {
    const result = resultOf({
      mode: 'real',
      verdict: 'fail',
      exitCode: 99,
      durationMs: 6_780,
      checks: [
        check('sessions_not_lost', 'pass'),
        check('reap_lag', 'not-observable', { reason: 'the target lists no sessions' }),
        LEAKED,
        check('calls_answered', 'no-data', { observed: '0 of 0 calls', reason: 'no call was seen' }),
      ],
      series: seriesOf([0, 400, 1_000, 300, 12], [90, 120, 180, 150, 110]),
      replay: 'npx mcp-soak run scenarios/abandon.yaml --mode real --seed 42',
    });
    expect(renderSummary(result, { ...plain, reportDir: 'reports/now' })).toMatchInlineSnapshot(`
      "FAIL    abandon: 2 of 3 checks failed
              target reference hub, real mode, seed 42, 6.78 s of real time
              promised: T 5m 0s, C 1m 0s, H 30 s, D 2m 0s  (idle timeout, cleanup, handshake, dead peer)

        ✗ sessions_not_leaked  12 of 1,100 sessions  allowed 0
            vanish/3#0 was still there at 372.000 s, 6 s after its last tolerated moment [F01 F04]
        ∅ calls_answered       0 of 0 calls  allowed 0
            no call was seen
        ✓ sessions_not_lost    0 of 1,100 sessions  allowed 0
        – reap_lag             0 of 1,100 sessions  allowed 0
            the target lists no sessions

        sessions    attempted 1,100 = opened 1,099 + refused 1 + unknown 0
        simulator   planned 1,100, started 1,100, dropped 0; sent late p99 0 ms
        on target   ▁▄█▃▁  peak 1,000, end 12
        memory      ▅▆█▇▅  90 MiB at the start, peak 180 MiB, end 110 MiB
        report      reports/now/report.html
        again       npx mcp-soak run scenarios/abandon.yaml --mode real --seed 42
      "
    `);
  });

  it('that could not be decided', () => {
    const result = resultOf({
      verdict: 'invalid',
      exitCode: 98,
      checks: [
        check('sessions_not_lost', 'pass'),
        check('mcp_request_duration_ms p(95) < 250 ms', 'invalid', {
          kind: 'threshold',
          class: 'timing',
          observed: '12 ms',
          limit: '< 250 ms',
          reason: 'the simulator sent its requests late',
        }),
      ],
    });
    expect(renderSummary(result, plain)).toMatchInlineSnapshot(`
      "INVALID abandon: 1 of 2 checks could not be decided
              target reference hub, virtual mode, seed 42, 12m 7.5s of virtual time in 1.234 s
              promised: T 5m 0s, C 1m 0s, H 30 s, D 2m 0s  (idle timeout, cleanup, handshake, dead peer)

        ? mcp_request_duration_ms p(95) < 250 ms  12 ms  allowed < 250 ms
            the simulator sent its requests late
        ✓ sessions_not_lost                       0 of 1,100 sessions  allowed 0

        sessions    attempted 1,100 = opened 1,099 + refused 1 + unknown 0
        simulator   planned 1,100, started 1,100, dropped 0; sent late p99 0 ms
        on target   ▁▄█▃▁  peak 1,000, end 0
        again       npx mcp-soak run scenarios/abandon.yaml --mode virtual --seed 42
      "
    `);
  });

  it('that was stopped, on a target that promises nothing', () => {
    const { policy } = resultOf();
    const nothing = {
      ...policy,
      sessionTimeoutMs: null,
      handshakeTimeoutMs: null,
      deadPeerMs: null,
      cleanupIntervalMs: 0,
    };
    const result = resultOf({ verdict: 'aborted', exitCode: 105, checks: [], series: [], policy: nothing });
    expect(renderSummary(result, plain)).toMatchInlineSnapshot(`
      "ABORTED abandon: stopped by a signal; what there was has been judged
              target reference hub, virtual mode, seed 42, 12m 7.5s of virtual time in 1.234 s
              promised: nothing that could be judged


        sessions    attempted 1,100 = opened 1,099 + refused 1 + unknown 0
        simulator   planned 1,100, started 1,100, dropped 0; sent late p99 0 ms
        again       npx mcp-soak run scenarios/abandon.yaml --mode virtual --seed 42
      "
    `);
  });
});

describe('a summary', () => {
  const many = Array.from({ length: 60 }, (_, n) =>
    check(`check_${n}`, n % 3 === 0 ? 'fail' : 'pass', n % 3 === 0 ? { reason: `reason ${n}` } : {}),
  );
  const crowded = resultOf({
    verdict: 'fail',
    exitCode: 99,
    checks: many,
    series: seriesOf([0, 400, 0], [90, 120, 100]),
  });
  const lines = renderSummary(crowded, { ...plain, reportDir: 'reports/now' })
    .trimEnd()
    .split('\n');

  it('never takes more than 40 lines, and loses neither the way to the report nor the replay', () => {
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(lines.at(-2)).toContain('reports/now');
    expect(lines.at(-1)).toContain(crowded.replay);
  });

  it('shows what failed first, and says how much it left out', () => {
    const shown = lines.filter((line) => /^ {2}[✓✗]/.test(line));
    const left = many.length - shown.length;
    expect(shown.every((line) => line.startsWith('  ✗'))).toBe(true);
    expect(lines.some((line) => line.includes(`and ${left} more in result.json`))).toBe(true);
  });

  it('has no escape codes without colour, and has them with it', () => {
    expect(renderSummary(crowded, plain)).not.toContain(ESCAPE);
    expect(renderLine(crowded, false)).not.toContain(ESCAPE);
    expect(renderSummary(crowded, { useColour: true })).toContain(ESCAPE);
  });

  it('says the same with colour as without', () => {
    const codes = new RegExp(`${ESCAPE}\\[\\d+m`, 'g');
    expect(renderSummary(crowded, { useColour: true }).replace(codes, '')).toBe(
      renderSummary(crowded, plain),
    );
  });
});

describe('one run among many', () => {
  it('takes a line', () => {
    const lines = [
      resultOf(),
      resultOf({ mode: 'real', verdict: 'fail', checks: [LEAKED], durationMs: 9_800 }),
    ];
    expect(lines.map((result) => renderLine(result, false)).join('\n')).toMatchInlineSnapshot(`
      "PASS     abandon           virtual   1,099 sessions    3 of 3 checks     12m 7.5s in 1.234 s
      FAIL     abandon           real      1,099 sessions    0 of 1 checks     9.8 s"
    `);
  });

  it('tells its troubles below, and nothing when there are none', () => {
    expect(renderTroubles(resultOf(), false)).toEqual([]);
    expect(
      renderTroubles(resultOf({ checks: [check('a', 'pass'), LEAKED] }), false).join('\n'),
    ).toMatchInlineSnapshot(`
      "  ✗ sessions_not_leaked  12 of 1,100 sessions  allowed 0
            vanish/3#0 was still there at 372.000 s, 6 s after its last tolerated moment [F01 F04]"
    `);
  });
});

describe('a sparkline', () => {
  it.each<[string, number[], string]>([
    ['nothing', [], ''],
    ['zeros lie on the ground', [0, 0, 0], '▁▁▁'],
    ['a ramp', [0, 1, 2, 3, 4, 5, 6, 7], '▁▂▃▄▅▆▇█'],
    ['a constant is its own top', [5, 5], '██'],
    ['values below one do not look like much', [0, 0.2], '▁▂'],
  ])('of %s', (_, values, expected) => {
    expect(sparkline(values)).toBe(expected);
  });

  it.each([0, 1, 499, 777, 999])('keeps a peak of one sample in 1,000, the one numbered %i', (peakAt) => {
    const values = Array.from({ length: 1_000 }, (_, index) => (index === peakAt ? 100 : 1));
    const drawn = sparkline(values);
    expect([drawn.length, [...drawn].filter((bar) => bar === '█').length]).toEqual([40, 1]);
  });
});

it('a failed check names what demands it, and how others mended it', () => {
  // Among others: a run of audits alone has a score card.
  const result = resultOf({ verdict: 'fail', checks: [...auditResult().checks, check('a', 'pass')] });
  const text = renderSummary(result, { useColour: false });
  expect(text).toMatch(/[Dd]emanded by:? MCP 2025-11-25, basic\/transports: Session Management, 3/);
  expect(text).toMatch(/[Rr]emedy: Answer 404, so that clients start a new session\./);
});
