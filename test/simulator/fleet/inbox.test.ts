import { describe, expect, test } from 'vitest';
import { TimerQueue } from '../../../simulator/clock/timer-queue.ts';
import { type Announced, Inbox } from '../../../simulator/fleet/inbox.ts';
import { numberedEvent } from '../../../simulator/fleet/numbered-event.ts';
import { EventCount } from '../../../simulator/judge/event-count.ts';
import { HandWoundAlarm } from '../clock/hand-wound.ts';

const OWNER = 'w/0#0';
const CALL = `${OWNER} call 1`;
const ON_STREAM: Announced = { count: 3, isOnStream: true };
const WITH_ANSWER: Announced = { count: 3, isOnStream: false };
const RISING: Announced = { count: null, isOnStream: false };

function opened() {
  const count = new EventCount();
  const inbox = new Inbox({ owner: OWNER, count });
  const alarm = new HandWoundAlarm();
  const clock = new TimerQueue(alarm);
  const stop = new AbortController();
  return {
    count,
    inbox,
    stop,
    hear: (...numbers: number[]) => {
      for (const n of numbers) inbox.hear('notifications/test/event', { tag: CALL, n, total: 3 });
    },
    /** Settles when all is there, or a second has passed. */
    settle: async () => {
      const settled = inbox.settle(clock, 1_000, stop.signal);
      alarm.passTo(alarm.now() + 1_000);
      await settled;
    },
  };
}

type Opened = ReturnType<typeof opened>;

describe('An inbox', () => {
  test.each<[string, Announced, (opened: Opened) => void, { owed: number; faults: string[] }]>([
    [
      'all of them, once and in order, are as they should be',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(1, 2, 3);
        inbox.callOver(CALL, true);
      },
      { owed: 3, faults: [] },
    ],
    [
      'they may come after the answer of the call',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(1);
        inbox.callOver(CALL, true);
        hear(2, 3);
      },
      { owed: 3, faults: [] },
    ],
    [
      'one that comes twice is told',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(1, 2, 2, 3);
        inbox.callOver(CALL, true);
      },
      { owed: 3, faults: [`event 2 of '${CALL}' came again, or after a later one`] },
    ],
    [
      'one that is left out is told',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(1, 3);
        inbox.callOver(CALL, true);
      },
      { owed: 3, faults: [`of 3 events of '${CALL}' 2 did not come`] },
    ],
    [
      'so are the last ones',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(1);
        inbox.callOver(CALL, true);
      },
      { owed: 3, faults: [`of 3 events of '${CALL}' 2 to 3 did not come`] },
    ],
    [
      'two in the wrong order are a gap and a latecomer',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(2, 1, 3);
        inbox.callOver(CALL, true);
      },
      {
        owed: 3,
        faults: [
          `event 1 of '${CALL}' came again, or after a later one`,
          `of 3 events of '${CALL}' 1 did not come`,
        ],
      },
    ],
    [
      'an event of another session is told',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(1, 2, 3);
        inbox.callOver(CALL, true);
        inbox.hear('notifications/test/event', { tag: 'w/7#0 call 1', n: 1 });
      },
      { owed: 3, faults: ["event 1 of 'w/7#0 call 1' came, which is not a call of this session"] },
    ],
    [
      'a call that failed owes nothing',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(1);
        inbox.callOver(CALL, false);
      },
      { owed: 0, faults: [] },
    ],
    [
      'but what it did send comes once',
      ON_STREAM,
      ({ hear, inbox }) => {
        hear(1, 1);
        inbox.callOver(CALL, false);
      },
      { owed: 0, faults: [`event 1 of '${CALL}' came again, or after a later one`] },
    ],
    [
      'progress that nobody counted has only to rise',
      RISING,
      ({ inbox }) => {
        for (const progress of [0.1, 0.5, 1])
          inbox.hear('notifications/progress', { progressToken: CALL, progress });
        inbox.callOver(CALL, true);
      },
      { owed: 0, faults: [] },
    ],
    [
      'progress that stands still is told',
      RISING,
      ({ inbox }) => {
        for (const progress of [0.1, 0.5, 0.5])
          inbox.hear('notifications/progress', { progressToken: CALL, progress });
        inbox.callOver(CALL, true);
      },
      { owed: 0, faults: [`event 0.5 of '${CALL}' did not come in rising order`] },
    ],
  ])('%s', async (_, announced, happens, { owed, faults }) => {
    const { count, inbox, settle, ...more } = opened();
    inbox.announce(CALL, announced);
    happens({ count, inbox, settle, ...more });
    await settle();
    expect(count.faults.evidence).toEqual(faults.map((fault) => `${OWNER}: ${fault}`));
    expect(count.owed).toBe(owed);
  });

  test('takes what comes after it was waited for as coming too late', async () => {
    const { count, inbox, hear, settle } = opened();
    inbox.announce(CALL, ON_STREAM);
    inbox.callOver(CALL, true);
    hear(1, 2);
    await settle();
    hear(3);
    expect([count.owed, count.seen, count.faults.count]).toEqual([3, 3, 2]);
  });

  test('waits no longer than for the last event', async () => {
    const { count, inbox, hear, stop } = opened();
    inbox.announce(CALL, ON_STREAM);
    inbox.callOver(CALL, true);
    const settled = inbox.settle(new TimerQueue(new HandWoundAlarm()), 1_000, stop.signal);
    hear(1, 2, 3);
    await settled;
    expect([count.owed, count.faults.count]).toEqual([3, 0]);
  });

  test('accuses nobody of what did not come before the run was stopped', async () => {
    const { count, inbox, hear, settle, stop } = opened();
    inbox.announce(CALL, ON_STREAM);
    inbox.callOver(CALL, true);
    hear(1);
    stop.abort();
    await settle();
    expect([count.owed, count.faults.count]).toEqual([0, 0]);
  });

  test('remembers a thousand calls, and forgets the oldest beyond', () => {
    const { count, inbox } = opened();
    const tags = Array.from({ length: 1_001 }, (_, n) => `${OWNER} call ${n + 1}`);
    for (const tag of tags) inbox.announce(tag, ON_STREAM);
    inbox.hear('notifications/test/event', { tag: tags[1], n: 1 });
    expect(count.faults.count).toBe(0);
    inbox.hear('notifications/test/event', { tag: tags[0], n: 1 });
    expect(count.faults.evidence[0]).toMatch(/came again, after all had come$/);
  });

  test('names ten gaps of a call, and no more', async () => {
    const { count, inbox, settle } = opened();
    inbox.announce(CALL, { count: 1_000, isOnStream: true });
    for (let n = 2; n <= 1_000; n += 2) inbox.hear('notifications/test/event', { tag: CALL, n });
    inbox.callOver(CALL, true);
    await settle();
    expect(count.faults.evidence[0]?.split(', ')).toHaveLength(10);
  });
});

describe('When its stream is lost, an inbox', () => {
  const lost = async (
    announced: Announced,
    loss: { hasIds: boolean; isResumed: boolean },
    later: readonly number[] = [],
  ) => {
    const { count, inbox, hear, settle } = opened();
    inbox.announce(CALL, announced);
    hear(1);
    inbox.streamLost(loss);
    hear(...later);
    // That the call itself goes well brings nothing back.
    inbox.callOver(CALL, true);
    await settle();
    return [count.owed, count.excused, count.resumable, count.faults.count];
  };

  test.each<[string, Announced, { hasIds: boolean; isResumed: boolean }, number[], number[]]>([
    [
      'is owed the rest where it can be resumed',
      ON_STREAM,
      { hasIds: true, isResumed: true },
      [],
      [3, 0, 1, 1],
    ],
    ['which may come later', ON_STREAM, { hasIds: true, isResumed: true }, [2, 3], [3, 0, 1, 0]],
    [
      'is owed nothing where events have no ids',
      ON_STREAM,
      { hasIds: false, isResumed: false },
      [],
      [0, 3, 0, 0],
    ],
    ['nor where its client does not resume', ON_STREAM, { hasIds: true, isResumed: false }, [], [0, 0, 1, 0]],
    [
      'takes one twice for a fault all the same',
      ON_STREAM,
      { hasIds: false, isResumed: false },
      [1],
      [0, 3, 0, 1],
    ],
    [
      'is owed what comes with the answer',
      WITH_ANSWER,
      { hasIds: false, isResumed: false },
      [2],
      [3, 0, 0, 1],
    ],
  ])('%s', async (_, announced, loss, later, expected) => {
    expect(await lost(announced, loss, later)).toEqual(expected);
  });

  test('forgives nothing that had come before', async () => {
    const { count, inbox, hear, settle } = opened();
    inbox.announce(CALL, ON_STREAM);
    hear(1, 2, 3);
    inbox.callOver(CALL, true);
    inbox.streamLost({ hasIds: false, isResumed: false });
    await settle();
    expect([count.owed, count.excused]).toEqual([3, 0]);
  });
});

describe('A numbered event', () => {
  test.each<[string, string, unknown, ReturnType<typeof numberedEvent>]>([
    ['progress', 'notifications/progress', { progressToken: 'a', progress: 2 }, { tag: 'a', n: 2 }],
    ['progress of a number', 'notifications/progress', { progressToken: 7, progress: 2 }, undefined],
    ['tag and n', 'notifications/x', { tag: 'a', n: 1, total: 2 }, { tag: 'a', n: 1 }],
    [
      'in a log message',
      'notifications/message',
      { level: 'info', data: { tag: 'a', n: 1 } },
      { tag: 'a', n: 1 },
    ],
    ['a log message', 'notifications/message', { level: 'info', data: 'hello' }, undefined],
    ['an empty tag', 'notifications/x', { tag: '', n: 1 }, undefined],
    ['no number', 'notifications/x', { tag: 'a', n: '1' }, undefined],
    ['no parameters', 'notifications/x', undefined, undefined],
  ])('is read, or is none: %s', (_, method, params, expected) => {
    expect(numberedEvent(method, params)).toEqual(expected);
  });
});
