import type { HttpAnswer } from './http-exchange.ts';
import type { ProbeContext } from './probe-context.ts';
import { said } from './session-state.ts';

export interface ShortSessions {
  /** Ids of the sessions that were opened and deleted. */
  readonly ids: readonly string[];
  /** The refusal at which it ended before it had them all. */
  readonly refusal?: HttpAnswer;
  /** What DELETE was answered, where that was no success. */
  readonly deletion?: HttpAnswer;
  /** It took too long. */
  readonly isLate?: true;
}

export interface ShortSessionsOptions {
  /** With so many it may end early. */
  readonly enough?: number;
  readonly atOnce?: number;
  /** No more are begun after that; what a rate limit asks to wait does not count, ms. */
  readonly withinMs: number;
}

/** What a limiter may ask a client to wait in all, ms. */
const LONGEST_WAIT_MS = 65_000;
/** After a refusal for want of room, a moment for what is being cleaned up, ms. */
const MOMENT_MS = 1_000;

/**
 * Opens sessions one after another, or a few at once, and deletes them before the next. A rate limit is waited for
 * as long as it asks (429 with Retry-After); any other refusal is tried once more after a moment.
 */
export async function openAndDelete(
  context: ProbeContext,
  count: number,
  { enough = count, atOnce = 1, withinMs }: ShortSessionsOptions,
): Promise<ShortSessions> {
  const peer = context.peer();
  const ids: string[] = [];
  const began = context.clock.now();
  let waitedMs = 0;
  let hasTriedAgain = false;
  while (ids.length < count) {
    if (context.clock.now() - began - waitedMs > withinMs) return { ids, isLate: true };
    const opened = await Promise.all(Array.from({ length: atOnce }, () => context.initialize({ peer })));
    const sessions = opened.flatMap(({ session }) => session ?? []);
    const deletions = await Promise.all(sessions.map((session) => session.delete().done()));
    ids.push(...sessions.map(({ id }) => id));
    const deletion = deletions.find(({ status }) => status === undefined || status >= 300);
    if (deletion) return { ids, deletion };
    const refusal = opened.find(({ session }) => !session)?.answer;
    if (!refusal) {
      hasTriedAgain = false;
      continue;
    }
    const isLimited = refusal.status === 429;
    if (isLimited ? waitedMs >= LONGEST_WAIT_MS : hasTriedAgain) return { ids, refusal };
    hasTriedAgain ||= !isLimited;
    const waitMs = isLimited ? Math.min(askedToWaitMs(refusal), LONGEST_WAIT_MS) : MOMENT_MS;
    waitedMs += waitMs;
    await context.sleep(waitMs);
    if (ids.length >= enough) return { ids };
  }
  return { ids };
}

/** What Retry-After asks for, ms; a second where it asks for nothing. */
export function askedToWaitMs({ headers }: HttpAnswer): number {
  const seconds = Number(headers.get('retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 1_000;
}

/** Why there are no more of them, as a sentence without its end. */
export function whyNoMore({ refusal, deletion, isLate }: ShortSessions): string | undefined {
  if (refusal) return `initialize was refused: ${said(refusal)}`;
  if (deletion) return `DELETE was answered ${said(deletion)}`;
  return isLate && 'each took too long';
}
