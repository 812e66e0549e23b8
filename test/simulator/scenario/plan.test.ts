import { describe, expect, test } from 'vitest';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { loadScenario, parseScenario } from '../../../simulator/scenario/load.ts';
import { makePlan } from '../../../simulator/scenario/plan.ts';
import { ABANDON, changed, POLICY, tiny } from './fixture.ts';

const abandon = loadScenario(ABANDON, 'abandon.yaml');
const real = makePlan(abandon, { mode: 'real', seed: 7, policy: POLICY });
const virtual = makePlan(abandon, { mode: 'virtual', seed: 7, policy: POLICY });

describe('a plan', () => {
  test('has every time in ms and every setting of its mode', () => {
    expect(real).toMatchObject({
      scenario: 'abandon',
      mode: 'real',
      seed: 7,
      cycles: 3,
      // D + T + C + 5s
      settleMs: 8200,
      observeMs: 50,
      // 3 cycles of 40/s for 2 s and 100 clients once
      plannedSessions: 540,
    });
    expect(virtual).toMatchObject({ observeMs: 6000, plannedSessions: 3 * (400 + 200) });
    expect(real.workloads.map(({ executor }) => executor)).toEqual([
      { kind: 'constant-arrival-rate', ratePerSecond: 40, durationMs: 2000, maxVUs: 50, arrivals: 80 },
      { kind: 'per-vu-iterations', vus: 100, iterations: 1 },
    ]);
    expect(virtual.workloads.map(({ executor }) => executor)).toEqual([
      { kind: 'constant-arrival-rate', ratePerSecond: 20, durationMs: 20_000, maxVUs: 50, arrivals: 400 },
      { kind: 'per-vu-iterations', vus: 100, iterations: 2 },
    ]);
  });

  test('spells out every step', () => {
    expect(real.workloads[0]?.flow).toEqual([
      { kind: 'initialize', handshake: 'full' },
      {
        kind: 'call',
        tool: 'echo',
        arguments: { message: 'hello' },
        timeoutMs: 10_000,
        abortAfterMs: 2000,
        longestMs: 60_000,
        wantsProgress: false,
      },
      { kind: 'list', what: 'tools' },
      { kind: 'listen' },
      { kind: 'notify', method: 'notifications/roots/list_changed', params: null },
      { kind: 'think', minMs: 1200, maxMs: 1200 },
      {
        kind: 'repeat',
        times: 5,
        steps: [
          { kind: 'think', minMs: 1000, maxMs: 5000 },
          {
            kind: 'call',
            tool: 'sleep',
            arguments: { ms: 1800 },
            timeoutMs: 60_000,
            abortAfterMs: null,
            longestMs: 60_000,
            wantsProgress: false,
          },
        ],
      },
      { kind: 'abandon', how: 'silent' },
      { kind: 'think', minMs: 6800, maxMs: 6800 },
      { kind: 'expect-gone' },
    ]);
    expect(real.workloads[1]?.flow).toEqual([
      { kind: 'initialize', handshake: 'half' },
      { kind: 'notify', method: 'notifications/progress', params: { progress: 1 } },
      { kind: 'expect-alive' },
      { kind: 'delete' },
    ]);
  });

  test('names its clients after their workloads unless told otherwise', () => {
    expect(real.workloads.map(({ client }) => client)).toEqual([
      { name: 'silent', protocolVersion: '2025-11-25', profile: 'plain' },
      { name: 'keep-working', protocolVersion: '2025-11-25', profile: 'plain' },
    ]);
  });

  test('survives JSON unchanged, so that workers can be sent it', () => {
    expect(JSON.parse(JSON.stringify(real))).toEqual(real);
  });

  test('is the same for the same scenario, mode, seed and policy', () => {
    expect(makePlan(abandon, { mode: 'real', seed: 7, policy: POLICY })).toEqual(real);
  });
});

test('a duration inside arguments becomes ms wherever it stands; an argument called duration stays', () => {
  const step =
    'call: { tool: a, arguments: { duration: 2, list: [{ duration: T }], deep: { x: { duration: 1s } }, pair: { duration: 1s, of: y } } }';
  const plan = makePlan(loadScenario(tiny({ flow: ['initialize', step] }), 'a.yaml'), {
    mode: 'real',
    seed: 0,
    policy: POLICY,
  });
  expect(plan.workloads[0]?.flow[1]).toMatchObject({
    arguments: { duration: 2, list: [1500], deep: { x: 1000 }, pair: { duration: '1s', of: 'y' } },
  });
});

describe('T', () => {
  const text = changed(ABANDON, 'name: silent', 'name: patient');
  const plan = makePlan(loadScenario(text, 'a.yaml'), { mode: 'real', seed: 0, policy: POLICY });

  test("is the client's own timeout inside its workload", () => {
    expect(plan.workloads[0]?.flow[5]).toEqual({ kind: 'think', minMs: 2400, maxMs: 2400 });
  });

  test('is the longest timeout of all clients for the run as a whole', () => {
    expect(plan.settleMs).toBe(1400 + 3000 + 300 + 5000);
  });
});

describe('what the target does not promise', () => {
  const silent = PolicySchema.parse({ cleanupIntervalMs: 300 });

  test('is an error at the line that needs it', () => {
    const { scenario, source } = parseScenario(ABANDON, 'abandon.yaml');
    expect(() => makePlan(scenario, { mode: 'real', seed: 0, policy: silent, source })).toThrow(
      `abandon.yaml:25:16: T is not promised by this target: state it with --policy sessionTimeout=…
   25 |       - think: 0.8T
      |                ^
abandon.yaml:30:65: T is not promised`,
    );
  });

  test('is named by its path where the text is not at hand', () => {
    expect(() => makePlan(abandon, { mode: 'real', seed: 0, policy: silent })).toThrow(
      'abandon: workloads.vanish-silently.flow[5].think: T is not promised by this target',
    );
  });

  test('and what the policy makes contradictory is found, too', () => {
    const flow = ['initialize', 'think: { between: [T, C] }', 'call: { tool: a, timeout: C, abortAfter: H }'];
    const { scenario, source } = parseScenario(tiny({ flow, rest: 'observe: T - 1500ms' }), 'a.yaml');
    expect(() => makePlan(scenario, { mode: 'real', seed: 0, policy: POLICY, source })).toThrow(
      /between begins with the shorter time, got 1.5 s and 300 ms[\s\S]*abortAfter \(1 s\) must be below timeout \(300 ms\)[\s\S]*at least 1ms/,
    );
  });
});

describe('invariants left out are all those that can see something', () => {
  const invariantsOf = (text: string) =>
    makePlan(loadScenario(text, 'a.yaml'), { mode: 'real', seed: 0, policy: POLICY }).invariants;
  const always = ['sessions_not_lost', 'sessions_not_leaked', 'books_balance'];

  test.each([
    [
      'sessions that end themselves',
      tiny({ flow: ['initialize', 'delete'] }),
      [...always, 'returns_to_zero', 'target_survives'],
    ],
    ['sessions that are left behind', tiny(), [...always, 'returns_to_zero', 'target_survives', 'reap_lag']],
    [
      'calls',
      tiny({ flow: ['initialize', 'list: tools', 'delete'] }),
      [...always, 'returns_to_zero', 'target_survives', 'answers_correct', 'calls_answered'],
    ],
    [
      'a look at a session',
      tiny({ flow: ['initialize', 'expect-alive', 'delete'] }),
      [...always, 'returns_to_zero', 'target_survives', 'expectations_met'],
    ],
    [
      'a look at an ended session',
      tiny({ flow: ['initialize', 'delete', 'expect-gone'] }),
      [...always, 'returns_to_zero', 'target_survives', 'expectations_met', 'gone_is_404'],
    ],
    [
      'a signal',
      tiny({ flow: ['initialize', 'delete'], rest: 'events: [{ at: 1s, signal: SIGINT }]' }),
      [...always, 'exits_by_itself'],
    ],
    [
      'a signal with calls and streams to end',
      tiny({
        flow: ['initialize', 'listen', 'list: tools', 'delete'],
        rest: 'events: [{ at: 1s, signal: SIGINT }]',
      }),
      [
        ...always,
        'exits_by_itself',
        'answers_correct',
        'calls_answered',
        'drain_answers_calls',
        'drain_ends_streams',
      ],
    ],
    ['those named', tiny({ rest: 'invariants: [reap_lag]' }), ['reap_lag']],
  ])('%s', (_, text, expected) => {
    expect(new Set(invariantsOf(text))).toEqual(new Set(expected));
  });
});

test.each([-1, 1.5, Number.NaN, 2 ** 60])('the seed %d is refused', (seed) => {
  expect(() => makePlan(abandon, { mode: 'real', seed, policy: POLICY })).toThrow(RangeError);
});
