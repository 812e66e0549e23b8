import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import FakeTimers from '@sinonjs/fake-timers';
import type { Clock } from './clock.ts';
import { TimerQueue } from './timer-queue.ts';

/**
 * Turns of the event loop without a byte moved or an immediate run, after which nothing is under way.
 * All work in virtual mode is in this process and off the thread pool, so what goes on shows within one turn.
 */
const QUIET_TURNS = 2;

/** Importing a large server takes a second or two on a busy machine. */
const OUTSIDE_AT_MOST_MS = 10_000;
/** How long nothing at all is waited for before that is called a standstill, real ms. */
const STILL_AT_MOST_MS = 300;

/** Where virtual time begins. A fixed date, so that nothing in a run depends on the day it is made. */
const EPOCH = Date.UTC(2026, 0, 1);

/**
 * Faked: all that tells or takes time. Not faked: nextTick, queueMicrotask, setImmediate, which carry I/O
 * (fake-timers fakes them by default, and Node's networking stops).
 */
const FAKED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'Date',
  'performance',
  'hrtime',
] as const;

/**
 * Virtual time for the whole process: while it is installed, global timers and clocks run on it, so a server in
 * this process lives in it without knowing. One at a time per process.
 *
 * The driver *settles, then jumps*: it lets I/O run until nothing is under way, then moves the clock to the next
 * timer. Jumping while bytes are on their way would let time overtake them, differently on every machine.
 */
export class VirtualTime {
  /** The run's clock. Its sleeps are the simulator's own and not counted as timers of the target. */
  readonly clock: Clock;
  readonly #fake: ReturnType<typeof FakeTimers.install>;
  readonly #held = new Set<NodeJS.Timeout>();
  readonly #restore: () => void;
  /** Of the real clock: how long to wait for what is done outside this thread. */
  readonly #realNow: () => number;
  #activity = 0;
  /** By how much the wall clock was stepped, ms. */
  #steppedMs = 0;
  /** Work that goes on outside this thread, and until when it is waited for, real ms. */
  #outside = { count: 0, untilMs: 0 };

  constructor() {
    bindAbortSignalTimeout();
    const { hrtime } = process;
    const bigint = hrtime.bigint.bind(hrtime);
    this.#realNow = () => Number(bigint()) / 1e6;
    this.#fake = FakeTimers.install({ now: EPOCH, toFake: [...FAKED] });
    const fake = this.#fake;
    this.clock = new TimerQueue({
      now: () => fake.now - EPOCH - this.#steppedMs,
      set: (delayMs, callback) => {
        const timer = fake.setTimeout(callback, delayMs);
        return () => fake.clearTimeout(timer);
      },
    });
    this.#restore = this.#watchGlobals();
  }

  /** Something moved: the driver waits at least until it has had its effect. */
  readonly noteActivity = (): void => {
    this.#activity += 1;
  };

  /** Timers of the target that would keep a process alive: pending and not unref'd. */
  heldTimers(): number {
    let held = 0;
    for (const timer of this.#held) if (timer.hasRef()) held += 1;
    return held;
  }

  /** Ends the timers that the target left behind: it is gone, as far as anybody can tell. */
  dropTimers(): void {
    for (const timer of this.#held) this.#fake.clearTimeout(timer);
    this.#held.clear();
  }

  /** Steps the wall clock (`Date`), as an administrator or a time server does. Nothing else is moved by that. */
  stepWallClock(ms: number): void {
    this.#fake.setSystemTime(this.#fake.now + ms);
    this.#steppedMs += ms;
  }

  /**
   * Keeps time still while `work` goes on outside this thread, where the driver cannot see it: reading files, say.
   * Work that waits for time to pass would wait for ever: time moves on after a few seconds of the real clock.
   */
  async outside<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#outside.count += 1;
    this.#outside.untilMs = this.#realNow() + OUTSIDE_AT_MOST_MS;
    try {
      return await work();
    } finally {
      this.#outside.count -= 1;
    }
  }

  /**
   * Runs `main` to its end, moving time whenever nothing else moves. `onTurn` is called once per jump.
   * @throws what `main` throws; an Error when time cannot move while `main` still waits
   */
  async drive<Result>(main: () => Promise<Result>, onTurn?: () => void): Promise<Result> {
    let isDone = false;
    const result = main().finally(() => {
      isDone = true;
    });
    // The rejection is the caller's to see, at the `await result` below.
    result.catch(() => undefined);
    for (;;) {
      await this.#settle();
      if (isDone) return await result;
      if (this.#fake.countTimers() === 0) {
        if (await this.#isMovedFromOutside(() => isDone)) continue;
        throw new Error('Virtual time stands still: the run waits for something, and no timer is pending.');
      }
      const now = this.#fake.next();
      // Whatever else is due at this very instant starts together with it.
      while (nextDueAt(this.#fake) === now) this.#fake.next();
      onTurn?.();
    }
  }

  uninstall(): void {
    this.#restore();
    this.#fake.uninstall();
  }

  async #settle(): Promise<void> {
    for (let quietTurns = 0; quietTurns < QUIET_TURNS; quietTurns += 1) {
      const before = this.#activity;
      await nextTurn();
      const isOutside = this.#outside.count > 0 && this.#realNow() < this.#outside.untilMs;
      if (this.#activity !== before || isOutside) quietTurns = -1;
    }
  }

  /** Where nothing is pending, a file or another thread may still bring something. */
  async #isMovedFromOutside(isDone: () => boolean): Promise<boolean> {
    const before = this.#activity;
    const untilMs = this.#realNow() + STILL_AT_MOST_MS;
    while (this.#realNow() < untilMs) {
      await nextTurn();
      if (isDone() || this.#activity !== before || this.#fake.countTimers() > 0) return true;
    }
    return false;
  }

  /** Watches global immediates (activity) and timers (held or not); the fakes below do the work. */
  #watchGlobals(): () => void {
    const { setTimeout, setInterval, clearTimeout, clearInterval, setImmediate } = globalThis;
    const held = this.#held;
    const noteActivity = this.noteActivity;
    const watched = {
      setTimeout: (callback: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) => {
        const timer: NodeJS.Timeout = setTimeout(() => {
          held.delete(timer);
          callback(...args);
        }, delayMs);
        held.add(timer);
        return timer;
      },
      setInterval: (callback: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) => {
        const timer = setInterval(callback, delayMs, ...args);
        held.add(timer);
        return timer;
      },
      clearTimeout: (timer: NodeJS.Timeout) => {
        held.delete(timer);
        clearTimeout(timer);
      },
      clearInterval: (timer: NodeJS.Timeout) => {
        held.delete(timer);
        clearInterval(timer);
      },
      setImmediate: (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
        noteActivity();
        return setImmediate(() => {
          noteActivity();
          callback(...args);
        });
      },
    };
    // `promisify(setTimeout)` finds its promise here; the fakes have one, too.
    Object.defineProperty(watched.setTimeout, promisify.custom, {
      value: (delayMs: number, value: unknown) =>
        new Promise((resolve) => watched.setTimeout(() => resolve(value), delayMs)),
    });
    Object.assign(globalThis, watched);
    return () =>
      Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval, setImmediate });
  }
}

/** AbortSignal.timeout binds to the timers alive at its first use in the process: let that be the real ones. */
function bindAbortSignalTimeout(): void {
  AbortSignal.timeout(1);
}

/**
 * When the next timer is due; undefined when there is none. fake-timers has no public way to ask, and its `tick(0)`
 * looks at every pending timer, which thousands of connections make slow. Its version is pinned.
 */
function nextDueAt(clock: object): number | undefined {
  const heap: unknown = Reflect.get(clock, 'timerHeap');
  if (typeof heap !== 'object' || heap === null || !('peek' in heap) || typeof heap.peek !== 'function') {
    return undefined;
  }
  const next: unknown = heap.peek();
  if (typeof next !== 'object' || next === null || !('callAt' in next)) return undefined;
  return typeof next.callAt === 'number' ? next.callAt : undefined;
}
