import { expect, it } from 'vitest';
import type { PlannedStep } from '../../../simulator/scenario/step.ts';
import { smallServer } from './small-server.ts';
import { call, initialize, outcomes, play, think } from './stage.ts';

const echo = call('echo', { message: 'hello' });

it('numbers the sessions of a virtual user on from one cycle to the next', async () => {
  const executor = { kind: 'per-vu-iterations', vus: 2, iterations: 2 } as const;
  const { lines } = await play([initialize], {
    executor,
    story: async ({ fleet }) => {
      await fleet.runCycle();
      await fleet.runCycle();
      expect(fleet.started).toBe(8);
    },
  });
  const names = lines.filter(({ kind }) => kind === 'initialize-sent').map(({ vu }) => vu);
  expect(names.toSorted()).toEqual([0, 1].flatMap((vu) => [0, 1, 2, 3].map((n) => `w/${vu}#${n}`)));
});

it('takes down arrivals that found nobody free', async () => {
  const executor = {
    kind: 'constant-arrival-rate',
    ratePerSecond: 10,
    durationMs: 500,
    maxVUs: 1,
    arrivals: 5,
  } as const;
  const { lines, dropped } = await play([initialize, think(250)], { executor });
  expect(dropped).toBe(3);
  expect(lines.filter(({ kind }) => kind === 'iteration-dropped').map(({ t }) => t)).toEqual([100, 200, 400]);
});

it('ends virtual users where they are when it is stopped, and sends nothing any more', async () => {
  const executor = { kind: 'per-vu-iterations', vus: 5, iterations: 100 } as const;
  const asked: number[] = [];
  const flow: PlannedStep[] = [initialize, { kind: 'repeat', times: 50, steps: [echo, think(100)] }];
  await play(flow, {
    executor,
    launch: smallServer({
      'tools/call': () => {
        asked.push(1);
        return { content: [] };
      },
    }),
    story: async ({ fleet, time }) => {
      const cycle = fleet.runCycle();
      await time.clock.sleep(250);
      fleet.stop();
      await cycle;
      expect([time.clock.now(), fleet.started]).toEqual([250, 5]);
      const askedBefore = asked.length;
      await time.clock.sleep(60_000);
      expect([askedBefore, asked.length]).toEqual([15, 15]);
    },
  });
});

it('is stopped though an answer never comes', async () => {
  const { lines } = await play([initialize, echo], {
    launch: smallServer({ 'tools/call': () => 'never' }),
    story: async ({ fleet, time }) => {
      const cycle = fleet.runCycle();
      await time.clock.sleep(1_000);
      fleet.stop();
      await cycle;
      expect(time.clock.now()).toBe(1_000);
    },
  });
  expect(outcomes(lines)[0]).toBe('initialize result at 0');
});

it('asks a session whose client is done, where the target does not list its sessions', async () => {
  await play([initialize, echo], {
    remembersSessions: true,
    story: async ({ fleet, time }) => {
      await fleet.runCycle();
      expect(await fleet.probe(0)).toMatchObject({ kind: 'result' });
      await time.clock.sleep(400_000);
      expect(await fleet.probe(0)).toMatchObject({ kind: 'http-error', status: 404 });
      expect(await fleet.probe(1)).toBeUndefined();
    },
  });
});

it('does not remember sessions that nobody will have to ask for', async () => {
  await play([initialize], {
    story: async ({ fleet }) => {
      await fleet.runCycle();
      expect(await fleet.probe(0)).toBeUndefined();
    },
  });
});

it('runs hundreds of virtual users side by side', async () => {
  const executor = { kind: 'per-vu-iterations', vus: 300, iterations: 2 } as const;
  const { facts } = await play([initialize, echo, { kind: 'delete' }, { kind: 'expect-gone' }], { executor });
  expect([facts.calls, facts.expectations, facts.unmetExpectations.count]).toEqual([600, 600, 0]);
});
