import type { HttpAnswer } from './http-exchange.ts';
import type { ProbeContext } from './probe-context.ts';
import { said } from './session-state.ts';

export interface ShortSessions {
  /** Ids of the sessions that were opened and deleted. */
  readonly ids: readonly string[];
  /** Why it stopped before it had them all. */
  readonly refusal: string | undefined;
  readonly refusedWith: number | undefined;
  /** What DELETE was answered, where that was no success. */
  readonly deleteFailed: number | undefined;
}

/** What a limiter may ask a client to wait in all, ms. */
const LONGEST_WAIT_MS = 65_000;
/** After a refusal for want of room, a moment for what is being cleaned up, ms. */
const MOMENT_MS = 1_000;

/**
 * Opens sessions one after another, and deletes each before the next. A rate limit is waited for as long as it
 * asks (429 with Retry-After), and with `enough` sessions ends it; any other refusal is tried once more after a
 * moment, then it ends there.
 */
export async function openAndDelete(
  context: ProbeContext,
  count: number,
  { enough = count }: { enough?: number } = {},
): Promise<ShortSessions> {
  const peer = context.peer();
  const ids: string[] = [];
  let waitedMs = 0;
  let hasTriedAgain = false;
  while (ids.length < count) {
    const { answer, session } = await context.initialize({ peer });
    if (session) {
      const { status } = await session.delete().done();
      if (status === undefined || status >= 300) {
        return { ids, refusal: undefined, refusedWith: undefined, deleteFailed: status ?? 0 };
      }
      ids.push(session.id);
      hasTriedAgain = false;
      continue;
    }
    const waitMs = askedToWaitMs(answer);
    const mayWait = answer.status === 429 && waitedMs + waitMs <= LONGEST_WAIT_MS;
    if (!mayWait && hasTriedAgain) {
      return {
        ids,
        refusal: `initialize ${said(answer)}`,
        refusedWith: answer.status,
        deleteFailed: undefined,
      };
    }
    hasTriedAgain ||= !mayWait;
    waitedMs += mayWait ? waitMs : 0;
    await context.sleep(mayWait ? waitMs : MOMENT_MS);
    if (mayWait && ids.length >= enough) break;
  }
  return { ids, refusal: undefined, refusedWith: undefined, deleteFailed: undefined };
}

/** What Retry-After asks for, ms; a second where it asks for nothing. */
export function askedToWaitMs({ headers }: HttpAnswer): number {
  const seconds = Number(headers.get('retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 1_000;
}
