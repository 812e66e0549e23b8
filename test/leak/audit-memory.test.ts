import { expect, it, vi } from 'vitest';
import type { AuditRequest } from '../../simulator/audit-request.ts';
import type { Check } from '../../simulator/judge/check.ts';
import { runAudit } from '../../simulator/run-audit.ts';
import { RequestError } from '../../simulator/run-request.ts';
import { freePort } from '../simulator/targets/own-server.ts';
import { LEAK_SERVER } from './leak-target.ts';

/** Processes that are pinned and read: 15 s on a quiet machine, and a minute on one that others use. */
vi.setConfig({ testTimeout: 180_000 });

/** Six readings are the least that can be decided by. */
const SHORT = { unitsPerCycle: 50, warmupCycles: 3, cycles: 6, namesCulprit: false };

/** The memory checks of these names, on a server in the pattern of the SDK with this leak. */
async function audited(leak: string, only: string[], memory: NonNullable<AuditRequest['memory']> = SHORT) {
  const port = await freePort();
  const command = `exec ${process.execPath} ${LEAK_SERVER} ${leak} ${port}`;
  const target = { command, url: new URL(`http://127.0.0.1:${port}/mcp`) };
  return runAudit({ mode: 'real', seed: 1, only, target, memory });
}

function verdicts(checks: readonly Check[]): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
}

const [SESSION, HANDLES, REQUEST, EVENT] = [
  'memory_per_session',
  'handles_return',
  'memory_per_request',
  'memory_per_event',
];

it('accuses a server that keeps nothing of nothing, and keeps what it measured', async () => {
  const { checks, leaks, verdict } = await audited('none', [SESSION, HANDLES, REQUEST, EVENT]);
  expect(verdicts(checks)).toEqual({
    [SESSION]: 'pass',
    [HANDLES]: 'pass',
    [REQUEST]: 'pass',
    [EVENT]: 'pass',
  });
  expect(verdict).toBe('pass');
  expect(leaks?.map(({ unit }) => unit)).toEqual(['session', 'request', 'event']);
});

it('turns the check of sessions red where transports are kept, with what it demands and how to mend it', async () => {
  const { checks } = await audited('transport', [SESSION, HANDLES, REQUEST], { ...SHORT, unitsPerCycle: 20 });
  expect(verdicts(checks)).toEqual({ [SESSION]: 'fail', [HANDLES]: 'pass', [REQUEST]: 'pass' });
  expect(checks[0]).toMatchObject({
    kind: 'audit',
    class: 'memory',
    failureModes: ['F05', 'F06'],
    limit: '<= 64 B per session',
    demands: 'A session that has ended leaves no memory behind.',
  });
  expect(checks[0]?.remedy).toContain('one function');
});

it('turns the check of requests red where answers are kept, and that of events where events are', async () => {
  const ofCalls = await audited('call:500', [REQUEST, EVENT]);
  expect(verdicts(ofCalls.checks)).toEqual({ [REQUEST]: 'fail', [EVENT]: 'pass' });
  const ofEvents = await audited('events', [REQUEST, EVENT]);
  expect(verdicts(ofEvents.checks)).toEqual({ [REQUEST]: 'pass', [EVENT]: 'fail' });
});

it('turns the check of handles red where a timer stays behind', async () => {
  const { checks } = await audited('timer', [HANDLES], { ...SHORT, unitsPerCycle: 10 });
  expect(checks).toMatchObject([{ name: HANDLES, verdict: 'fail', failureModes: ['F11', 'F58'] }]);
});

it('turns the check of buffers red where nothing bounds what waits for a client that does not read', async () => {
  const { checks } = await audited('none', ['F48'], { ...SHORT, unitsPerCycle: 3 });
  expect(verdicts(checks)).toEqual({ memory_per_reader: 'pass', reader_buffer_bounded: 'fail' });
});

it('turns the check of weight red where each session has its own of what all could share', async () => {
  const heavy = await audited('weight:1500', ['F50']);
  expect(heavy.checks).toMatchObject([
    { name: 'session_weight', verdict: 'fail', failureModes: ['F50'], limit: '<= 1 MiB' },
  ]);
  expect(heavy.checks[0]?.observed).toMatch(/^1\.\d MiB for each session that is open: \d{3} in 1 GiB$/);
  const stated = { ...SHORT, sessionBudgetBytes: 2 * 1_024 * 1_024 };
  const allowed = await audited('weight:1500', ['F50'], stated);
  expect(allowed.checks).toMatchObject([{ name: 'session_weight', verdict: 'pass', limit: '<= 2 MiB' }]);
});

it('lists them with what would let them be seen, where they were not asked for', async () => {
  const { checks, leaks } = await runAudit({ mode: 'virtual', seed: 1, only: ['F09', 'F42', 'F48'] });
  expect(checks.map(({ verdict }) => verdict)).toEqual(new Array(4).fill('not-observable'));
  for (const { reason } of checks) expect(reason).toContain('ask for it with --memory');
  expect(leaks).toBeUndefined();
});

it('says so when there is no process to read memory from', async () => {
  await expect(runAudit({ mode: 'virtual', seed: 1, memory: {} })).rejects.toThrow(RequestError);
  const target = new URL('http://127.0.0.1:9/mcp');
  await expect(runAudit({ mode: 'real', seed: 1, target, memory: {} })).rejects.toThrow('--inspect-pid');
});
