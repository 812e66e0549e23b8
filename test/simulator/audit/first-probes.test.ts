import { describe, expect, it } from 'vitest';
import type { DefectName } from '../../broken-hubs/defects.ts';
import { checkOn, sdkServer } from './auditing.ts';

const CAUGHT: readonly (readonly [check: string, defect: DefectName])[] = [
  ['calls_outlive_the_timeout', 'reaper-kills-calls'],
  ['unknown_session_is_404', '400-for-unknown-session'],
];

describe.each(CAUGHT)('The check %s', (name, defect) => {
  it('passes on the reference hub', async () => {
    expect(await checkOn(undefined, name)).toMatchObject({ verdict: 'pass', evidence: [] });
  });

  it('passes on a healthy SDK server', async () => {
    expect(await checkOn(sdkServer(), name)).toMatchObject({ verdict: 'pass' });
  });

  it(`fails on a server with the defect ${defect}, and shows how`, async () => {
    const check = await checkOn(sdkServer(defect), name);
    expect(check).toMatchObject({ verdict: 'fail', kind: 'audit' });
    expect(check.evidence.join('\n')).toContain('curl -i -X');
    expect(check.reason).not.toBe('');
  });
});
