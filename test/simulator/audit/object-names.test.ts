import { describe, expect, it } from 'vitest';
import { hubLaunch, type Launch } from '../../../simulator/targets/in-process.ts';
import { checksInProcess, sdkServer } from './auditing.ts';
import { twisted } from './twisted.ts';
import { looksIdsUpInAnObject } from './wire-twists.ts';

const NAME = 'names_of_objects_are_no_sessions';

const brokenOn = (staysBroken: boolean) => twisted(sdkServer(), () => looksIdsUpInAnObject({ staysBroken }));

describe(`The check ${NAME}`, () => {
  it.each<[string, Launch]>([
    ['the reference hub', hubLaunch({})],
    ['a healthy SDK server', sdkServer()],
  ])('passes on %s', async (_what, launch) => {
    expect(await checksInProcess(launch, [NAME])).toMatchObject([{ verdict: 'pass' }]);
  });

  it('fails on a server that keeps its sessions in an object', async () => {
    const [check] = await checksInProcess(brokenOn(false), [NAME]);
    expect(check).toMatchObject({ verdict: 'fail', observed: expect.stringContaining('__proto__: 500') });
    expect(check?.evidence.join('\n')).toContain('curl -i -X');
  });

  it('says so where nobody gets in afterwards, and leaves a server that was started again', async () => {
    const [broken, next] = await checksInProcess(brokenOn(true), [NAME, 'restart_answers_old_sessions']);
    expect(broken).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('nobody gets in') });
    expect(next).toMatchObject({ verdict: 'pass' });
  });
});
