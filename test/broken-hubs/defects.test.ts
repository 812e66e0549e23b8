import { describe, expect, it } from 'vitest';
import { bundledNames } from '../../simulator/commands/files.ts';
import { INVARIANT_NAMES } from '../../simulator/scenario/invariant-names.ts';
import { brokenServer, healthyBase } from './broken-server.ts';
import { EVERY_SDK } from './defects/defect.ts';
import { DEFECT_NAMES, DEFECTS, type DefectName, isDefectName } from './defects.ts';
import type { SdkPolicy } from './policy.ts';
import { inVirtualTime, type VirtualWorld } from './virtual-world.ts';

const POLICY: SdkPolicy = {
  sessionTimeoutMs: 10_000,
  cleanupIntervalMs: 1_000,
  handshakeTimeoutMs: 3_000,
  heartbeatMs: 2_000,
  drainMs: 5_000,
};
const T = 10_000;
const C = 1_000;
const H = 3_000;
const D = 8_000;

/** Long after everything that a server could still be waiting for. */
const LATE_MS = 300_000;

/** Defects that scenarios look for, and the story in which each shows. The healthy server tells each of them otherwise. */
const SHOWS: Readonly<Partial<Record<DefectName, (world: VirtualWorld) => Promise<boolean>>>> = {
  'no-reaper': async ({ clock, client, count }) => {
    await client.open();
    await clock.sleep(LATE_MS);
    return (await count()) === 1;
  },
  'sweeps-too-seldom': async ({ clock, client, count }) => {
    await client.open();
    await clock.sleep(T + C + 1);
    const left = await count();
    await clock.sleep(10 * C);
    return left === 1 && (await count()) === 0;
  },
  'reaper-kills-calls': async ({ client }) => {
    const session = await client.open();
    const answer = await client.call(session, 'sleep', { ms: 2 * T });
    return answer.json === undefined && (await client.ping(session)).status === 404;
  },
  'timeout-from-creation': async ({ clock, client }) => {
    const session = await client.open();
    await clock.sleep(T - 1);
    await client.ping(session);
    await clock.sleep(T - 1);
    return (await client.ping(session)).status === 404;
  },
  'stream-is-no-activity': async ({ clock, client, count }) => {
    await client.stream(await client.open());
    await clock.sleep(T + C + 10);
    return (await count()) === 0;
  },
  'no-handshake-deadline': async ({ clock, client, count }) => {
    await client.initialize();
    await clock.sleep(H + C + 1);
    return (await count()) === 1;
  },
  'open-stream-pins-session': async ({ clock, client, count }) => {
    await client.stream(await client.open(), { frozen: true });
    await clock.sleep(LATE_MS);
    return (await count()) === 1;
  },
  'heartbeat-kills-post-only': async ({ clock, client }) => {
    const session = await client.open();
    await clock.sleep(T / 2);
    await client.ping(session);
    await clock.sleep(T / 2);
    return (await client.ping(session)).status === 404;
  },
  'delete-keeps-session': async ({ clock, client, count }) => {
    const session = await client.open();
    const isDeleted = (await client.delete(session)).status === 200;
    const isGone = (await client.ping(session)).status === 404;
    await clock.sleep(LATE_MS);
    return isDeleted && isGone && (await count()) === 1;
  },
  '400-for-unknown-session': async ({ client }) => {
    const session = await client.open();
    await client.delete(session);
    const answers = [await client.ping(session), await client.delete(session), await client.ping('unknown')];
    return answers.every((answer) => answer.status === 400);
  },
  'crossed-answers': async ({ client }) => {
    const sessions = [await client.open(), await client.open()];
    let crossed = 0;
    for (let turn = 0; turn < 10; turn += 1) {
      const message = `turn ${turn}`;
      const answer = await client.call(sessions[turn % 2] ?? '', 'echo', { message });
      if (!answer.text.includes(message)) crossed += 1;
    }
    return crossed === 2;
  },
  'calls-end-unanswered': async ({ clock, client, target }) => {
    const call = client.call(await client.open(), 'sleep', { ms: LATE_MS });
    await clock.sleep(1);
    target.signal?.('SIGTERM');
    const { status, json } = await call;
    return status === 200 && json === undefined;
  },
  'shutdown-hangs-on-streams': async ({ clock, client, target }) => {
    const stream = await client.stream(await client.open());
    target.signal?.('SIGTERM');
    const isHung = await outlasts(target.exited, LATE_MS, clock);
    stream.close();
    return isHung && !(await outlasts(target.exited, 2_000, clock));
  },
  'shutdown-drops-calls': async ({ clock, client, target }) => {
    const call = client.call(await client.open(), 'sleep', { ms: 1_000 }).then(
      (answer) => answer.json === undefined,
      () => true,
    );
    await clock.sleep(1);
    target.signal?.('SIGTERM');
    return await call;
  },
  'accepts-while-draining': async ({ clock, client, target }) => {
    const call = client.call(await client.open(), 'sleep', { ms: 1_000 });
    await clock.sleep(1);
    target.signal?.('SIGTERM');
    const { status } = await client.initialize();
    await call;
    return status === 200;
  },
  'exit-held-by-timer': async ({ clock, client, target }) => {
    await client.open();
    target.signal?.('SIGTERM');
    return outlasts(target.exited, LATE_MS, clock);
  },
};

async function outlasts(
  exited: Promise<unknown> | undefined,
  ms: number,
  clock: VirtualWorld['clock'],
): Promise<boolean> {
  return Promise.race([exited?.then(() => false) ?? true, clock.sleep(ms).then(() => true)]);
}

const TOLD = Object.entries(SHOWS).flatMap(([name, shows]) => (isDefectName(name) ? [{ name, shows }] : []));

describe.each(TOLD)('The defect $name', ({ name, shows }) => {
  it('shows in the server that has it', async () => {
    expect(await inVirtualTime(() => brokenServer(POLICY, name), shows)).toBe(true);
  });

  it('does not show in the healthy server', async () => {
    expect(await inVirtualTime(() => healthyBase(POLICY, name), shows)).toBe(false);
  });
});

describe.each(DEFECT_NAMES)('The server with the defect %s', (name) => {
  it('promises what the healthy one does', async () => {
    const promised = (launch: () => ReturnType<typeof healthyBase>) =>
      inVirtualTime(launch, async ({ client }) =>
        Reflect.get(Object((await client.get('/health')).json), 'policy'),
      );
    const broken: unknown = await promised(() => brokenServer(POLICY, name));
    expect(broken).toMatchObject({ sessionTimeoutMs: T, cleanupIntervalMs: C, deadPeerMs: D });
    expect(broken).toEqual(await promised(() => healthyBase(POLICY, name)));
  });

  it('is looked for by checks that exist', () => {
    const checks = [...INVARIANT_NAMES, 'mcp_request_errors'];
    for (const check of DEFECTS[name].caughtBy) expect(checks).toContain(check);
  });

  it('runs through scenarios that exist', () => {
    for (const scenario of DEFECTS[name].scenarios ?? []) expect(bundledNames()).toContain(scenario);
  });
});

describe('Every bundled scenario', () => {
  const seen = [...EVERY_SDK, ...DEFECT_NAMES.flatMap((name) => DEFECTS[name].scenarios ?? [])];

  it.each(bundledNames())('has a defect that turns it red: %s', (scenario) => {
    expect(seen).toContain(scenario);
  });
});
