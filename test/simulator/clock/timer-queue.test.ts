import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { TimerQueue } from '../../../simulator/clock/timer-queue.ts';
import { createRandom } from '../../../simulator/scenario/random.ts';
import { HandWoundAlarm } from './hand-wound.ts';

let alarm: HandWoundAlarm;
let queue: TimerQueue;
let rung: string[];

beforeEach(() => {
  alarm = new HandWoundAlarm();
  queue = new TimerQueue(alarm);
  rung = [];
});

const ring = (name: string) => () => void rung.push(`${name} at ${queue.now()}`);

describe('calling back', () => {
  it('calls back at the time asked for, and not before', () => {
    queue.at(100, ring('a'));
    alarm.passTo(99);
    expect(rung).toEqual([]);
    alarm.passTo(100);
    expect(rung).toEqual(['a at 100']);
  });

  it('goes by time first and by order of arrival among equals', () => {
    queue.at(20, ring('c'));
    queue.at(10, ring('a'));
    queue.at(20, ring('d'));
    queue.at(10, ring('b'));
    alarm.passTo(20);
    expect(rung).toEqual(['a at 10', 'b at 10', 'c at 20', 'd at 20']);
  });

  it('calls back soon, but not synchronously, for a time that is past', () => {
    alarm.passTo(50);
    queue.at(10, ring('late'));
    expect(rung).toEqual([]);
    alarm.passTo(50);
    expect(rung).toEqual(['late at 50']);
  });

  it('takes new callbacks from within a callback', () => {
    queue.at(10, () => {
      queue.at(10, ring('same instant'));
      queue.at(15, ring('later'));
    });
    alarm.passTo(20);
    expect(rung).toEqual(['same instant at 10', 'later at 15']);
  });

  it('waits on when the alarm rings a little early, as real ones do', () => {
    const early = new TimerQueue({
      now: () => 9.5,
      set: (delayMs, callback) => {
        delays.push(delayMs);
        callbacks.push(callback);
        return () => undefined;
      },
    });
    const delays: number[] = [];
    const callbacks: (() => void)[] = [];
    early.at(10, ring('a'));
    callbacks[0]?.();
    expect(rung).toEqual([]);
    expect(delays).toEqual([1, 1]);
  });

  it('keeps the order of 10,000 callbacks, half of them cancelled', () => {
    const random = createRandom(1, 'timer-queue');
    const times: number[] = [];
    for (let n = 0; n < 10_000; n += 1) {
      const cancel = queue.at(random.integer(0, 5_000), () => void times.push(queue.now()));
      if (n % 2 === 1) cancel();
    }
    alarm.passTo(5_000);
    expect(times).toHaveLength(5_000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(alarm.setFor).toBeUndefined();
  });
});

describe('the alarm', () => {
  it('is set once for the earliest, and again only for an earlier one', () => {
    queue.at(100, ring('a'));
    queue.at(200, ring('b'));
    expect([alarm.setFor, alarm.timesSet]).toEqual([100, 1]);
    queue.at(50, ring('c'));
    expect([alarm.setFor, alarm.timesSet]).toEqual([50, 2]);
  });

  it('is never set for a cancelled callback that comes up next', () => {
    queue.at(10, ring('a'));
    const cancel = queue.at(20, ring('b'));
    queue.at(30, ring('c'));
    cancel();
    alarm.passTo(10);
    expect(alarm.setFor).toBe(30);
  });

  it('is taken back with the last callback, so that it keeps no process alive', () => {
    const cancels = [queue.at(10, ring('a')), queue.at(60_000, ring('b'))];
    for (const cancel of cancels) cancel();
    expect(alarm.setFor).toBeUndefined();
    queue.at(20, ring('c'));
    expect(alarm.setFor).toBe(20);
  });
});

describe('cancelling', () => {
  it('keeps the callback from being called', () => {
    const cancel = queue.at(10, ring('a'));
    queue.at(10, ring('b'));
    cancel();
    alarm.passTo(10);
    expect(rung).toEqual(['b at 10']);
  });

  it('does nothing twice, nor after the call', () => {
    const cancel = queue.at(10, ring('a'));
    alarm.passTo(10);
    queue.at(20, ring('b'));
    cancel();
    cancel();
    alarm.passTo(20);
    expect(rung).toEqual(['a at 10', 'b at 20']);
  });

  it('works for a callback that is due at the same instant, from the one before it', () => {
    queue.at(10, () => cancel());
    const cancel = queue.at(10, ring('never'));
    queue.at(10, ring('after'));
    alarm.passTo(10);
    expect(rung).toEqual(['after at 10']);
  });
});

describe('sleeping', () => {
  it('puts one listener on a signal, however many sleep on it', async () => {
    const { signal } = new AbortController();
    const sleeps = Array.from({ length: 1_000 }, (_, ms) => queue.sleep(ms, signal));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    alarm.passTo(1_000);
    await Promise.all(sleeps);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });

  it('rejects with the reason as soon as the signal aborts, and sets no alarm any more', async () => {
    const stop = new AbortController();
    const sleep = queue.sleep(10_000, stop.signal);
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(sleep).rejects.toBe(reason);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
    expect(alarm.setFor).toBeUndefined();
  });

  it('rejects at once when the signal has aborted before', async () => {
    const reason = new Error('too late');
    await expect(queue.sleep(10, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(alarm.timesSet).toBe(0);
  });

  it('is not disturbed by an abort after its end', async () => {
    const stop = new AbortController();
    const sleep = queue.sleep(10, stop.signal);
    alarm.passTo(10);
    await sleep;
    stop.abort();
    await expect(sleep).resolves.toBeUndefined();
  });
});
