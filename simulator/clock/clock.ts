/**
 * Time, as everything in the simulator sees it. The first of the two seams to the world
 * (the other is `dial`, in targets/target.ts). Two makers: real.ts and virtual.ts.
 */
export interface Clock {
  /** Monotonic milliseconds since the run began. */
  now(): number;
  /** Resolves `ms` from now. Rejects with `signal.reason` as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once, at `timeMs` on this clock (at once, but never synchronously, if that is past). */
  at(timeMs: number, callback: () => void): Cancel;
}

/** Takes a pending callback back. Calling it twice, or after the callback ran, does nothing. */
export type Cancel = () => void;
