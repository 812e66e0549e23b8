import { describe, expect, it } from 'vitest';
import type { Check } from '../../../simulator/judge/check.ts';
import { renderJunit } from '../../../simulator/reporters/junit.ts';
import { auditResult } from './html/rich-results.ts';
import { check, LEAKED, resultOf } from './results.ts';

const withCheck = (one: Check) => renderJunit([resultOf({ checks: [one] })]);

describe('the JUnit document', () => {
  it('of a run with every verdict there is', () => {
    const result = resultOf({
      verdict: 'fail',
      exitCode: 99,
      checks: [
        check('sessions_not_lost', 'pass'),
        { ...LEAKED, evidence: ['vanish/3#0 at 372.000 s', 'vanish/4#0 at 378.000 s'] },
        check('calls_answered', 'no-data', { observed: '0 of 0 calls', reason: 'no call was seen' }),
        check('mcp_request_duration_ms p(95) < 250 ms', 'invalid', {
          observed: '12 ms',
          limit: '< 250 ms',
          reason: 'the machine was too busy',
        }),
        check('reap_lag', 'not-observable', { reason: 'the target lists no sessions' }),
      ],
    });
    expect(renderJunit([result])).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="mcp-soak" tests="5" failures="2" errors="1" skipped="1" time="1.234">
        <testsuite name="abandon (virtual)" tests="5" failures="2" errors="1" skipped="1" time="1.234" timestamp="2026-01-02T03:04:05.678Z">
          <properties>
            <property name="seed" value="42"/>
            <property name="mode" value="virtual"/>
            <property name="replay" value="npx mcp-soak run scenarios/abandon.yaml --mode virtual --seed 42"/>
            <property name="target" value="reference hub"/>
            <property name="tool" value="mcp-soak 0.1.0"/>
            <property name="verdict" value="fail"/>
          </properties>
          <testcase name="sessions_not_lost" classname="mcp-soak.abandon.virtual" time="0"/>
          <testcase name="sessions_not_leaked" classname="mcp-soak.abandon.virtual" time="0">
            <failure message="12 of 1,100 sessions, allowed 0: vanish/3#0 was still there at 372.000 s, 6 s after its last tolerated moment" type="fail">12 of 1,100 sessions, allowed 0: vanish/3#0 was still there at 372.000 s, 6 s after its last tolerated moment
      vanish/3#0 at 372.000 s
      vanish/4#0 at 378.000 s
      failure modes: F01 F04</failure>
          </testcase>
          <testcase name="calls_answered" classname="mcp-soak.abandon.virtual" time="0">
            <failure message="0 of 0 calls, allowed 0: no call was seen" type="no-data">0 of 0 calls, allowed 0: no call was seen</failure>
          </testcase>
          <testcase name="mcp_request_duration_ms p(95) &lt; 250 ms" classname="mcp-soak.abandon.virtual" time="0">
            <error message="12 ms, allowed &lt; 250 ms: the machine was too busy" type="invalid">12 ms, allowed &lt; 250 ms: the machine was too busy</error>
          </testcase>
          <testcase name="reap_lag" classname="mcp-soak.abandon.virtual" time="0">
            <skipped message="0 of 1,100 sessions, allowed 0: the target lists no sessions"/>
          </testcase>
        </testsuite>
      </testsuites>
      "
    `);
  });

  it('adds runs up, a suite each', () => {
    const runs = [resultOf(), resultOf({ mode: 'real', wallMs: 500, checks: [LEAKED] })];
    const document = renderJunit(runs);
    expect(document).toContain(
      '<testsuites name="mcp-soak" tests="4" failures="1" errors="0" skipped="0" time="1.734">',
    );
    expect(document.match(/<testsuite /g)).toHaveLength(2);
    expect(document).toContain('classname="mcp-soak.abandon.real"');
  });

  it.each([
    ['markup', `<b a="1">'&'</b>`, '&lt;b a=&quot;1&quot;&gt;&apos;&amp;&apos;&lt;/b&gt;'],
    ['control characters', 'a\u0000b\u001b[31mc\u000bd', 'ab[31mcd'],
    ['a lone half of a surrogate pair', 'a\ud800b', 'a\ufffdb'],
    ['noncharacters', 'a\ufffeb\uffff', 'ab'],
    ['letters of any alphabet', 'é 漢 😀', 'é 漢 😀'],
  ])('takes %s from a target', (_, reason, written) => {
    const document = withCheck({ ...LEAKED, observed: '1', limit: '0', reason });
    expect(document).toContain(`message="1, allowed 0: ${written}"`);
    expect(document).toContain(`>1, allowed 0: ${written}\nfailure modes`);
  });

  it('keeps line ends in attributes, where a reader would make them spaces', () => {
    expect(withCheck({ ...LEAKED, observed: '1', reason: 'a\nb' })).toContain(
      'message="1, allowed 0: a&#10;b"',
    );
  });
});

it('a failed check names what demands it, and how others mended it', () => {
  const result = auditResult();
  const text = renderJunit([result]);
  expect(text).toMatch(/[Dd]emanded by:? MCP 2025-11-25, basic\/transports: Session Management, 3/);
  expect(text).toMatch(/[Rr]emedy: Answer 404, so that clients start a new session\./);
});
