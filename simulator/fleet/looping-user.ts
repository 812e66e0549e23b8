import { MIN_ITERATION_MS, type Span } from '../scenario/schedule.ts';
import type { ExecutorParts } from './executor.ts';

/** When a virtual user of a closed executor works. */
export interface WorkingTime {
  /** Clock ms at which the workload began. */
  readonly beganAt: number;
  readonly spans: readonly Span[];
  /** How long an iteration may go on when its span is over; `null`: until it is done. */
  readonly graceMs: number | null;
}

/** One virtual user: iteration after iteration while it is its time. None begins later; what runs goes on. */
export async function loopUser(
  vu: number,
  { beganAt, spans, graceMs }: WorkingTime,
  { clock, iterate, stop }: ExecutorParts,
): Promise<void> {
  const sleepUntil = (at: number) =>
    at > clock.now() ? clock.sleep(at - clock.now(), stop).catch(() => undefined) : undefined;
  let iteration = 0;
  for (const [index, { fromMs, untilMs }] of spans.entries()) {
    await sleepUntil(beganAt + fromMs);
    const next = spans[index + 1];
    const cutMs = graceMs === null ? null : untilMs + graceMs;
    // A user that is wanted again by then is not sent away.
    const isCut = cutMs !== null && (next === undefined || next.fromMs > cutMs);
    while (clock.now() < beganAt + untilMs && !stop.aborted) {
      const dueAt = clock.now();
      await iterate({ vu, iteration, dueAt, ...(isCut && { cutAt: beganAt + cutMs }) });
      iteration += 1;
      await sleepUntil(dueAt + MIN_ITERATION_MS);
    }
  }
}
