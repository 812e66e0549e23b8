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
  #activity = 0;

  constructor() {
    bindAbortSignalTimeout();
    this.#fake = FakeTimers.install({ now: EPOCH, toFake: [...FAKED] });
    const fake = this.#fake;
    this.clock = new TimerQueue({
      now: () => fake.now - EPOCH,
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
        throw new Error('Virtual time stands still: the run waits for something, and no timer is pending.');
      }
      this.#fake.next();
      // Whatever else is due at this very instant starts together with it.
      this.#fake.tick(0);
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
      if (this.#activity !== before) quietTurns = -1;
    }
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
