import { describe, expect, it } from 'vitest';
import type { DefectName } from '../../broken-hubs/defects.ts';
import { checkOn, sdkServer } from './auditing.ts';
import { acceptsHeaderless, cleansUpById, isImpatient, twisted } from './twisted.ts';

const CAUGHT: readonly { readonly name: string; readonly defects: readonly DefectName[] }[] = [
  { name: 'abandoned_sessions_are_reaped', defects: ['no-reaper', 'sweeps-too-seldom'] },
  { name: 'sessions_are_not_reaped_early', defects: ['heartbeat-kills-post-only'] },
  { name: 'half_handshakes_are_reaped', defects: ['no-handshake-deadline', 'no-reaper'] },
  { name: 'delete_ends_the_session', defects: ['delete-keeps-session'] },
  { name: 'shown_counts_agree', defects: ['delete-keeps-session'] },
  { name: 'frozen_peers_do_not_pin_sessions', defects: ['open-stream-pins-session'] },
  { name: 'open_streams_keep_the_session', defects: ['stream-is-no-activity'] },
  { name: 'used_sessions_live_on', defects: ['timeout-from-creation'] },
  { name: 'post_only_clients_live_on', defects: ['heartbeat-kills-post-only'] },
  { name: 'delete_settles_calls', defects: ['calls-end-unanswered'] },
  { name: 'shutdown_settles_calls', defects: ['calls-end-unanswered', 'shutdown-drops-calls'] },
  { name: 'shutdown_answers_calls', defects: ['shutdown-drops-calls'] },
  { name: 'draining_server_opens_nothing', defects: ['accepts-while-draining'] },
  { name: 'shutdown_ends_streams', defects: ['shutdown-hangs-on-streams'] },
  { name: 'process_exits_by_itself', defects: ['exit-held-by-timer'] },
];

describe.each(CAUGHT)('The check $name', ({ name, defects }) => {
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

const TWISTED = [
  { name: 'headerless_initialized_is_refused', what: 'accepts it from anybody', twist: acceptsHeaderless },
  { name: 'late_pongs_cost_no_session', what: 'ends sessions of slow clients', twist: isImpatient },
  { name: 'late_close_spares_the_next_stream', what: 'cleans up by session id', twist: cleansUpById },
];

describe.each(TWISTED)('The check $name', ({ name, what, twist }) => {
  it('passes on the reference hub and on a healthy SDK server', async () => {
    expect(await checkOn(undefined, name)).toMatchObject({ verdict: 'pass' });
    expect(await checkOn(sdkServer(), name)).toMatchObject({ verdict: 'pass' });
  });

  it(`fails on a server that ${what}`, async () => {
    const check = await checkOn(twisted(sdkServer(), twist), name);
    expect(check).toMatchObject({ verdict: 'fail' });
    expect(check.evidence.join('\n')).toContain('curl -i -X');
  });
});
