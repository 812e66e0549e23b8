import { Metrics } from '../../../../simulator/judge/metrics.ts';
import type { RunResult } from '../../../../simulator/result.ts';
import { check, LEAKED, resultOf, seriesOf } from '../results.ts';

/** What a hostile server may say: it must stay text wherever it is shown. */
export const HOSTILE = `</script><script>document.title='owned'</script><img src=x onerror="document.title='owned'">`;

/** A real run that failed, with all that a result can hold, told by a hostile server. */
export function failedResult(): RunResult {
  const metrics = new Metrics();
  for (let n = 1; n <= 1_000; n += 1) {
    const method = n % 3 === 0 ? 'initialize' : HOSTILE;
    metrics.trend('mcp_request_duration_ms', n / 4, method);
    metrics.trend('mcp_request_service_ms', n / 5, method);
    metrics.rate('mcp_request_errors', n % 100 === 0);
  }
  for (const ms of [301_000, 340_000, 359_000]) metrics.trend('reap_lag_ms', ms);
  return resultOf({
    mode: 'real',
    verdict: 'fail',
    exitCode: 99,
    target: { name: HOSTILE, endpoint: 'http://127.0.0.1:1/mcp', sessionsAre: 'listed' },
    scenario: { name: 'abandon', description: HOSTILE, file: 'abandon.yaml', covers: ['F01'], text: HOSTILE },
    checks: [
      check('target_survives', 'pass'),
      check('mcp_request_duration_ms p(95) < 250 ms', 'pass', {
        kind: 'threshold',
        class: 'timing',
        observed: '200 ms',
        limit: 'p(95) < 250 ms',
      }),
      check('reap_lag', 'invalid', { reason: 'the looks were too far apart' }),
      {
        ...LEAKED,
        evidence: [HOSTILE, 'vanish/4#0, 378.000 s'],
        clause: 'MCP 2025-11-25, basic/transports: Session Management, 3',
        remedy: 'End sessions that nobody uses.',
      },
    ],
    series: seriesOf([0, 400, 1_000, 300, 12], [100, 120, 160, 150, 140]).map((point, index) => ({
      ...point,
      may: index === 4 ? 0 : point.may + 10,
      ...(index % 2 === 0 && { heapBytes: 30e6 + index * 1e6 }),
    })),
    course: {
      phases: [
        { kind: 'load', cycle: 1, from: 0, to: 12_000 },
        { kind: 'settle', cycle: 1, from: 12_000, to: 727_500 },
      ],
      markers: [{ t: 15_000, what: 'killed' }],
    },
    traffic: {
      bucketMs: 1_000,
      points: [0, 1_000, 2_000].map((t) => ({
        t,
        requests: 300,
        errors: t === 1_000 ? 10 : 0,
        p50Ms: 2,
        p95Ms: 40,
        p99Ms: 90,
        maxMs: 120,
      })),
    },
    errorGroups: [
      {
        method: HOSTILE,
        class: 'http_500',
        count: 10,
        firstAt: 1_000,
        lastAt: 1_900,
        said: HOSTILE,
        who: 'a/0#0',
      },
    ],
    otherEnds: { notFound: 0, unlisted: 887, targetExit: 0, presumed: 12 },
    reapGroups: [
      {
        rule: 'idle',
        fromMs: 300_000,
        toMs: 360_000,
        stillThere: 12,
        binMs: 1_000,
        bins: [
          { at: 290, certified: 0, early: 1, late: 0, tooCoarse: 0 },
          { at: 340, certified: 800, early: 0, late: 0, tooCoarse: 6 },
          { at: 370, certified: 0, early: 0, late: 80, tooCoarse: 0 },
        ],
      },
    ],
    leaks: [
      {
        name: 'initialize, echo, DELETE',
        unit: 'session',
        source: 'heap',
        isPinned: true,
        verdict: 'fail',
        reason: 'it grew in every cycle',
        budgetBytes: 64,
        warmupCycles: 5,
        unitsPerCycle: 20,
        readings: Array.from({ length: 12 }, (_, n) => ({
          units: (n + 1) * 20,
          bytes: 20e6 + (n + 1) * 20 * 320 + (n % 3) * 40,
        })),
        slope: { bytes: 320, lo: 316, hi: 325 },
        pRising: 0.0001,
        detectableBytes: 68,
        growing: [{ className: HOSTILE, counts: [20, 20, 20], retainers: ['process → zombies: Map'] }],
        allocations: [{ site: 'transport.ts:12', bytes: 300 }],
        counted: [{ what: 'open files', values: [21, 21, 22] }],
      },
    ],
    metrics: metrics.snapshot(),
  });
}

/** An audit asks questions: it has no load, no series, no metrics. */
export function auditResult(): RunResult {
  return resultOf({
    mode: 'real',
    verdict: 'fail',
    exitCode: 99,
    checks: [
      check('unknown_session_is_404', 'fail', {
        kind: 'audit',
        class: 'protocol',
        observed: '400',
        limit: '404',
        reason: 'a request with an unknown session id was answered 400',
        clause: 'MCP 2025-11-25, basic/transports: Session Management, 3',
        remedy: 'Answer 404, so that clients start a new session.',
      }),
    ],
    sessions: { attempted: 0, opened: 0, refused: 0, unknown: 0, deleted: 0, liveAtEnd: 0 },
    reapLag: { early: 0, late: 0, certified: 0, tooCoarse: 0, maxMs: 0 },
    series: [],
    generator: {
      planned: 0,
      started: 0,
      dropped: 0,
      lagP50Ms: 0,
      lagP99Ms: 0,
      lagMaxMs: 0,
      loopDelayP99Ms: null,
      localFailures: 0,
    },
  });
}
