import type { Clock } from '../clock/clock.ts';
import type { Target, TargetExit } from '../targets/target.ts';

/** What a connection breaks by is heard of before the end of the process is, ms. */
const NEWS_WITHIN_MS = 500;
const MAX_LINES = 5;
const MAX_LINE_CHARS = 200;

/**
 * How the target ended, and what it said last, as a sentence; undefined when it lives, or where nobody can see that. To
 * be asked when something broke that an end explains: it waits for the news.
 */
export async function howItEnded(target: Target, clock: Clock): Promise<string | undefined> {
  const exit = await exitOf(target, clock);
  if (!exit) return undefined;
  const lines = (await target.lastLines?.()) ?? [];
  const last = lines.slice(-MAX_LINES).map((line) => line.trim().slice(0, MAX_LINE_CHARS));
  const said = last.length === 0 ? 'it said nothing' : `it said last: ${last.join(' / ')}`;
  return `the target ended (${exit.signal ?? `code ${exit.code}`}), and was not told to; ${said}`;
}

async function exitOf({ exited }: Target, clock: Clock): Promise<TargetExit | undefined> {
  const { promise: stillThere, resolve } = Promise.withResolvers<undefined>();
  const cancel = clock.at(clock.now() + NEWS_WITHIN_MS, () => resolve(undefined));
  try {
    return await Promise.race([exited, stillThere]);
  } finally {
    cancel();
  }
}
