import type { Clock } from '../clock/clock.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Recorder } from '../recorder.ts';
import type { Random } from '../scenario/random.ts';
import type { ClientLine } from './client-line.ts';
import type { Profile } from './profiles/profile.ts';

/** What a step works with: one iteration of one virtual user. */
export interface StepContext {
  readonly clients: ClientLine;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly random: Random;
  readonly recorder: Recorder;
  readonly stop: AbortSignal;
  /** When the step should begin: the end of the one before, or of its think time. */
  dueAt: number;
}

/** `end`: the session is over or cannot go on; the rest of the flow makes no sense. */
export type StepEnd = 'go-on' | 'end';

/** How an outcome is to be taken. */
export interface Taking {
  readonly method: string;
  readonly isExpected?: boolean;
}

/** Takes the outcome of a request down. */
export function take(context: StepContext, outcome: Outcome, { method, isExpected = false }: Taking): void {
  const { clients, recorder, dueAt } = context;
  // Whose time was over is cut off by us.
  const isCut = outcome.kind === 'aborted' && clients.hasLeft;
  recorder.request(outcome, {
    session: clients.session,
    method,
    dueAt,
    isExpected: isExpected || isCut,
  });
}

/** Takes the outcome down, and decides whether the session can go on. */
export function settle(context: StepContext, outcome: Outcome, taking: Taking): StepEnd {
  take(context, outcome, taking);
  context.dueAt = outcome.doneAt;
  const isUnusable = taking.method === 'initialize' && outcome.kind !== 'result';
  return isUnusable || isGone(outcome) ? 'end' : 'go-on';
}

/** Waits from when the step was due; rejects when the run is stopped. */
export async function wait({ clock, stop, ...context }: StepContext, ms: number): Promise<number> {
  const until = context.dueAt + ms;
  if (until > clock.now()) await clock.sleep(until - clock.now(), stop);
  return until;
}

export function isGone(outcome: Outcome): boolean {
  return isStatus(404)(outcome);
}

export function isStatus(status: number): (outcome: Outcome) => boolean {
  return (outcome) => outcome.kind === 'http-error' && outcome.status === status;
}

/** What a network that we make fail does to a request: no fault of the target. */
export function isLost(outcome: Outcome): boolean {
  return outcome.kind === 'connection' || outcome.kind === 'timeout' || outcome.kind === 'empty';
}
