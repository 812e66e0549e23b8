import { describe, expect, test } from 'vitest';
import { loadScenario } from '../../../simulator/scenario/load.ts';
import { makePlan } from '../../../simulator/scenario/plan.ts';
import { POLICY, problemsOf } from './fixture.ts';

/** A scenario of one workload with these settings, from line 6 on. */
function of(settings: string[], flow = '[initialize, { think: 1s }]'): string {
  return `version: 1
name: tiny
description: As small as it gets.
workloads:
  one:
${[...settings, `flow: ${flow}`].map((setting) => `    ${setting}`).join('\n')}
settle: 1s
`;
}

function planned(settings: string[], mode: 'virtual' | 'real' = 'virtual', seed = 1) {
  const plan = makePlan(loadScenario(of(settings), 'a.yaml'), { mode, seed, policy: POLICY });
  return { ...plan.workloads[0], plannedSessions: plan.plannedSessions };
}

const RAMP = [
  'executor: ramping-arrival-rate',
  'stages: [{ duration: 10s, target: 20 }, { duration: T, target: 0 }]',
  'maxVUs: 9',
];

describe('is planned', () => {
  test('ramping-arrival-rate, from 0 unless told otherwise', () => {
    const stages = [
      { durationMs: 10_000, target: 20 },
      { durationMs: 1_500, target: 0 },
    ];
    expect(planned(RAMP)).toMatchObject({
      executor: { kind: 'ramping-arrival-rate', startRate: 0, stages, maxVUs: 9, arrivals: 115 },
      plannedSessions: 115,
      startMs: 0,
    });
    expect(planned([...RAMP, 'startRate: 20'])).toMatchObject({ executor: { arrivals: 215 } });
  });

  test('a ramp of its own for real mode', () => {
    const settings = [...RAMP, 'real: { stages: [{ duration: 1s, target: 4 }], startRate: 2 }'];
    expect(planned(settings, 'real')).toMatchObject({
      executor: { startRate: 2, stages: [{ durationMs: 1_000, target: 4 }], arrivals: 3 },
    });
    const perMode = [
      'executor: ramping-arrival-rate',
      'maxVUs: 9',
      'stages: { virtual: [{ duration: 1s, target: 4 }], real: [{ duration: 2s, target: 4 }] }',
    ];
    expect([planned(perMode).plannedSessions, planned(perMode, 'real').plannedSessions]).toEqual([2, 4]);
  });

  test('random arrivals, as many as the seed gives, the same in both lists', () => {
    const settings = [...RAMP, 'arrivals: poisson'];
    const counts = [1, 2, 3, 4, 5].map((seed) => planned(settings, 'virtual', seed).plannedSessions);
    expect(new Set(counts).size).toBeGreaterThan(1);
    for (const count of counts) expect(Math.abs(count - 115)).toBeLessThan(45);
    expect(planned(settings, 'virtual', 1).executor).toMatchObject({
      arrivals: counts[0],
      poisson: { seed: 1, workload: 'one' },
    });
    const constant = [
      'executor: constant-arrival-rate',
      'rate: 10',
      'duration: 10s',
      'maxVUs: 9',
      'arrivals: { virtual: poisson, real: even }',
    ];
    expect(planned(constant).executor).toHaveProperty('poisson');
    expect(planned(constant, 'real').executor).not.toHaveProperty('poisson');
  });

  test('constant-vus, which plans no number of sessions', () => {
    expect(planned(['executor: constant-vus', 'vus: 5', 'duration: 10T'])).toMatchObject({
      executor: { kind: 'constant-vus', vus: 5, durationMs: 15_000 },
      plannedSessions: 0,
    });
  });

  test('ramping-vus, whose iterations may end in their own time unless told otherwise', () => {
    const settings = ['executor: ramping-vus', 'stages: [{ duration: 10s, target: 5 }]'];
    const executor = { kind: 'ramping-vus', startVUs: 0, stages: [{ durationMs: 10_000, target: 5 }] };
    expect(planned(settings).executor).toEqual({ ...executor, gracefulRampDownMs: null });
    expect(planned([...settings, 'startVUs: 2', 'gracefulRampDown: 2s']).executor).toEqual({
      ...executor,
      startVUs: 2,
      gracefulRampDownMs: 2_000,
    });
  });

  test('a workload that begins later', () => {
    const settings = ['executor: per-vu-iterations', 'vus: 1', 'iterations: 1'];
    expect(planned([...settings, 'startTime: T + 1s'])).toMatchObject({ startMs: 2_500 });
    expect(planned([...settings, 'startTime: { virtual: 1h, real: 1s }'], 'real')).toMatchObject({
      startMs: 1_000,
    });
  });

  test('a client of a certain kind', () => {
    const settings = ['executor: per-vu-iterations', 'vus: 1', 'iterations: 1', 'client: { profile: herd }'];
    expect(planned(settings)).toMatchObject({ client: { name: 'one', profile: 'herd' } });
  });
});

describe('is refused at its line and column', () => {
  test.each<[string, string[], string]>([
    ['no stage', ['executor: ramping-vus', 'stages: []'], '7:13 stages are not empty'],
    [
      'a stage without its end',
      ['executor: ramping-vus', 'stages: [{ duration: 1s }]'],
      "7:14 missing key 'target'",
    ],
    [
      'half a virtual user',
      ['executor: ramping-vus', 'stages: [{ duration: 1s, target: 1.5 }]'],
      '7:38 target is a whole number, got 1.5',
    ],
    [
      'a rate below nothing',
      ['executor: ramping-arrival-rate', 'maxVUs: 1', 'stages: [{ duration: 1s, target: -1 }]'],
      '8:38 target is 0 or more',
    ],
    [
      'a stage in real mode',
      [
        'executor: ramping-vus',
        'stages: [{ duration: 1s, target: 1 }]',
        'real: { stages: [{ duration: 1, target: 1 }] }',
      ],
      '8:34 1 has no unit: write 1ms, 1s, 1m or 1h',
    ],
    [
      'a ramp that starts nobody',
      ['executor: ramping-arrival-rate', 'maxVUs: 1', 'stages: [{ duration: 1s, target: 1 }]'],
      '8:13 no session would start: the stages add up to less than one',
    ],
    [
      'a ramp without users',
      ['executor: ramping-vus', 'stages: [{ duration: 1s, target: 0 }]'],
      '7:13 no session would start: no stage has a virtual user',
    ],
    [
      'a ramp in no time',
      ['executor: ramping-vus', 'stages: [{ duration: 0s, target: 3 }]'],
      '7:13 no session would start: the stages last no time',
    ],
    [
      'users for no time',
      ['executor: constant-vus', 'vus: 1', 'duration: 0s'],
      '8:15 no session would start in no time',
    ],
    [
      'arrivals of another kind',
      ['executor: constant-arrival-rate', 'rate: 1', 'duration: 1s', 'maxVUs: 1', 'arrivals: random'],
      "10:15 unknown kind of arrivals 'random'. Allowed: even, poisson",
    ],
    [
      'a setting of others',
      ['executor: constant-vus', 'vus: 1', 'duration: 1s', 'maxVUs: 1'],
      "9:5 'maxVUs' belongs to the executors constant-arrival-rate, ramping-arrival-rate; the executor here is constant-vus",
    ],
    [
      'an unknown profile',
      ['executor: constant-vus', 'vus: 1', 'duration: 1s', 'client: { profile: stock }'],
      "9:24 unknown client profile 'stock': did you mean 'stuck'? Allowed: plain, compliant, sdk-like, stuck, herd, claude-like",
    ],
  ])('%s', (_, settings, expected) => {
    expect(problemsOf(of(settings))).toEqual([expected]);
  });

  test('more sessions than the ledger holds, of users that never think', () => {
    const settings = ['executor: constant-vus', 'vus: 1000', 'duration: 1m'];
    expect(problemsOf(of(settings, '[initialize, delete]'))).toEqual([
      '9:5 6,000,000 sessions could be opened in virtual mode (let the flow think longer); they are at most 1,000,000: the ledger keeps a record of every session of the run',
      '9:5 6,000,000 sessions could be opened in real mode (let the flow think longer); they are at most 1,000,000: the ledger keeps a record of every session of the run',
    ]);
    expect(problemsOf(of(settings, '[initialize, { think: 100ms }, delete]'))).toEqual([]);
  });

  test('more sessions than the ledger holds, opened again and again', () => {
    const settings = ['executor: per-vu-iterations', 'vus: 1000', 'iterations: 100'];
    const flow = '[initialize, { repeat: { times: 10, steps: [reinitialize] } }]';
    expect(problemsOf(of(settings, flow))[0]).toMatch(/^4:1 1,100,000 planned sessions in virtual mode/);
  });
});
