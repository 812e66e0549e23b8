import { expect, it } from 'vitest';
import { realClock } from '../../../simulator/clock/real.ts';

it('starts at 0, never goes back, and calls in order, none before its time', async () => {
  const clock = realClock();
  expect(clock.now()).toBeLessThan(1_000);
  const called: [string, boolean][] = [];
  const due = clock.now() + 5;
  clock.at(due, () => called.push(['b', clock.now() >= due]));
  clock.at(0, () => called.push(['a', clock.now() >= 0]));
  await clock.sleep(10);
  expect(called).toEqual([
    ['a', true],
    ['b', true],
  ]);
  expect(clock.now()).toBeGreaterThanOrEqual(due);
});

it('lets an abort end a sleep of an hour', async () => {
  const stop = new AbortController();
  const sleep = realClock().sleep(3_600_000, stop.signal);
  stop.abort(new Error('enough'));
  await expect(sleep).rejects.toThrow('enough');
});
