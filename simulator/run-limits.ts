import { grouped } from './judge/format.ts';
import { openFilesLimit } from './observers/open-files.ts';
import type { Plan } from './scenario/plan.ts';
import { peakConnections } from './scenario/plan-load.ts';
import type { Target } from './targets/target.ts';

/** What a process has open besides the connections of clients: its program, its log, a look at it, room to breathe. */
const OTHER_FILES = 64;

/**
 * What will stand in the way of a plan in real time, in words, before it is carried out: each connection is an open
 * file on either side of it. A plan can be wrong about how fast answers come, so that it is tried all the same.
 */
export function limitWarnings(plan: Plan, target: Pick<Target, 'name' | 'pid'>): string[] {
  const connections = peakConnections(plan);
  return [
    { who: 'the simulator', limit: openFilesLimit('self') },
    { who: `the target (process ${target.pid})`, limit: target.pid && openFilesLimit(target.pid) },
  ].flatMap(({ who, limit }) =>
    limit !== undefined && connections + OTHER_FILES > limit
      ? [
          `this plan has up to ${grouped(connections)} connections open at once, and ${who} may open ${grouped(limit)} files: raise that limit (ulimit -n), or have fewer clients at once`,
        ]
      : [],
  );
}
