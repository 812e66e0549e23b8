import type { HttpAnswer } from '../http-exchange.ts';
import { type Finding, fail, type Known, type Probe, pass, undecided } from '../probe.ts';
import { initializeBody, type ProbeContext } from '../probe-context.ts';

/** Clients that come at once, beyond the cap. */
const BEYOND = 50;
/** A slot's worth of sockets each: more half-sent requests than that are a test of the machine. */
const MOST_HALF_SENT = 300;
const SETTLE_MS = 500;

const POLICY_CLAUSE = "the target's policy (maxSessions)";

function floodMs({ policy }: Known): number {
  return 2_000 + 20 * (policy.maxSessions ?? 0);
}

/** F45, F46: however many come at once, no more are let in than the cap says, and the others are told when to come back. */
export const capHoldsInABurst: Probe = {
  name: 'cap_holds_in_a_burst',
  failureModes: ['F45', 'F46'],
  demands: 'Clients that come all at once are let in up to the cap; the others are told to come back later.',
  limit: 'at most the cap; beyond it 503 or 429 with Retry-After',
  clause: POLICY_CLAUSE,
  remedy:
    'Reserve the slot in the same turn in which the cap is looked at, before anything is awaited, and give it back when initialize fails.',
  phase: 'load',
  needs: ['session', 'cap'],
  lasts: floodMs,
  async run(context) {
    const cap = capOf(context);
    const bystander = await context.open();
    const answers = await flood(context, cap + BEYOND);
    const opened = answers.filter(({ status }) => status === 200).length;
    const refused = answers.filter(({ status }) => status !== 200);
    const state = await bystander.probe();
    const observed = `${opened + 1} sessions opened at once, the cap is ${cap}; ${refused.length} refused: ${tally(refused)}`;
    return judgeFlood(
      { opened: opened + 1, cap, refused, state, evicts: context.policy.capRule === 'evict-idle' },
      observed,
    );
  },
};

interface Flood {
  readonly opened: number;
  readonly cap: number;
  readonly refused: readonly HttpAnswer[];
  readonly state: 'alive' | 'gone' | 'unclear';
  readonly evicts: boolean;
}

function judgeFlood({ opened, cap, refused, state, evicts }: Flood, observed: string): Finding {
  if (opened > cap && !evicts)
    return fail(observed, 'more sessions are let in than were promised to be held');
  const unclear = refused.filter(
    ({ status, headers }) => !(status === 503 || status === 429) || !headers.has('retry-after'),
  );
  if (unclear.length > 0) {
    return fail(
      observed,
      `${unclear.length} clients were refused without 503 or 429 and a Retry-After: they come back at once`,
    );
  }
  if (state !== 'alive' && !evicts) {
    return fail(
      `${observed}; a session that was there before is ${state}`,
      'the flood took a session that was there before',
    );
  }
  if (opened < cap / 2)
    return undecided(observed, 'less than half of the cap could be filled: another limit came first');
  return pass(observed);
}

/** F47: sessions that nobody ends free their slots in time. */
export const capFreesItself: Probe = {
  name: 'cap_frees_itself',
  failureModes: ['F47', 'F01'],
  demands: 'A cap filled with sessions that everybody left is free again after T + C.',
  limit: 'initialize succeeds after T + C',
  clause: POLICY_CLAUSE,
  remedy: 'A cap needs a reaper: end idle sessions periodically, and before a client is refused.',
  phase: 'load',
  needs: ['session', 'cap', 'idle-timeout'],
  lasts: (known) => floodMs(known) + waitMs(known) + SETTLE_MS,
  async run(context) {
    const cap = capOf(context);
    const before = await flood(context, cap, { isLeft: true });
    const { session: oneMore } = await context.initialize();
    const filled = before.filter(({ status }) => status === 200).length;
    await context.sleep(waitMs(context) + SETTLE_MS + context.toleranceMs);
    context.clearEvidence();
    const { answer, session } = await context.initialize();
    const observed = `${filled} of ${cap} slots filled and left (one more was ${oneMore ? 'let in' : 'refused'}); after T + C initialize ${answer.status ?? answer.end}`;
    if (session) return pass(observed);
    return fail(observed, 'once the cap is full of clients that left, nobody gets in until a restart');
  },
};

/** F47: a request that is not all there holds no slot. */
export const halfSentBodiesHoldNoSlot: Probe = {
  name: 'half_sent_bodies_hold_no_slot',
  failureModes: ['F47', 'F49'],
  demands: 'An initialize whose body is still under way takes no slot from those that are complete.',
  limit: 'initialize succeeds beside half-sent ones',
  clause: POLICY_CLAUSE,
  remedy: 'Take the slot when the body is parsed, not when the request begins.',
  phase: 'load',
  needs: ['session', 'cap'],
  lasts: () => 2_000,
  async run(context) {
    const half = Math.min(capOf(context), MOST_HALF_SENT);
    const slow = context.peer();
    const body = initializeBody();
    for (let count = 0; count < half; count += 1) {
      slow.send({
        method: 'POST',
        headers: { 'Content-Length': String(body.length) },
        body: body.slice(0, 20),
      });
    }
    await context.sleep(SETTLE_MS);
    context.clearEvidence();
    const { answer, session } = await context.initialize();
    slow.reset();
    const observed = `beside ${half} half-sent ones initialize ${answer.status ?? answer.end}`;
    if (session) return pass(observed);
    return fail(observed, 'anybody can keep everybody out by sending half of a request');
  },
};

/** Everybody at once, from one host. Those let in are deleted, or left. */
async function flood(
  context: ProbeContext,
  clients: number,
  { isLeft = false }: { isLeft?: boolean } = {},
): Promise<HttpAnswer[]> {
  const peer = context.peer();
  const body = initializeBody();
  const answers = await Promise.all(
    Array.from({ length: clients }, () => peer.send({ method: 'POST', body }).done()),
  );
  context.clearEvidence();
  for (const answer of answers) {
    const session = context.adopt(answer, peer);
    if (!session) continue;
    if (isLeft) session.leave();
    // With the handshake done it is the idle timeout that ends it.
    await session.notify('notifications/initialized').done();
  }
  return answers;
}

function capOf({ policy }: { readonly policy: Known['policy'] }): number {
  return policy.maxSessions ?? 0;
}

function waitMs({ policy }: { readonly policy: Known['policy'] }): number {
  return (policy.sessionTimeoutMs ?? 0) + policy.cleanupIntervalMs;
}

function tally(answers: readonly HttpAnswer[]): string {
  const counts = new Map<string, number>();
  for (const { status, end } of answers) {
    const said = status === undefined ? end : String(status);
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  return [...counts].map(([said, count]) => `${count} × ${said}`).join(', ') || 'none';
}
