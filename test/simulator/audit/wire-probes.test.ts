import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { judgeIds } from '../../../simulator/audit/probes/session-ids.ts';
import type { AuditRequest } from '../../../simulator/audit-request.ts';
import type { Check } from '../../../simulator/judge/check.ts';
import { hubLaunch, type Launch } from '../../../simulator/targets/in-process.ts';
import type { DefectName } from '../../broken-hubs/defects.ts';
import { createSdkServer } from '../../broken-hubs/sdk-server.ts';
import { auditVirtually, POLICY, sdkServer } from './auditing.ts';
import { sessionlessServer } from './sessionless-server.ts';
import { type Twist, twisted } from './twisted.ts';
import * as twist from './wire-twists.ts';

const capped = (defect?: DefectName) => () => createSdkServer({ ...POLICY, maxSessions: 20 }, defect);
const onHub = (makeTwist: () => Twist) => twisted(hubLaunch({}), makeTwist);
/** The hub cuts a connection that is silent for longer than its time-outs call for: here later than any proxy would. */
const onPatientHub = (makeTwist: () => Twist) => twisted(hubLaunch({ requestTimeout: '2m' }), makeTwist);
const onSdk = (makeTwist: () => Twist) => twisted(sdkServer(), makeTwist);
const owned = (...methods: string[]) => onSdk(() => twist.guardsOwners(methods));

interface Case {
  readonly name: string;
  /** Green on these, beside the hub and the SDK server where `isEverywhere` is not false. */
  readonly healthy?: readonly Launch[];
  readonly isEverywhere?: false;
  readonly broken: Readonly<Record<string, Launch>>;
  readonly request?: Partial<AuditRequest>;
}

const TWO_IDENTITIES: Partial<AuditRequest> = {
  headers: { Authorization: 'Bearer alice' },
  otherHeaders: { Authorization: 'Bearer bob' },
};

const CASES: readonly Case[] = [
  {
    name: 'unknown_session_is_404',
    broken: { 'answers 400': sdkServer('400-for-unknown-session') },
  },
  {
    name: 'missing_session_is_400',
    broken: { 'answers 404': onSdk(twist.answers404Headerless) },
  },
  {
    name: 'limits_hide_no_404',
    isEverywhere: false,
    healthy: [onSdk(() => twist.limitsNewcomers({ hidesSessions: false }))],
    broken: { 'asks the limiter first': onSdk(() => twist.limitsNewcomers({ hidesSessions: true })) },
  },
  {
    name: 'delete_frees_its_slot_at_once',
    isEverywhere: false,
    healthy: [capped(), hubLaunch({ maxSessions: 20 })],
    broken: { 'keeps what was deleted': capped('delete-keeps-session') },
  },
  {
    name: 'get_stream_stays_open',
    healthy: [sdkServer()],
    broken: {
      'ends streams at once': onSdk(twist.endsStreamsAtOnce),
      'answers with a page': onSdk(twist.answersGetWithAPage),
    },
  },
  {
    name: 'closed_streams_can_be_reopened',
    healthy: [onSdk(() => twist.refusesASecondStream({ forEver: false }))],
    broken: { 'gives one stream for ever': onSdk(() => twist.refusesASecondStream({ forEver: true })) },
  },
  {
    name: 'frozen_streams_are_taken_over',
    broken: { 'answers 409': onSdk(() => twist.refusesASecondStream({ forEver: false })) },
  },
  {
    name: 'equal_ids_get_their_own_answers',
    broken: { 'repeats the first answer': onHub(twist.repeatsTheFirstAnswer) },
  },
  {
    name: 'sessions_do_not_cross',
    broken: {
      'crosses echoes': sdkServer('crossed-answers'),
      'serves one client': onSdk(twist.servesOneClient),
    },
  },
  {
    name: 'resuming_stays_in_its_session',
    isEverywhere: false,
    healthy: [hubLaunch({})],
    broken: { 'replays everything': onHub(() => twist.replaysEverything({ ofOthers: true })) },
  },
  {
    name: 'resuming_stays_in_its_stream',
    isEverywhere: false,
    healthy: [hubLaunch({})],
    broken: { 'replays its session': onHub(() => twist.replaysEverything({ ofOthers: false })) },
  },
  {
    name: 'sessions_belong_to_their_owner',
    isEverywhere: false,
    request: TWO_IDENTITIES,
    healthy: [owned('POST', 'GET', 'DELETE')],
    broken: {
      'never asks': owned(),
      'lets strangers read': owned('POST', 'DELETE'),
      'lets strangers delete': owned('POST', 'GET'),
    },
  },
  {
    name: 'pages_show_no_session_ids',
    broken: { 'lists ids': onSdk(twist.listsIds) },
  },
  {
    name: 'chosen_ids_are_not_adopted',
    broken: { 'adopts them': onHub(() => twist.names('adopts')) },
  },
  {
    name: 'ids_cannot_be_guessed',
    broken: { 'counts them': onHub(() => twist.names('counts')) },
  },
  {
    name: 'odd_ids_are_refused',
    broken: { 'breaks on long ones': onSdk(twist.breaksOnLongIds) },
  },
  {
    name: 'foreign_origins_are_refused',
    broken: { 'looks at POST only': onHub(() => twist.overlooks('origin but of POST')) },
  },
  {
    name: 'foreign_hosts_are_refused',
    broken: { 'looks at none': onHub(() => twist.overlooks('host')) },
  },
  {
    name: 'call_streams_resume_exactly',
    isEverywhere: false,
    healthy: [hubLaunch({})],
    broken: {
      'loses events': onHub(() => twist.spoilsResumption('loses')),
      'doubles events': onHub(() => twist.spoilsResumption('doubles')),
    },
  },
  {
    name: 'listening_resumes_exactly',
    isEverywhere: false,
    healthy: [hubLaunch({})],
    broken: {
      'loses events': onHub(() => twist.spoilsResumption('loses')),
      'doubles events': onHub(() => twist.spoilsResumption('doubles')),
    },
  },
  { name: 'idle_streams_are_kept_alive', broken: { 'says nothing': onPatientHub(twist.isSilent) } },
  { name: 'slow_calls_are_kept_alive', broken: { 'says nothing': onPatientHub(twist.isSilent) } },
  { name: 'progress_comes_while_it_works', broken: { 'holds it back': onHub(twist.buffers) } },
  {
    name: 'sessionless_servers_open_nothing',
    isEverywhere: false,
    healthy: [sessionlessServer()],
    broken: { 'offers everything': sessionlessServer({ offersEverything: true }) },
  },
  {
    name: 'sessionless_requests_leave_nothing',
    isEverywhere: false,
    healthy: [sessionlessServer()],
    broken: {
      'breaks on aborts': sessionlessServer({ breaksOnAborts: true }),
      'counts requests as sessions': sessionlessServer({ countsRequests: true }),
    },
  },
];

async function checkOn(launch: Launch | undefined, { name, request }: Case): Promise<Check> {
  const [check] = (await auditVirtually(launch, { only: [name], ...request })).checks;
  if (!check) throw new Error(`no check is called ${name}`);
  return check;
}

describe.each(CASES)('The check $name', (of) => {
  it('passes on healthy servers', async () => {
    const everywhere = of.isEverywhere === false ? [] : [undefined, sdkServer()];
    for (const launch of [...everywhere, ...(of.healthy ?? [])]) {
      expect(await checkOn(launch, of)).toMatchObject({ verdict: 'pass', evidence: [] });
    }
  });

  it.each(Object.keys(of.broken))('fails on a server that %s, and shows how', async (what) => {
    const check = await checkOn(of.broken[what], of);
    expect(check).toMatchObject({ verdict: 'fail', kind: 'audit' });
    expect(check.reason).not.toBe('');
    expect(check.evidence.join('\n')).toContain('curl -i -X');
  });
});

describe('Session ids', () => {
  const ids = (make: (n: number) => string) => Array.from({ length: 200 }, (_, n) => make(n));
  const digest = (n: number) => createHash('sha256').update(`seed ${n}`).digest('hex');
  const JUDGED: readonly (readonly [what: string, ids: readonly string[], verdict: 'pass' | 'fail'])[] = [
    ['that are random UUIDs', ids((n) => digest(n).slice(0, 32)), 'pass'],
    ['that begin with the time, as in UUID 7', ids((n) => `01998a2f${digest(n).slice(0, 20)}`), 'pass'],
    ['that are counted', ids((n) => `a-session-of-this-server-${n}`), 'fail'],
    ['that are too short', ids((n) => digest(n).slice(0, 15)), 'fail'],
    ['that are random at the end only', ids((n) => `${'0'.repeat(24)}${digest(n).slice(0, 8)}`), 'fail'],
    ['that contain blanks', ids((n) => `${digest(n)} ${n}`), 'fail'],
    ['of which two are equal', ids((n) => digest(Math.max(n, 1))), 'fail'],
  ];

  it.each(JUDGED)('%s are told from others', (_what, given, verdict) => {
    expect(judgeIds(given)).toMatchObject({ verdict });
  });
});
