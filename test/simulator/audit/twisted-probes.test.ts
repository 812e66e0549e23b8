import { describe, expect, it } from 'vitest';
import type { AuditRequest } from '../../../simulator/audit-request.ts';
import type { Launch } from '../../../simulator/targets/in-process.ts';
import { auditVirtually, checkOn, sdkServer } from './auditing.ts';
import {
  answersOldIdsWith,
  countsFailedInitialize,
  endsAfterLostStream,
  goesDeaf,
  onWallClock,
  sweepsUnderRequests,
} from './broken-by-twist.ts';

async function judged(name: string, launch: Launch | undefined, request: Partial<AuditRequest> = {}) {
  const { checks } = await auditVirtually(launch, { only: [name], ...request });
  return checks[0];
}

const BROKEN: readonly { readonly name: string; readonly what: string; readonly launch: Launch }[] = [
  {
    name: 'races_with_the_reaper_are_clean',
    what: 'sweeps under a request it let in',
    launch: sweepsUnderRequests(),
  },
  {
    name: 'mass_delete_leaves_the_server_well',
    what: 'goes deaf when many sessions end',
    launch: goesDeaf(),
  },
  { name: 'restart_answers_old_sessions', what: 'answers old ids with 500', launch: answersOldIdsWith(500) },
  { name: 'restart_answers_old_sessions', what: 'answers old ids with 400', launch: answersOldIdsWith(400) },
  { name: 'restart_answers_old_sessions', what: 'lets old ids wait', launch: answersOldIdsWith(0) },
];

describe.each(BROKEN)('The check $name', ({ name, what, launch }) => {
  it('passes on the reference hub and on a healthy SDK server', async () => {
    expect(await checkOn(undefined, name)).toMatchObject({ verdict: 'pass' });
    expect(await checkOn(sdkServer(), name)).toMatchObject({ verdict: 'pass' });
  });

  it(`fails on a server that ${what}`, async () => {
    const check = await checkOn(launch, name);
    expect(check).toMatchObject({ verdict: 'fail' });
    expect(check.evidence.join('\n')).toContain('curl -i -X');
    expect(check.reason).not.toContain('did not survive');
  });
});

describe('The check wall_clock_steps_reap_nobody', () => {
  const name = 'wall_clock_steps_reap_nobody';

  it('passes on the reference hub and on a healthy SDK server', async () => {
    expect(await judged(name, undefined)).toMatchObject({ verdict: 'pass' });
    expect(await judged(name, sdkServer())).toMatchObject({ verdict: 'pass' });
  });

  it('fails on a server that measures idleness by the date', async () => {
    const { now } = performance;
    try {
      expect(await judged(name, onWallClock())).toMatchObject({ verdict: 'fail' });
    } finally {
      Object.defineProperty(performance, 'now', { configurable: true, writable: true, value: now });
    }
  });

  it('decides nothing where sessions are not reaped in the first place', async () => {
    expect(await judged(name, sdkServer('no-reaper'))).toMatchObject({ verdict: 'not-observable' });
  });
});

describe('The check failed_initialize_leaves_nothing', () => {
  const name = 'failed_initialize_leaves_nothing';
  const observers = {
    sessionsFrom: { text: 'json:/count#count', kind: 'json', address: '/count', path: 'count' },
  } as const;

  it('passes on the reference hub, a healthy SDK server, and one of which the number stays', async () => {
    expect(await judged(name, undefined)).toMatchObject({ verdict: 'pass' });
    expect(await judged(name, sdkServer())).toMatchObject({ verdict: 'pass' });
    expect(await judged(name, countsFailedInitialize(0), { observers })).toMatchObject({ verdict: 'pass' });
  });

  it('fails on a server that counts a session for an initialize it refused', async () => {
    expect(await judged(name, countsFailedInitialize(1), { observers })).toMatchObject({ verdict: 'fail' });
  });
});

describe('The check lost_streams_end_their_sessions', () => {
  const name = 'lost_streams_end_their_sessions';
  const policy = { streamLostMs: 60_000 };

  it('is not made where no window is promised', async () => {
    expect(await judged(name, undefined)).toMatchObject({ verdict: 'not-observable' });
  });

  it('passes on a server that has the window', async () => {
    const check = await judged(name, endsAfterLostStream(60_000), { policy });
    expect(check).toMatchObject({ verdict: 'pass' });
  });

  it('fails on a server that promises the window and has none', async () => {
    expect(await judged(name, sdkServer(), { policy })).toMatchObject({ verdict: 'fail' });
  });

  it('fails on a server that does not wait for the client to come back', async () => {
    expect(await judged(name, endsAfterLostStream(0), { policy })).toMatchObject({ verdict: 'fail' });
  });
});
