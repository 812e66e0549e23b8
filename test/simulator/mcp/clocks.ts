import type { Cancel, Clock } from '../../../simulator/clock/clock.ts';

/** Real time, for tests that need none of it to pass. Knows how many callbacks are pending. */
export class RealClock implements Clock {
  readonly #startedAt = performance.now();
  #pending = 0;

  get pending(): number {
    return this.#pending;
  }

  now(): number {
    return performance.now() - this.#startedAt;
  }

  at(timeMs: number, callback: () => void): Cancel {
    this.#pending += 1;
    let isPending = true;
    const settle = () => {
      if (isPending) this.#pending -= 1;
      isPending = false;
    };
    const timer = setTimeout(() => {
      settle();
      callback();
    }, timeMs - this.now());
    return () => {
      clearTimeout(timer);
      settle();
    };
  }

  sleep(): Promise<void> {
    throw new Error('sleep: the client never sleeps');
  }
}

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #alarms = new Set<{ readonly at: number; readonly callback: () => void }>();

  get pending(): number {
    return this.#alarms.size;
  }

  now(): number {
    return this.#now;
  }

  at(timeMs: number, callback: () => void): Cancel {
    const alarm = { at: timeMs, callback };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = [...this.#alarms].filter((alarm) => alarm.at <= this.#now).sort((a, b) => a.at - b.at);
    for (const alarm of due) if (this.#alarms.delete(alarm)) alarm.callback();
  }

  sleep(): Promise<void> {
    throw new Error('sleep: the client never sleeps');
  }
}
