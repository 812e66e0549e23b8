import { assembleLeak } from './assemble-leak.ts';
import { realClock } from './clock/real.ts';
import type { LeakSeries } from './judge/leak-series.ts';
import { IDLE_CLIENT } from './leak/lanes.ts';
import { measureLeak } from './leak/measure-leak.ts';
import { SessionTotals } from './leak/session-totals.ts';
import type { LeakRequest } from './leak-request.ts';
import { countSource } from './observers/count-source.ts';
import { readProcess } from './observers/process.ts';
import { SessionObserver } from './observers/sessions.ts';
import { realTarget } from './open-target.ts';
import type { RunResult, SeriesPoint } from './result.ts';
import { stopwatch } from './run.ts';
import { checkHeaders } from './run-headers.ts';
import { credentialsIn, Secrets } from './secrets.ts';

/** Some sessions of each cycle are left to be reaped: the hub ends those of this client soon. */
const HUB = { clientTimeouts: `${IDLE_CLIENT}=200ms`, cleanupInterval: '100ms' };

/**
 * Looks for leaks in one target, one unit after another, and judges each. Real time only.
 * @throws RequestError for a target that cannot be had, or whose memory cannot be read
 */
export async function runLeak(request: LeakRequest): Promise<RunResult> {
  const wall = { startedAt: new Date().toISOString(), elapsedMs: stopwatch() };
  const { target: wanted, outDir, units, stop, onProgress, sessionsFrom, ...options } = request;
  const { headers } = options;
  checkHeaders(headers);
  const secrets = Secrets.of(credentialsIn(headers));
  const { hide } = secrets;
  const target = await realTarget({ target: wanted, hub: HUB, outDir, observers: { heap: 'target' }, hide });
  const clock = realClock();
  const totals = new SessionTotals();
  const leaks: LeakSeries[] = [];
  const series: SeriesPoint[] = [];
  const source = sessionsFrom && countSource(sessionsFrom, target, clock, headers);
  const sessions = new SessionObserver(target, clock, { source, headers });
  try {
    await sessions.discover();
    const { visibility, policy } = sessions;
    for (const unit of units) {
      if (stop?.aborted) break;
      const measured = await measureLeak(
        target,
        { ...options, unit, ...(sessionsFrom && { sessionsFrom }) },
        {
          clock,
          ...(stop && { signal: stop }),
          onProgress: ({ phase, cycles, bytes, counts, tally, source }) => {
            totals.note(unit, tally);
            const pid = options.inspectPid ?? target.pid;
            const usage = pid === undefined ? undefined : readProcess(pid);
            const observed = counts.sessions ?? 0;
            series.push({
              t: clock.now(),
              observed,
              must: 0,
              may: observed,
              ...(usage && { rssBytes: usage.rssBytes, openFiles: usage.openFiles }),
              ...(source === 'heap' && { heapBytes: bytes }),
            });
            onProgress?.({ unit, phase, cycles, bytes });
          },
        },
      );
      leaks.push(measured);
    }
    const remains = { leaks, series, totals, visibility, policy, isAborted: stop?.aborted === true };
    return secrets.hideIn(assembleLeak({ clock, target, wall }, request, remains));
  } finally {
    sessions.close();
    await target.stop();
  }
}
