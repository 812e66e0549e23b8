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
import type { LoadedScenario } from '../../simulator/scenario/load.ts';
import type { Launch } from '../../simulator/targets/in-process.ts';
import { scaled } from '../broken-hubs/scaled.ts';

/** The window that is promised for lost streams: a fifth of T. */
const PROMISED = '1m';

/** abandon, where most clients that vanish leave a stream behind, with a window for that. */
async function abandon(): Promise<LoadedScenario> {
  const loaded = scaled(await openScenario('abandon'), 0.1);
  const hub = { virtual: { streamLostTimeout: PROMISED } };
  return { ...loaded, scenario: { ...loaded.scenario, hub } };
}

/** A hub that keeps this window, whatever the policy says that it is held to. */
const keeping =
  (streamLostTimeout: string): Launch =>
  () =>
    createHub(loadConfig({ logLevel: 'silent', rateLimit: 'off', streamLostTimeout }));

/** A run against this hub, held to what is promised; without one, against the hub that the scenario asks for. */
async function ran(launch?: Launch): Promise<RunResult> {
  const request = { loaded: await abandon(), mode: 'virtual', seed: 7 } as const;
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
    const result = await ran();
    expect(redOf(result)).toEqual([]);
    expect(result.policy.streamLostMs).toBe(60_000);
  });

  it('that is kept as it is promised accuses nobody', async () => {
    expect(redOf(await ran(keeping(PROMISED)))).toEqual([]);
  });

  it.each([
    ['ignores', 'off', ['sessions_not_leaked', 'reap_lag']],
    ['halves', '30s', ['sessions_not_lost', 'reap_lag']],
  ])('that the target promises and %s is found out', async (_how, kept, red) => {
    const result = await ran(keeping(kept));
    expect([result.verdict, redOf(result)]).toEqual(['fail', expect.arrayContaining(red)]);
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
