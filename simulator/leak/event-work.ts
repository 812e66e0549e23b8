import { HeldSessions } from './held-sessions.ts';
import { NotObservableError } from './leak-error.ts';
import type { LeakWork, WorkParts } from './leak-work.ts';

const TOKEN = 'mcp-soak-progress';

/** A unit is an event that the target sends into an open stream, in a session that stays open (F42). */
export function eventWork(parts: WorkParts): LeakWork {
  const { lanes, tally, call } = parts;
  const { emitter } = call;
  const held = new HeldSessions(parts);
  let received = 0;
  return {
    name: 'progress notifications in sessions that stay open',
    async begin() {
      if (!emitter) throw new NotObservableError(NO_EMITTER);
      await held.open(() => {
        received += 1;
      });
    },
    async cycle(units, signal) {
      if (!emitter) return;
      const before = received;
      const count = Math.ceil(units / lanes.count);
      await lanes.each(
        lanes.count,
        async (lane) => {
          tally.check('the call that sends events', await emitter(held.of(lane), { count, token: TOKEN }));
        },
        signal,
      );
      tally.done += received - before;
      if (received === before && !signal.aborted)
        throw new NotObservableError('the tool sent no progress notifications');
    },
    end: () => held.end(),
  };
}

export const NO_EMITTER =
  'the target has no tool that sends events: name one that sends progress notifications with mcp-soak leak --tool (emit of the reference hub, say)';
