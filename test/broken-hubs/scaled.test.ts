import { describe, expect, it } from 'vitest';
import { bundledNames, openScenario } from '../../simulator/commands/files.ts';
import { PolicySchema } from '../../simulator/judge/policy.ts';
import { run } from '../../simulator/run.ts';
import { makePlan } from '../../simulator/scenario/plan.ts';
import { publishedPolicy } from './policy.ts';
import { scaled } from './scaled.ts';
import { HEALTHY, POLICY } from './subjects.ts';

const A_TENTH = 0.1;

describe('A scenario at a tenth of its load', () => {
  it('has a tenth of the people, the rates and the room for them', async () => {
    const { scenario } = scaled(await openScenario('flood-to-cap'), A_TENTH);
    expect(scenario.hub?.virtual?.maxSessions).toBe(50);
    expect(scenario.hub?.real?.maxSessions).toBe(100);
    expect(scenario.workloads.holders).toMatchObject({ vus: 20, iterations: 1 });
    expect(scenario.workloads.flood).toMatchObject({ rate: 5, maxVUs: 100 });
    // One alone is in nobody's way.
    expect(scenario.workloads['in-and-out']).toMatchObject({ vus: 2 });
  });

  it('climbs a tenth as high', async () => {
    const { visitors, regulars } = scaled(await openScenario('rollout'), A_TENTH).scenario.workloads;
    expect(visitors).toMatchObject({
      startRate: 0.1,
      stages: [{ target: 1 }, {}, { target: 2 }, {}, { target: 0 }],
    });
    expect(regulars).toMatchObject({ startVUs: 0, stages: [{ target: 4 }, { target: 4 }, { target: 0 }] });
  });

  it.each(bundledNames())('is a scenario still: %s', async (name) => {
    const whole = await openScenario(name);
    const options = {
      mode: 'virtual',
      seed: 1,
      policy: PolicySchema.parse(publishedPolicy(POLICY)),
    } as const;
    const planned = makePlan(scaled(whole, A_TENTH).scenario, options).plannedSessions;
    expect(planned).toBeGreaterThan(0);
    expect(planned).toBeLessThan(makePlan(whole.scenario, options).plannedSessions / 4);
  });
});

describe('What events come to, in the scenario resume,', () => {
  it.each([
    ['reference hub', 'pass'],
    ['SDK server, healthy', 'not-observable'],
    ['plain server, healthy', 'pass'],
  ])('is for the %s: %s', async (name, verdict) => {
    const subject = HEALTHY.find((one) => one.name === name);
    if (!subject) throw new Error(`there is no ${name}`);
    const loaded = scaled(await openScenario('resume'), A_TENTH);
    const target = { name, launch: subject.launch(loaded) };
    const { checks } = await run({ loaded, mode: 'virtual', seed: 1, target });
    expect(checks.find((check) => check.name === 'events_exact')?.verdict).toBe(verdict);
  });
});
