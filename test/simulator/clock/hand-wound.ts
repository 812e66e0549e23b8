import type { Cancel } from '../../../simulator/clock/clock.ts';
import type { Alarm } from '../../../simulator/clock/timer-queue.ts';

/** An alarm whose time passes only when a test says so. */
export class HandWoundAlarm implements Alarm {
  #now = 0;
  #set: { at: number; callback: () => void } | undefined;
  /** How often the alarm was set. */
  timesSet = 0;

  now(): number {
    return this.#now;
  }

  /** When the alarm will ring; undefined while it is not set. */
  get setFor(): number | undefined {
    return this.#set?.at;
  }

  set(delayMs: number, callback: () => void): Cancel {
    if (this.#set) throw new Error('one alarm is set already');
    const set = { at: this.#now + delayMs, callback };
    this.#set = set;
    this.timesSet += 1;
    return () => {
      if (this.#set === set) this.#set = undefined;
    };
  }

  /** Lets time pass, and the alarm ring whenever it is due. */
  passTo(timeMs: number): void {
    while (this.#set && this.#set.at <= timeMs) {
      const { at, callback } = this.#set;
      this.#set = undefined;
      this.#now = Math.max(this.#now, at);
      callback();
    }
    this.#now = timeMs;
  }
}
