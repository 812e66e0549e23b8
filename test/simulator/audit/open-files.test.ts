import { closeSync, openSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { hubLaunch, type Launch } from '../../../simulator/targets/in-process.ts';
import { checksInProcess, sdkServer } from './auditing.ts';
import { twisted } from './twisted.ts';

const CHECKS = ['deleted_sessions_free_their_files', 'reaped_sessions_free_their_files'];
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

const checksOn = (launch: Launch) => checksInProcess(launch, CHECKS);

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
