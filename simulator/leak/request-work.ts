import { HeldSessions } from './held-sessions.ts';
import type { LeakWork, WorkParts } from './leak-work.ts';

/** A unit is a request in a session that stays open (F09). */
export function requestWork(parts: WorkParts): LeakWork {
  const { lanes, tally, call } = parts;
  const held = new HeldSessions(parts);
  return {
    name: `${call.name} in sessions that stay open`,
    begin: () => held.open(),
    cycle: (units, signal) =>
      lanes.each(
        units,
        async (lane) => {
          if (tally.check(call.name, await call.run(held.of(lane)))) tally.done += 1;
        },
        signal,
      ),
    end: () => held.end(),
  };
}
