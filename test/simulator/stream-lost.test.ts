import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../hub/config.ts';
import { createHub } from '../../hub/hub.ts';
import { policyOf } from '../../hub/routes/admin.ts';
import { openScenario } from '../../simulator/commands/files.ts';
import { PolicySchema } from '../../simulator/judge/policy.ts';
import type { RunResult } from '../../simulator/result.ts';
import { run } from '../../simulator/run.ts';
import { runAudit } from '../../simulator/run-audit.ts';
import { hubOptions } from '../../simulator/scenario/hub-options.ts';
import { type LoadedScenario, parseScenario } from '../../simulator/scenario/load.ts';
import type { Launch } from '../../simulator/targets/in-process.ts';
import { createPlainServer } from '../broken-hubs/plain-server/plain-server.ts';
import { scaled } from '../broken-hubs/scaled.ts';
import { POLICY } from '../broken-hubs/subjects.ts';

/** The window that is promised for lost streams: a fifth of T. */
const PROMISED = '1m';

/** abandon, where most clients that vanish leave a stream behind, with a window for that. */
async function abandon(): Promise<LoadedScenario> {
  const loaded = scaled(await openScenario('abandon'), 0.1);
  const hub = { virtual: { streamLostTimeout: PROMISED } };
  return { ...loaded, scenario: { ...loaded.scenario, hub } };
}

/** Clients that listened for a while, and then broke, froze, or went on without. */
function lostStreams(): LoadedScenario {
  const text = `
version: 1
name: lost-streams
description: Streams that are lost, with and without their clients.
hub: { virtual: { streamLostTimeout: ${PROMISED} } }
workloads:
  broken:
    executor: per-vu-iterations
    vus: 10
    iterations: 1
    flow: [initialize, listen, { think: { between: [1s, 2m] } }, { abandon: destroyed }]
  gone:
    executor: per-vu-iterations
    vus: 10
    iterations: 1
    flow: [initialize, listen, { think: { between: [1s, 2m] } }, { abandon: silent }]
  frozen:
    executor: per-vu-iterations
    vus: 10
    iterations: 1
    flow: [initialize, listen, { think: { between: [1s, 2m] } }, { abandon: frozen }]
  back:
    executor: per-vu-iterations
    vus: 10
    iterations: 1
    flow: [initialize, listen, { think: 1m }, { reconnect: { after: 50s } }, { think: 2T }, expect-alive, delete]
settle: D + T + 2C
`;
  return parseScenario(text, 'lost-streams.yaml');
}

/** A hub that keeps this window, whatever the policy says that it is held to. */
const keeping =
  (streamLostTimeout: string): Launch =>
  () =>
    createHub(loadConfig({ logLevel: 'silent', rateLimit: 'off', streamLostTimeout }));

/** A run against this hub, held to what is promised; without one, against the hub that the scenario asks for. */
async function ran(loaded: LoadedScenario, launch?: Launch): Promise<RunResult> {
  const request = { loaded, mode: 'virtual', seed: 7 } as const;
  if (!launch) return run(request);
  const policy = PolicySchema.parse(policyOf(loadConfig({ streamLostTimeout: PROMISED })));
  return run({ ...request, policy, target: { name: 'hub', launch } });
}

const redOf = ({ checks }: RunResult) =>
  checks.filter(({ verdict }) => verdict !== 'pass').map(({ name }) => name);

describe('A window for lost streams', { timeout: 60_000 }, () => {
  it('is an option of the hub that a scenario can set', async () => {
    const { scenario } = await abandon();
    expect(hubOptions(scenario, 'virtual')).toEqual({ streamLostTimeout: '60000ms' });
  });

  it('is published by the hub, and kept', async () => {
    for (const loaded of [await abandon(), lostStreams()]) {
      const result = await ran(loaded);
      expect(redOf(result)).toEqual([]);
      expect(result.policy.streamLostMs).toBe(60_000);
    }
  });

  it.each([
    ['ignores', 'off', ['sessions_not_leaked', 'reap_lag']],
    ['halves', '30s', ['sessions_not_lost', 'reap_lag']],
  ])(
    'that the target promises and %s is found out, and who keeps it is not accused',
    async (_how, kept, red) => {
      const result = await ran(lostStreams(), keeping(kept));
      expect([result.verdict, redOf(result)]).toEqual(['fail', expect.arrayContaining(red)]);
      expect(redOf(await ran(lostStreams(), keeping(PROMISED)))).toEqual([]);
    },
  );

  it('of a server by another hand is judged alike: kept, and ignored', async () => {
    const policy = { ...POLICY, streamLostMs: 60_000 };
    for (const loaded of [await abandon(), lostStreams()]) {
      expect(redOf(await ran(loaded, () => createPlainServer(policy)))).toEqual([]);
    }
    const ignoring = () => createPlainServer(policy, 'stream-lost-window-ignored');
    const red = redOf(await ran(lostStreams(), ignoring));
    expect(red).toEqual(expect.arrayContaining(['sessions_not_leaked', 'reap_lag']));
  });

  it.each([
    [PROMISED, []],
    ['off', ['lost_streams_end_their_sessions']],
  ])('kept as %s, is audited to the same end', async (kept, red) => {
    const policy = PolicySchema.parse(policyOf(loadConfig({ streamLostTimeout: PROMISED })));
    const target = { name: 'hub', launch: keeping(kept) };
    const request = { mode: 'virtual', seed: 7, maxWaitMs: 3_600_000, only: ['F14'] } as const;
    expect(redOf(await runAudit({ ...request, policy, target }))).toEqual(red);
  });
});
