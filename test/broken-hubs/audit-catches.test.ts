import { describe, expect, it } from 'vitest';
import { runAudit } from '../../simulator/run-audit.ts';
import type { Launch } from '../../simulator/targets/in-process.ts';
import { brokenServer, healthyBase } from './broken-server.ts';
import { DEFECTS, type DefectName } from './defects.ts';
import { POLICY } from './subjects.ts';

/** Checks that have no test of their own elsewhere; `npm run detect` proves every one of them, on every defect. */
const CAUGHT: readonly (readonly [check: string, defect: DefectName])[] = [
  ['refused_requests_leave_nothing', 'probe-opens-session'],
  ['overlapping_calls_protect_their_session', 'short-call-unprotects-long-one'],
  ['late_close_spares_the_next_stream', 'stale-close-ends-successor'],
  ['aborts_harm_nobody', 'abort-ends-process'],
  ['cap_holds_in_a_burst', 'no-cap'],
  ['cap_holds_in_a_burst', 'cap-race'],
  ['cap_frees_itself', 'cap-never-frees'],
  ['half_sent_bodies_hold_no_slot', 'half-sent-bodies-hold-slots'],
  ['bad_bodies_are_client_errors', 'html-errors'],
  ['bad_bodies_are_client_errors', 'deep-json-ends-process'],
  ['large_arguments_are_answered', 'small-bodies-only'],
  ['modern_probes_leave_nothing', 'discover-opens-session'],
  ['unknown_method_is_no_404', 'unknown-method-404'],
  ['unknown_path_is_no_lost_session', 'unknown-path-is-no-session'],
  ['second_initialize_changes_nothing', 'second-initialize-replaces'],
  ['health_opens_nothing', 'health-opens-session'],
  ['health_tells_of_draining', 'health-always-green'],
];

async function verdictOf(launch: Launch, check: string) {
  const { checks } = await runAudit({
    mode: 'virtual',
    seed: 1,
    maxWaitMs: 3_600_000,
    target: { name: 'workshop', launch },
    only: [check],
  });
  return checks[0];
}

describe.each(CAUGHT)('The check %s', (check, defect) => {
  it(`fails on a server with the defect ${defect}, and names its failure mode`, async () => {
    const found = await verdictOf(() => brokenServer(POLICY, defect), check);
    expect(found).toMatchObject({ verdict: 'fail' });
    expect(found?.failureModes).toContain(DEFECTS[defect].failureMode);
    expect(found?.reason).not.toBe('');
  });

  it('passes on the same server without it', async () => {
    expect(await verdictOf(() => healthyBase(POLICY, defect), check)).toMatchObject({ verdict: 'pass' });
  });
});
