import { describe, expect, it } from 'vitest';
import type { DefectName } from '../../broken-hubs/defects.ts';
import { checkOn, sdkServer } from './auditing.ts';

const CAUGHT: readonly (readonly [check: string, ...defects: DefectName[]])[] = [
  ['abandoned_sessions_are_reaped', 'no-reaper', 'sweeps-too-seldom'],
  ['sessions_are_not_reaped_early', 'heartbeat-kills-post-only'],
  ['half_handshakes_are_reaped', 'no-handshake-deadline', 'no-reaper'],
  ['delete_ends_the_session', 'delete-keeps-session'],
  ['shown_counts_agree', 'delete-keeps-session'],
  ['frozen_peers_do_not_pin_sessions', 'open-stream-pins-session'],
  ['open_streams_keep_the_session', 'stream-is-no-activity'],
  ['used_sessions_live_on', 'timeout-from-creation'],
  ['post_only_clients_live_on', 'heartbeat-kills-post-only'],
];

describe.each(CAUGHT)('The check %s', (name, ...defects) => {
  it('passes on the reference hub', async () => {
    expect(await checkOn(undefined, name)).toMatchObject({ verdict: 'pass', evidence: [] });
  });

  it('passes on a healthy SDK server', async () => {
    expect(await checkOn(sdkServer(), name)).toMatchObject({ verdict: 'pass' });
  });

  it.each(defects)('fails on a server with the defect %s, and shows how', async (defect) => {
    const check = await checkOn(sdkServer(defect), name);
    expect(check).toMatchObject({ verdict: 'fail', kind: 'audit' });
    expect(check.evidence.join('\n')).toContain('curl -i -X');
    expect(check.reason).not.toBe('');
  });
});
