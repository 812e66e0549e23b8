import { assembleLeak } from './assemble-leak.ts';
import { realClock } from './clock/real.ts';
import type { LeakRequest } from './leak-request.ts';
import { measureLeaks } from './measure-leaks.ts';
import type { RunResult } from './result.ts';
import { stopwatch } from './run.ts';
import { checkHeaders } from './run-headers.ts';
import { credentialsIn, Secrets } from './secrets.ts';

/**
 * Looks for leaks in one target, one unit after another, and judges each. Real time only.
 * @throws RequestError for a target that cannot be had, or whose memory cannot be read
 */
export async function runLeak(request: LeakRequest): Promise<RunResult> {
  const wall = { startedAt: new Date().toISOString(), elapsedMs: stopwatch() };
  checkHeaders(request.headers);
  const secrets = Secrets.of(credentialsIn(request.headers));
  const clock = realClock();
  const { target, ...measured } = await measureLeaks(request, clock, secrets.hide);
  return secrets.hideIn(assembleLeak({ clock, target, wall }, request, measured));
}
