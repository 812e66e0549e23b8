import { describe, expect, it } from 'vitest';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { ScenarioError } from '../../../simulator/scenario/errors.ts';
import { parseScenario } from '../../../simulator/scenario/load.ts';
import { makePlan } from '../../../simulator/scenario/plan.ts';

const text = (events: string, rest = '') => `version: 1
name: events
description: Of a test.
workloads:
  w: { executor: constant-arrival-rate, rate: 1, duration: 1s, maxVUs: 1, flow: [initialize, delete] }
settle: 1s
events: ${events}
${rest}`;

function planned(events: string, rest = '') {
  const { scenario } = parseScenario(text(events, rest), 'events.yaml');
  return makePlan(scenario, { mode: 'virtual', seed: 1, policy: PolicySchema.parse({}) });
}

function problems(events: string, rest = ''): string[] {
  try {
    planned(events, rest);
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.problems.map(({ message }) => message);
  }
}

describe('events', () => {
  it.each([
    ['signal: SIGINT', { kind: 'signal', signal: 'SIGINT' }],
    ['restart: true', { kind: 'restart' }],
    ['kill: true', { kind: 'kill' }],
    ['pause: 2s', { kind: 'pause', pauseMs: 2_000 }],
    ['clock-jump: +1h', { kind: 'clock-jump', jumpMs: 3_600_000 }],
    ['clock-jump: -1m30s', undefined],
    ['clock-jump: -90s', { kind: 'clock-jump', jumpMs: -90_000 }],
  ])('%s', (event, expected) => {
    if (expected) expect(planned(`[{ at: 5s, ${event} }]`).events).toEqual([{ atMs: 5_000, ...expected }]);
    else expect(problems(`[{ at: 5s, ${event} }]`)).toHaveLength(1);
  });

  it.each([
    ['[{ at: 5s }]', /an event is one of signal, restart, kill, pause, clock-jump; got none/],
    ['[{ at: 5s, kill: true, pause: 1s }]', /got kill and pause/],
    ['[{ at: 5s, kill: false }]', /kill is true, or not there/],
    ['[{ at: 5s, clock-jump: 1h }]', /write \+1h or -1h/],
    ['[{ at: 5s, clock-jump: +2T }]', /a clock jumps by a time such as \+1h, got '\+2T'/],
    ['[{ at: 5s, pause: T }]', /T has no value here/],
    ['[{ at: 1s, restart: true }, { at: 5s, signal: SIGTERM }]', /restart and signal exclude each other/],
  ])('%s is an error', (events, message) => {
    expect(problems(events).join('\n')).toMatch(message);
  });

  it('may come in every cycle but one that ends the target for good', () => {
    expect(problems('[{ at: 1s, restart: true }]', 'cycles: 2')).toEqual([]);
    expect(problems('[{ at: 1s, kill: true }, { at: 2s, restart: true }]', 'cycles: 2')).toEqual([]);
    expect(problems('[{ at: 1s, kill: true }]', 'cycles: 2').join()).toMatch(
      /with events there is one cycle/,
    );
  });

  it('decide which invariants can see anything', () => {
    const of = (events: string) => planned(events).invariants;
    expect(of('[{ at: 1s, restart: true }]')).toContain('returns_to_zero');
    expect(of('[{ at: 1s, kill: true }]')).not.toContain('target_survives');
    expect(of('[{ at: 1s, kill: true }]')).not.toContain('exits_by_itself');
    expect(of('[{ at: 1s, signal: SIGTERM }]')).toContain('exits_by_itself');
    expect(of('[{ at: 1s, clock-jump: +1h }]')).toContain('target_survives');
  });
});
