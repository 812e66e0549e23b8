import type { Check, Verdict } from '../../../simulator/judge/check.ts';
import { Metrics } from '../../../simulator/judge/metrics.ts';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { type RunResult, RunResultSchema, type SeriesPoint } from '../../../simulator/result.ts';

export function check(name: string, verdict: Verdict, changes: Partial<Check> = {}): Check {
  return {
    name,
    kind: 'invariant',
    class: 'counts',
    verdict,
    observed: '0 of 1,100 sessions',
    limit: '0',
    reason: '',
    failureModes: [],
    evidence: [],
    ...changes,
  };
}

export const LEAKED = check('sessions_not_leaked', 'fail', {
  observed: '12 of 1,100 sessions',
  reason: 'vanish/3#0 was still there at 372.000 s, 6 s after its last tolerated moment',
  failureModes: ['F01', 'F04'],
});

export function seriesOf(observed: readonly number[], rssMiB?: readonly number[]): SeriesPoint[] {
  return observed.map((n, index) => {
    const rss = rssMiB?.[index];
    return {
      t: (index + 1) * 6_000,
      observed: n,
      must: 0,
      may: n,
      ...(rss !== undefined && { rssBytes: rss * 2 ** 20 }),
    };
  });
}

/** A run that passed, as its result tells; checked against the schema, so that no report rests on a fiction. */
export function resultOf(changes: Partial<RunResult> = {}): RunResult {
  return RunResultSchema.parse({
    format: 'mcp-soak-result',
    version: 1,
    tool: 'mcp-soak 0.1.0',
    scenario: {
      name: 'abandon',
      description: 'Most vanish.',
      file: 'scenarios/abandon.yaml',
      covers: ['F01'],
    },
    mode: 'virtual',
    seed: 42,
    target: { name: 'reference hub', endpoint: 'http://localhost/mcp', sessionsAre: 'listed' },
    policy: PolicySchema.parse({
      sessionTimeoutMs: 300_000,
      cleanupIntervalMs: 60_000,
      handshakeTimeoutMs: 30_000,
      deadPeerMs: 120_000,
    }),
    startedAt: '2026-01-02T03:04:05.678Z',
    durationMs: 727_500,
    wallMs: 1_234.5,
    verdict: 'pass',
    exitCode: 0,
    checks: [
      check('sessions_not_lost', 'pass'),
      check('sessions_not_leaked', 'pass'),
      check('target_survives', 'pass', { observed: 'alive', limit: 'alive to the end' }),
    ],
    sessions: { attempted: 1_100, opened: 1_099, refused: 1, unknown: 0, deleted: 100, liveAtEnd: 0 },
    reapLag: { early: 0, late: 0, certified: 900, tooCoarse: 0, maxMs: 360_000 },
    metrics: new Metrics().snapshot(),
    series: seriesOf([0, 400, 1_000, 300, 0]),
    generator: {
      planned: 1_100,
      started: 1_100,
      dropped: 0,
      lagP50Ms: 0,
      lagP99Ms: 0,
      lagMaxMs: 0,
      loopDelayP99Ms: null,
      localFailures: 0,
    },
    eventLog: { lines: 9_000, sha256: '0'.repeat(64), isTruncated: false },
    environment: { node: '26.0.0', platform: 'linux x64', cpus: 2, memoryBytes: 2 ** 33 },
    replay: 'npx mcp-soak run scenarios/abandon.yaml --mode virtual --seed 42',
    ...changes,
  } satisfies RunResult);
}
