import type { Policy } from '../../judge/policy.ts';
import { fail, type Probe, pass, undecided, unseen } from '../probe.ts';
import { openAndDelete, whyNoMore } from '../short-sessions.ts';

/** Sessions beyond the cap that are opened, one at a time. */
const BEYOND = 50;

/** F23: clients that open a session for each call cost a slot as long as the call lasts, and no longer. */
export const deleteFreesItsSlotAtOnce: Probe = {
  name: 'delete_frees_its_slot_at_once',
  failureModes: ['F23', 'F05'],
  demands: 'Clients that open a session for each call, and delete it, never fill the cap.',
  limit: 'more sessions than the cap, one after another, all let in',
  clause: "the target's policy (maxSessions); MCP 2025-11-25, basic/transports, Session Management 5",
  remedy: 'Let DELETE free the slot itself, not the next sweep.',
  phase: 'load',
  needs: ['session', 'cap'],
  lasts: ({ policy }) => withinMs(policy),
  async run(context) {
    const count = (context.policy.maxSessions ?? 0) + BEYOND;
    const opened = await openAndDelete(context, count, { withinMs: withinMs(context.policy) });
    const { ids, refusal, deletion } = opened;
    if (deletion?.status === 405) return unseen('the server does not let clients end their sessions (405)');
    const observed = `${ids.length} of ${count} sessions opened and deleted one after another`;
    const why = whyNoMore(opened);
    if (why === undefined) return pass(observed);
    if (!refusal) return undecided(observed, why);
    if (refusal.status === 429) return undecided(observed, 'a rate limit came first');
    return fail(`${observed}; then ${why}`, 'sessions that were deleted still keep others out');
  },
};

function withinMs({ maxSessions }: Policy): number {
  return 2_000 + 10 * (maxSessions ?? 0);
}
