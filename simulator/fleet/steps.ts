import type { PlannedStep } from '../scenario/step.ts';
import { ask, openSession } from './ask.ts';
import { call, concurrent, list, ping } from './call-steps.ts';
import { isGone, isStatus, type StepContext, type StepEnd, settle, take, wait } from './step-context.ts';
import { fault, listen, raw, reopen } from './wire-steps.ts';

/** Runs steps in order. Rejects only when the run is stopped. */
export async function runSteps(steps: readonly PlannedStep[], context: StepContext): Promise<StepEnd> {
  for (const step of steps) {
    context.stop.throwIfAborted();
    if ((await runStep(step, context)) === 'end') return 'end';
  }
  return 'go-on';
}

async function runStep(step: PlannedStep, context: StepContext): Promise<StepEnd> {
  const { clients } = context;
  switch (step.kind) {
    case 'initialize':
      return openSession(context, { ...step, isAnother: false });
    case 'reinitialize':
      return openSession(context, { handshake: 'full', isAnother: true });
    case 'call':
      return call(step, context);
    case 'concurrent':
      return concurrent(step, context);
    case 'list':
      return list(step, context);
    case 'ping':
      return ping(context);
    case 'listen':
      return listen(context);
    case 'reconnect':
    case 'resume':
      return reopen(step, context);
    case 'notify':
      return notify(step, context);
    case 'think':
      return think(step, context);
    case 'repeat':
      return repeat(step, context);
    case 'parallel':
      return parallel(step, context);
    case 'reset':
      clients.current.reset();
      return 'go-on';
    case 'raw':
      return raw(step, context);
    case 'fault':
      return fault(step, context);
    case 'delete':
      return remove(context);
    case 'abandon':
      clients.abandon(step.how);
      return 'go-on';
    case 'expect-gone':
      return expect('gone', context);
    case 'expect-alive':
      return expect('alive', context);
    case 'expect-events':
      return expectEvents(step, context);
  }
}

async function notify(
  { method, params }: Extract<PlannedStep, { kind: 'notify' }>,
  context: StepContext,
): Promise<StepEnd> {
  const { end } = await ask(context, {
    method,
    send: (client) => client.notify(method, params ?? undefined),
  });
  return end;
}

async function think(step: Extract<PlannedStep, { kind: 'think' }>, context: StepContext): Promise<StepEnd> {
  const { random } = context;
  const thinkMs = step.minMs === step.maxMs ? step.minMs : random.integer(step.minMs, step.maxMs);
  context.dueAt = await wait(context, thinkMs);
  return 'go-on';
}

async function repeat(
  step: Extract<PlannedStep, { kind: 'repeat' }>,
  context: StepContext,
): Promise<StepEnd> {
  for (let time = 0; time < step.times; time += 1) {
    if ((await runSteps(step.steps, context)) === 'end') return 'end';
  }
  return 'go-on';
}

/** Each flow has a time of its own; where the session is over for one of them it is over for all. */
async function parallel(
  { flows }: Extract<PlannedStep, { kind: 'parallel' }>,
  context: StepContext,
): Promise<StepEnd> {
  const branches = flows.map((flow) => ({ flow, own: { ...context } }));
  const ends = await Promise.all(branches.map(({ flow, own }) => runSteps(flow, own)));
  context.dueAt = Math.max(...branches.map(({ own }) => own.dueAt));
  return ends.includes('end') ? 'end' : 'go-on';
}

async function expectEvents(
  { withinMs }: Extract<PlannedStep, { kind: 'expect-events' }>,
  context: StepContext,
): Promise<StepEnd> {
  const { clients, clock, profile, stop } = context;
  const { current, inbox } = clients;
  const hasIds = current.lastEventId !== '';
  // Nobody opens it again: nothing can come.
  if (current.openStreams === 0 && !profile.reopen) inbox.streamLost({ hasIds, isResumed: false });
  await inbox.settle(clock, withinMs, stop);
  context.dueAt = clock.now();
  return 'go-on';
}

async function remove(context: StepContext): Promise<StepEnd> {
  const { clients } = context;
  clients.noteEnding();
  const outcome = await clients.current.delete();
  // A server may not allow clients to end sessions: 405 is an answer (2025-11-25, Session Management).
  // Of two at once either may arrive first.
  const isOvertaken = clients.isEndingTwice && isGone(outcome);
  const isExpected = isStatus(405)(outcome) || isOvertaken;
  const end = settle(context, outcome, { method: 'DELETE', isExpected });
  return isOvertaken || context.profile.atGone.kind === 'go-on' ? 'go-on' : end;
}

async function expect(expected: 'gone' | 'alive', context: StepContext): Promise<StepEnd> {
  const outcome = await context.clients.prober().probe();
  context.recorder.expectation(context.clients.session, expected, outcome);
  take(context, outcome, { method: 'ping', isExpected: expected === 'gone' && isGone(outcome) });
  context.dueAt = outcome.doneAt;
  return 'go-on';
}
