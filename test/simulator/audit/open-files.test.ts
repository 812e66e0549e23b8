import { closeSync, openSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { audit } from '../../../simulator/audit/audit.ts';
import { learn } from '../../../simulator/audit/learn.ts';
import { PROBES } from '../../../simulator/audit/probes/index.ts';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import type { Check } from '../../../simulator/judge/check.ts';
import { hubLaunch, inProcessTarget, type Launch } from '../../../simulator/targets/in-process.ts';
import { sdkServer } from './auditing.ts';
import { twisted } from './twisted.ts';

const CHECKS = ['deleted_sessions_free_their_files', 'reaped_sessions_free_their_files'];
const A_DAY_MS = 24 * 3_600_000;
const opened: number[] = [];

afterEach(() => {
  for (const file of opened.splice(0)) closeSync(file);
});

/** Opens a file for each session, and never closes it. */
const leaking = () =>
  twisted(sdkServer(), () => (request, _response, pass) => {
    const isNew = request.method === 'POST' && request.headers['mcp-session-id'] === undefined;
    if (isNew) opened.push(openSync('/dev/null', 'r'));
    pass();
  });

/** The checks, on a server that lives in this very process, which is the one whose files are counted. */
async function checksOn(launch: Launch): Promise<Check[]> {
  const time = new VirtualTime();
  try {
    return await time.drive(async () => {
      const target = Object.create(await inProcessTarget('a server', launch, time), {
        pid: { value: process.pid },
      });
      const wall = { startedAt: '', elapsedMs: () => 0 };
      const world = { clock: time.clock, target, wall, toleranceMs: 0 };
      const { parts } = await learn(world, { mode: 'virtual', seed: 1, maxWaitMs: A_DAY_MS }, []);
      return await audit(parts, {
        probes: PROBES.filter(({ name }) => CHECKS.includes(name)),
        stop: new AbortController().signal,
        bail: false,
        longestMs: A_DAY_MS,
        onProgress: () => undefined,
      });
    });
  } finally {
    time.uninstall();
  }
}

describe('The checks of open files', () => {
  it('pass on the reference hub', async () => {
    expect(await checksOn(hubLaunch({}))).toMatchObject([{ verdict: 'pass' }, { verdict: 'pass' }]);
  });

  it('pass on a healthy SDK server', async () => {
    expect(await checksOn(sdkServer())).toMatchObject([{ verdict: 'pass' }, { verdict: 'pass' }]);
  });

  it('fail on a server that leaves a file open for each session', async () => {
    const checks = await checksOn(leaking());
    expect(checks).toMatchObject([{ verdict: 'fail' }, { verdict: 'fail' }]);
    expect(checks[0]?.observed).toMatch(/^\d+ open files before, \d+ after 100 sessions ended by DELETE$/);
  });
});
