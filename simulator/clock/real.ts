import type { Clock } from './clock.ts';
import { TimerQueue } from './timer-queue.ts';

/** Time as it passes. Starts at 0 now. */
export function realClock(): Clock {
  const startedAt = performance.now();
  return new TimerQueue({
    now: () => performance.now() - startedAt,
    set: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  });
}
