import type { Clock } from './clock/clock.ts';
import type { LeakSeries } from './judge/leak-series.ts';
import type { Policy } from './judge/policy.ts';
import { IDLE_CLIENT } from './leak/lanes.ts';
import { measureLeak } from './leak/measure-leak.ts';
import { SessionTotals } from './leak/session-totals.ts';
import type { LeakRequest } from './leak-request.ts';
import { countSource } from './observers/count-source.ts';
import { readProcess } from './observers/process.ts';
import { SessionObserver, type Visibility } from './observers/sessions.ts';
import { realTarget } from './open-target.ts';
import type { SeriesPoint } from './result.ts';
import type { Target } from './targets/target.ts';

/** What was measured of one target, one unit after another. */
export interface MeasuredLeaks {
  /** It has been stopped. */
  readonly target: Target;
  readonly leaks: readonly LeakSeries[];
  readonly series: SeriesPoint[];
  readonly totals: SessionTotals;
  readonly visibility: Visibility;
  readonly policy: Policy | undefined;
  readonly isAborted: boolean;
}

/** Some sessions of each cycle are left to be reaped: the hub ends those of this client soon. */
const HUB = { clientTimeouts: `${IDLE_CLIENT}=200ms`, cleanupInterval: '100ms' };

/**
 * Starts the target, measures what each unit leaves behind, and stops it. Real time only.
 * @throws RequestError for a target that cannot be had, or whose memory cannot be read
 */
export async function measureLeaks(
  request: Omit<LeakRequest, 'seed' | 'replay'>,
  clock: Clock,
  hide: (text: string) => string,
): Promise<MeasuredLeaks> {
  const {
    target: wanted,
    outDir,
    units,
    stop,
    onProgress,
    sessionsFrom,
    sessionBudgetBytes,
    ...options
  } = request;
  const target = await realTarget({ target: wanted, hub: HUB, outDir, observers: { heap: 'target' }, hide });
  const { headers } = options;
  const totals = new SessionTotals();
  const leaks: LeakSeries[] = [];
  const series: SeriesPoint[] = [];
  const source = sessionsFrom && countSource(sessionsFrom, target, clock, headers);
  const sessions = new SessionObserver(target, clock, { source, headers });
  try {
    await sessions.discover();
    for (const unit of units) {
      if (stop?.aborted) break;
      const measured = await measureLeak(
        target,
        {
          ...options,
          unit,
          ...(sessionsFrom && { sessionsFrom }),
          ...(unit === 'session' &&
            sessionBudgetBytes !== undefined && { heldBudgetBytes: sessionBudgetBytes }),
        },
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
    const { visibility, policy } = sessions;
    return { target, leaks, series, totals, visibility, policy, isAborted: stop?.aborted === true };
  } finally {
    sessions.close();
    await target.stop();
  }
}
