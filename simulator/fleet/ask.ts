import type { McpClient } from '../mcp/mcp-client.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Handshake } from '../scenario/step.ts';
import { askedMsOf, isRefusal, type Waiting, waitMs } from './profiles/waiting.ts';
import { isGone, isLost, type StepContext, type StepEnd, settle, take, wait } from './step-context.ts';

/** A request on the session, as often as the client's profile sends it. */
export interface Ask {
  readonly method: string;
  readonly send: (client: McpClient) => Promise<Outcome>;
  /** An error that the client wanted. */
  readonly isExpected?: (outcome: Outcome) => boolean;
}

export interface Asked {
  readonly outcome: Outcome;
  readonly end: StepEnd;
  /** It was lost in a network that we made fail. */
  readonly isOurFault: boolean;
  /** Its client had asked for the end of the session: the target may have given it up, but not in silence. */
  readonly isOvertaken: boolean;
}

/** Sends a request and takes it down. */
export async function ask(context: StepContext, request: Ask): Promise<Asked> {
  const [asked] = await askAll(context, [request]);
  if (!asked) throw new Error('one request has one outcome');
  return asked;
}

/**
 * Sends requests all at once. What is refused is sent again as the profile says; what finds the session gone is
 * sent again, once, on a new one.
 */
export async function askAll(context: StepContext, requests: readonly Ask[]): Promise<Asked[]> {
  const { profile } = context;
  const asked = new Map<Ask, Asked>();
  let pending = requests;
  let mayRenew = profile.atGone.kind === 'reinitialize';
  for (let attempt = 0; pending.length > 0; attempt += 1) {
    context.stop.throwIfAborted();
    const round = await sendAll(context, pending);
    for (const [request, answer] of round) asked.set(request, answer);
    const gone = round.filter(([, { outcome }]) => isGone(outcome));
    if (gone.length > 0 && mayRenew) {
      mayRenew = false;
      if ((await renew(context)) === 'end') break;
      pending = gone.map(([request]) => request);
      continue;
    }
    const refused = round.filter(([, { outcome }]) => isRefusal(outcome));
    const [first] = refused;
    if (!first || !(await isWorthWaiting(context, profile.retry, attempt, first[1].outcome))) break;
    pending = refused.map(([request]) => request);
  }
  return requests.flatMap((request) => asked.get(request) ?? []);
}

/** Asks for a session; refused, again as the profile says, each time as a new attempt for the ledger. */
export async function openSession(
  context: StepContext,
  { handshake, longestMs, isAnother }: { handshake: Handshake; longestMs?: number; isAnother: boolean },
): Promise<StepEnd> {
  const { clients, profile } = context;
  for (let attempt = 0; ; attempt += 1) {
    if (isAnother || attempt > 0) clients.renew();
    const isFailing = clients.network?.isFailing ?? false;
    const options = longestMs === undefined ? {} : { longestMs };
    const outcome = await clients.current.initialize({ handshake }, options);
    const isExpected = isFailing && isLost(outcome);
    const end = settle(context, outcome, { method: 'initialize', isExpected });
    if (!isRefusal(outcome) || !(await isWorthWaiting(context, profile.retry, attempt, outcome))) return end;
  }
}

async function sendAll(context: StepContext, requests: readonly Ask[]): Promise<[Ask, Asked][]> {
  const { clients, profile } = context;
  const isFailing = clients.network?.isFailing ?? false;
  const client = clients.current;
  const outcomes = await Promise.all(
    requests.map(async (request): Promise<[Ask, Outcome]> => [request, await request.send(client)]),
  );
  const round = outcomes.map(([request, outcome]): [Ask, Asked] => {
    const isOurFault = isFailing && isLost(outcome);
    // Whether the session ought to have lived is the ledger's to judge; a client that is prepared for it has no error.
    const isPrepared = isGone(outcome) && profile.atGone.kind !== 'end';
    // Beside a DELETE of our own any request may find the session gone, or be given up by the target.
    const isOvertaken = clients.isEnding && (isGone(outcome) || outcome.kind === 'rpc-error');
    const isExpected = isOurFault || isPrepared || isOvertaken || (request.isExpected?.(outcome) ?? false);
    take(context, outcome, { method: request.method, isExpected });
    // The flow goes on to look whether it is gone for good.
    const isOver = isGone(outcome) && !isOvertaken && profile.atGone.kind !== 'go-on';
    const end = isOver ? 'end' : 'go-on';
    return [request, { outcome, end, isOurFault, isOvertaken }];
  });
  context.dueAt = Math.max(...round.map(([, { outcome }]) => outcome.doneAt));
  return round;
}

/** A new session in place of one that is gone. */
async function renew(context: StepContext): Promise<StepEnd> {
  const { atGone } = context.profile;
  const pause = atGone.kind === 'reinitialize' ? atGone.wait : null;
  if (pause) await isWorthWaiting(context, pause, 0);
  return openSession(context, { handshake: 'full', isAnother: true });
}

/** Waits before the next attempt; false when there is to be none. */
async function isWorthWaiting(
  context: StepContext,
  waiting: Waiting | null,
  attempt: number,
  outcome?: Outcome,
): Promise<boolean> {
  const { clock, random } = context;
  const askedMs = outcome && askedMsOf(outcome);
  const ms = waiting ? waitMs(waiting, { attempt, askedMs, now: clock.now(), random }) : undefined;
  if (ms === undefined) return false;
  context.dueAt = await wait(context, ms);
  return true;
}
