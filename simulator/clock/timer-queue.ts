import type { Cancel, Clock } from './clock.ts';

/** The one timer a queue needs from the world below it. */
export interface Alarm {
  /** Monotonic milliseconds since the run began. */
  now(): number;
  /** Calls back once in `delayMs`; returns the way to take that back. */
  set(delayMs: number, callback: () => void): Cancel;
}

interface Entry {
  readonly timeMs: number;
  /** Order of arrival: entries due at one instant run in it, so that runs can be repeated exactly. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/**
 * A clock on top of a single alarm: thousands of virtual users sleep in one heap instead of each owning a timer.
 * Cancelled entries are dropped when they come up.
 */
export class TimerQueue implements Clock {
  readonly #alarm: Alarm;
  readonly #heap: Entry[] = [];
  readonly #sleepers = new WeakMap<AbortSignal, Set<() => void>>();
  #order = 0;
  #armedFor = Number.POSITIVE_INFINITY;
  #disarm: Cancel | undefined;

  constructor(alarm: Alarm) {
    this.#alarm = alarm;
  }

  now(): number {
    return this.#alarm.now();
  }

  at(timeMs: number, callback: () => void): Cancel {
    const entry: Entry = { timeMs, order: this.#order, callback };
    this.#order += 1;
    push(this.#heap, entry);
    this.#arm();
    return () => {
      entry.callback = undefined;
      this.#disarmIfEmpty();
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const sleepers = signal && this.#sleepersOn(signal);
      const cancel = this.at(this.now() + ms, () => {
        sleepers?.delete(onAbort);
        resolve();
      });
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      sleepers?.add(onAbort);
    });
  }

  /** Whoever sleeps until a signal: one listener for all of them, since adding the nth to an AbortSignal costs n. */
  #sleepersOn(signal: AbortSignal): Set<() => void> {
    const known = this.#sleepers.get(signal);
    if (known) return known;
    const sleepers = new Set<() => void>();
    this.#sleepers.set(signal, sleepers);
    const wakeAll = () => {
      for (const wake of sleepers) wake();
    };
    signal.addEventListener('abort', wakeAll, { once: true });
    return sleepers;
  }

  #arm(): void {
    this.#dropCancelled();
    const next = this.#heap[0];
    if (!next || next.timeMs >= this.#armedFor) return;
    this.#disarm?.();
    this.#armedFor = next.timeMs;
    const delayMs = Math.max(0, Math.ceil(next.timeMs - this.now()));
    this.#disarm = this.#alarm.set(delayMs, () => this.#ring());
  }

  #ring(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#disarm = undefined;
    const now = this.now();
    for (let next = this.#heap[0]; next && next.timeMs <= now; next = this.#heap[0]) {
      pop(this.#heap);
      const { callback } = next;
      next.callback = undefined;
      callback?.();
    }
    this.#arm();
  }

  /** An alarm nobody waits for would keep a process alive that is done. */
  #disarmIfEmpty(): void {
    this.#dropCancelled();
    if (this.#heap.length > 0) return;
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  /** Cancelled entries must not set the alarm: each would wake a virtual clock for nothing. */
  #dropCancelled(): void {
    while (this.#heap[0] && this.#heap[0].callback === undefined) pop(this.#heap);
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (!parent || !isBefore(entry, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let childIndex = 2 * index + 1;
    let child = heap[childIndex];
    const right = heap[childIndex + 1];
    if (child && right && isBefore(right, child)) {
      childIndex += 1;
      child = right;
    }
    if (!child || !isBefore(child, last)) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = last;
}
