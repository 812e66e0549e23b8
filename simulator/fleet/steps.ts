import type { Clock } from '../clock/clock.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Recorder } from '../recorder.ts';
import type { Random } from '../scenario/random.ts';
import type { PlannedStep } from '../scenario/step.ts';
import type { ClientLine } from './client-line.ts';

/** What a step works with: one session of one virtual user. */
export interface StepContext {
  readonly clients: ClientLine;
  readonly clock: Clock;
  readonly random: Random;
  readonly recorder: Recorder;
  readonly session: number;
  readonly stop: AbortSignal;
  /** When the step should begin: the end of the one before, or of its think time. */
  dueAt: number;
}

/** `end`: the session is over or cannot go on; the rest of the flow makes no sense. */
export type StepEnd = 'go-on' | 'end';

/** Runs steps in order. Rejects only when the run is stopped. */
export async function runSteps(steps: readonly PlannedStep[], context: StepContext): Promise<StepEnd> {
  for (const step of steps) {
    context.stop.throwIfAborted();
    if ((await runStep(step, context)) === 'end') return 'end';
  }
  return 'go-on';
}

async function runStep(step: PlannedStep, context: StepContext): Promise<StepEnd> {
  switch (step.kind) {
    case 'initialize':
      return settle(
        context,
        'initialize',
        await context.clients.current.initialize({ handshake: step.handshake }),
      );
    case 'call':
      return call(step, context);
    case 'list':
      return list(step, context);
    case 'listen':
      return settle(context, 'GET', await context.clients.current.listen());
    case 'notify':
      return settle(
        context,
        step.method,
        await context.clients.current.notify(step.method, step.params ?? undefined),
      );
    case 'think':
      return think(step, context);
    case 'repeat':
      return repeat(step, context);
    case 'delete':
      // A server may not allow clients to end sessions: 405 is an answer (2025-11-25, Session Management).
      return settle(context, 'DELETE', await context.clients.current.delete(), { isExpected: isStatus(405) });
    case 'abandon':
      context.clients.abandon(step.how);
      return 'go-on';
    case 'expect-gone':
      return expect('gone', context);
    case 'expect-alive':
      return expect('alive', context);
  }
}

async function call(step: Extract<PlannedStep, { kind: 'call' }>, context: StepContext): Promise<StepEnd> {
  const { clients, clock, recorder, session } = context;
  const tag = step.tool === 'echo' ? ` [${recorder.label(session)} ${clock.now()}]` : '';
  const args =
    tag === '' ? step.arguments : { ...step.arguments, message: `${step.arguments.message}${tag}` };
  recorder.callSent(session, clock.now());
  const answer = await clients.current.call(step.tool, args, {
    timeoutMs: step.timeoutMs,
    longestMs: step.longestMs,
    ...(step.abortAfterMs !== null && { abortAfterMs: step.abortAfterMs }),
  });
  const outcome = withEchoChecked(answer, tag);
  recorder.callDone(session, `${step.tool} call`, outcome);
  return settle(context, 'tools/call', outcome, { isExpected: (ended) => ended.kind === 'aborted' });
}

/** An echo must bring back what this session said just now, or it is somebody else's (F28, F29). */
function withEchoChecked(outcome: Outcome, tag: string): Outcome {
  if (outcome.kind !== 'result' || tag === '' || JSON.stringify(outcome.result).includes(tag)) return outcome;
  const { status, sentAt, doneAt } = outcome;
  return { kind: 'wrong-answer', status, sentAt, doneAt, reason: `the echo lacks its tag ${tag.trim()}` };
}

async function list(step: Extract<PlannedStep, { kind: 'list' }>, context: StepContext): Promise<StepEnd> {
  const { clients, clock, recorder, session } = context;
  recorder.callSent(session, clock.now());
  const outcome = await clients.current.list(step.what);
  recorder.callDone(session, `${step.what}/list`, outcome);
  return settle(context, `${step.what}/list`, outcome);
}

async function think(step: Extract<PlannedStep, { kind: 'think' }>, context: StepContext): Promise<StepEnd> {
  const { clock, random, stop } = context;
  const thinkMs = step.minMs === step.maxMs ? step.minMs : random.integer(step.minMs, step.maxMs);
  context.dueAt += thinkMs;
  if (context.dueAt > clock.now()) await clock.sleep(context.dueAt - clock.now(), stop);
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

async function expect(expected: 'gone' | 'alive', context: StepContext): Promise<StepEnd> {
  const outcome = await context.clients.prober().probe();
  context.recorder.expectation(context.session, expected, outcome);
  const isExpected = (ended: Outcome) => expected === 'gone' && isStatus(404)(ended);
  settle(context, 'ping', outcome, { isExpected });
  return 'go-on';
}

/** Takes the outcome down, and decides whether the session can go on. */
function settle(
  context: StepContext,
  method: string,
  outcome: Outcome,
  { isExpected = () => false }: { isExpected?: (outcome: Outcome) => boolean } = {},
): StepEnd {
  const { recorder, session, dueAt } = context;
  recorder.request(outcome, { session, method, dueAt, isExpected: isExpected(outcome) });
  context.dueAt = outcome.doneAt;
  const isUnusable = method === 'initialize' && outcome.kind !== 'result';
  return isUnusable || isStatus(404)(outcome) ? 'end' : 'go-on';
}

function isStatus(status: number): (outcome: Outcome) => boolean {
  return (outcome) => outcome.kind === 'http-error' && outcome.status === status;
}
