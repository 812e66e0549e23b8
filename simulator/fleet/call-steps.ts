import type { Outcome } from '../mcp/outcome.ts';
import type { PlannedCall, PlannedStep } from '../scenario/step.ts';
import { type Ask, ask, askAll } from './ask.ts';
import type { StepContext, StepEnd } from './step-context.ts';

/** A call whose answer somebody waits for, and how it is checked. */
interface Waited {
  readonly request: Ask;
  /** In reports. */
  readonly what: string;
}

export function call(step: PlannedCall, context: StepContext): Promise<StepEnd> {
  return waitForAll(context, [callOf(step, context, '')]);
}

/** All at once, in one session: each echo must bring its own tag back. */
export function concurrent(
  { calls }: Extract<PlannedStep, { kind: 'concurrent' }>,
  context: StepContext,
): Promise<StepEnd> {
  const waited = calls.map((step, lane) => callOf(step, context, `/${lane}`));
  return waitForAll(context, waited);
}

export function list(
  { what }: Extract<PlannedStep, { kind: 'list' }>,
  context: StepContext,
): Promise<StepEnd> {
  const method = `${what}/list`;
  return waitForAll(context, [{ what: method, request: { method, send: (client) => client.list(what) } }]);
}

/** Not a call that work is done for, so that nothing is counted but the request. */
export async function ping(context: StepContext): Promise<StepEnd> {
  const { end } = await ask(context, { method: 'ping', send: (client) => client.ping() });
  return end;
}

async function waitForAll(context: StepContext, waited: readonly Waited[]): Promise<StepEnd> {
  const { clients, clock, recorder } = context;
  // The session may be another one when they are done.
  const { session } = clients;
  for (const lane of waited.keys()) recorder.callSent(session, clock.now(), lane);
  const asked = await askAll(
    context,
    waited.map(({ request }) => request),
  );
  for (const [lane, { what }] of waited.entries()) {
    const { outcome, isOurFault } = asked[lane] ?? {};
    if (outcome) recorder.callDone(session, what, outcome, { lane, isOurFault: isOurFault ?? false });
  }
  return asked.some(({ end }) => end === 'end') ? 'end' : 'go-on';
}

function callOf(step: PlannedCall, context: StepContext, lane: string): Waited {
  const { clients, clock, recorder } = context;
  const tag = step.tool === 'echo' ? ` [${recorder.label(clients.session)} ${clock.now()}${lane}]` : '';
  const args =
    tag === '' ? step.arguments : { ...step.arguments, message: `${step.arguments.message}${tag}` };
  const options = {
    timeoutMs: step.timeoutMs,
    longestMs: step.longestMs,
    ...(step.abortAfterMs !== null && { abortAfterMs: step.abortAfterMs }),
  };
  return {
    what: `${step.tool} call`,
    request: {
      method: 'tools/call',
      send: async (client) => withEchoChecked(await client.call(step.tool, args, options), tag),
      isExpected: ({ kind }) => kind === 'aborted',
    },
  };
}

/** An echo must bring back what this session said just now, or it is somebody else's (F28, F29). */
function withEchoChecked(outcome: Outcome, tag: string): Outcome {
  if (outcome.kind !== 'result' || tag === '' || JSON.stringify(outcome.result).includes(tag)) return outcome;
  const { status, sentAt, doneAt } = outcome;
  return { kind: 'wrong-answer', status, sentAt, doneAt, reason: `the echo lacks its tag ${tag.trim()}` };
}
