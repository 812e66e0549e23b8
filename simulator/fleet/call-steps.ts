import type { Outcome } from '../mcp/outcome.ts';
import { type PlannedCall, type PlannedStep, sendsEvents } from '../scenario/step.ts';
import { type Ask, ask, askAll } from './ask.ts';
import type { StepContext, StepEnd } from './step-context.ts';

/** A call whose answer somebody waits for, and how it is checked. */
interface Waited {
  readonly request: Ask;
  /** In reports. */
  readonly what: string;
}

export function call(step: PlannedCall, context: StepContext): Promise<StepEnd> {
  return waitForAll(context, [callOf(step, context)]);
}

/** All at once, in one session: each echo must bring its own tag back. */
export function concurrent(
  { calls }: Extract<PlannedStep, { kind: 'concurrent' }>,
  context: StepContext,
): Promise<StepEnd> {
  return waitForAll(
    context,
    calls.map((step) => callOf(step, context)),
  );
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
  const calls = waited.map(() => recorder.callSent(session, clock.now()));
  const asked = await askAll(
    context,
    waited.map(({ request }) => request),
  );
  for (const [lane, { what }] of waited.entries()) {
    const call = calls[lane];
    const { outcome, ...fault } = asked[lane] ?? {};
    if (outcome && call !== undefined) recorder.callDone(session, what, outcome, { call, ...fault });
  }
  return asked.some(({ end }) => end === 'end') ? 'end' : 'go-on';
}

function callOf(step: PlannedCall, context: StepContext): Waited {
  const { tool } = step;
  const tag = newTag(context);
  const options = {
    timeoutMs: step.timeoutMs,
    longestMs: step.longestMs,
    ...(step.abortAfterMs !== null && { abortAfterMs: step.abortAfterMs }),
    ...(step.wantsProgress && { progressToken: tag }),
  };
  const args = argumentsOf(step, tag);
  const { send, isExpected } = withEventsTaken(step, tag, context, (client) =>
    client.call(tool, args, options),
  );
  return {
    what: `${tool} call`,
    request: {
      method: 'tools/call',
      send: tool === 'echo' ? async (client) => withEchoChecked(await send(client), tag) : send,
      isExpected,
    },
  };
}

/** Unlike that of any other call of the run: whose it is, and the how manieth. */
function newTag({ clients, recorder }: StepContext): string {
  return `${recorder.label(clients.session)} call ${clients.nextCall()}`;
}

/** Tools of these names say the tag again: `echo` in its answer, `emit` in every event. */
function argumentsOf({ tool, arguments: args }: PlannedCall, tag: string): PlannedCall['arguments'] {
  if (tool === 'echo') return { ...args, message: `${args.message} [${tag}]` };
  return sendsEvents(tool, args) ? { ...args, tag } : args;
}

/** The session's inbox knows of the call before the first of its events can come. */
function withEventsTaken(
  { tool, arguments: args, wantsProgress }: PlannedCall,
  tag: string,
  { clients }: StepContext,
  call: Ask['send'],
): Required<Pick<Ask, 'send' | 'isExpected'>> {
  const isExpected = ({ kind }: Outcome) => kind === 'aborted';
  if (!wantsProgress && !sendsEvents(tool, args)) return { send: call, isExpected };
  const count = tool === 'emit' && typeof args.count === 'number' ? args.count : null;
  const isOnStream = sendsEvents(tool, args);
  return {
    isExpected,
    send: async (client) => {
      // Sent once more on a new session, it is that one's.
      const { inbox } = clients;
      inbox.announce(tag, { count, isOnStream });
      const hasIds = client.lastEventId !== '';
      // Nobody listens, and nobody will ask for what is sent meanwhile.
      if (isOnStream && client.openStreams === 0 && !hasIds) inbox.streamLost({ hasIds, isResumed: false });
      const outcome = await call(client);
      inbox.callOver(tag, hasEndedWell(outcome));
      return outcome;
    },
  };
}

/** A tool that fails, or that the target does not have, says so in a result (2025-11-25, server/tools: Error Handling). */
function hasEndedWell(outcome: Outcome): boolean {
  if (outcome.kind !== 'result') return false;
  const { result } = outcome;
  return !(typeof result === 'object' && result !== null && 'isError' in result && result.isError === true);
}

/** An echo must bring back what this session said just now, or it is somebody else's (F28, F29). */
function withEchoChecked(outcome: Outcome, tag: string): Outcome {
  if (outcome.kind !== 'result' || JSON.stringify(outcome.result).includes(`[${tag}]`)) return outcome;
  const { status, sentAt, doneAt } = outcome;
  return { kind: 'wrong-answer', status, sentAt, doneAt, reason: `the echo lacks its tag [${tag}]` };
}
