import type { Outcome } from '../mcp/outcome.ts';
import type { RawRequest } from '../mcp/raw-request.ts';
import {
  type PlannedFault,
  type PlannedRaw,
  type PlannedStep,
  type RepeatedText,
  SESSION_PLACEHOLDER,
} from '../scenario/step.ts';
import { ask } from './ask.ts';
import { isLost, type StepContext, type StepEnd, take, wait } from './step-context.ts';

/** Opens the GET stream. */
export async function listen(context: StepContext, lastEventId = ''): Promise<StepEnd> {
  const { end } = await ask(context, {
    method: 'GET',
    send: (client) => client.listen(lastEventId === '' ? {} : { lastEventId }),
  });
  return end;
}

/** Closes the GET stream and opens it again: where it was (`resume`), or as it comes. */
export async function reopen(
  { kind, afterMs }: Extract<PlannedStep, { kind: 'reconnect' | 'resume' }>,
  context: StepContext,
): Promise<StepEnd> {
  const { current: client, inbox } = context.clients;
  const hasIds = client.lastEventId !== '';
  const isResumed = kind === 'resume' && hasIds;
  client.closeStream();
  inbox.streamLost({ hasIds, isResumed });
  if (afterMs > 0) context.dueAt = await wait(context, afterMs);
  const end = await listen(context, isResumed ? client.lastEventId : '');
  // Nor is what was sent while nobody listened.
  if (!isResumed) inbox.streamLost({ hasIds, isResumed });
  return end;
}

export function fault(step: PlannedFault, { clients }: StepContext): StepEnd {
  if (!clients.network) throw new Error('a flow with a fault has no network to make fail');
  clients.network.arm(step, step.scope);
  return 'go-on';
}

/** Any HTTP request; what matters is the status of its answer. */
export async function raw(step: PlannedRaw, context: StepContext): Promise<StepEnd> {
  const { clients, recorder } = context;
  const request = requestOf(step, clients.current.sessionId ?? '');
  const isFailing = clients.network?.isFailing ?? false;
  const times = { timeoutMs: step.timeoutMs, longestMs: step.timeoutMs };
  const outcome =
    request.concerns === 'initialize'
      ? await clients.visit((visitor) => visitor.raw(request, times))
      : await clients.current.raw(request, times);
  const isMet = isAsExpected(outcome, step.statuses);
  const isOurFault = isFailing && isLost(outcome);
  if (!isOurFault && !clients.hasLeft) {
    const expected = `${step.method} to be answered ${step.statuses.join(' or ')}`;
    recorder.rawAnswered(clients.session, expected, outcome, isMet);
  }
  take(context, outcome, { method: `raw ${step.method}`, isExpected: isMet || isOurFault });
  context.dueAt = outcome.doneAt;
  return 'go-on';
}

function requestOf({ method, path, headers, body }: PlannedRaw, sessionId: string): RawRequest {
  const written = headers.map(([name, value]): [string, string] => [
    name,
    spell(value).replaceAll(SESSION_PLACEHOLDER, sessionId),
  ]);
  const text = body === null ? undefined : spell(body);
  return {
    method,
    headers: written,
    concerns: concernOf(method, headers, text),
    ...(path !== null && { path }),
    ...(text !== undefined && { body: text }),
  };
}

/** A POST without a session that says initialize may open one, whatever else is wrong with it. */
function concernOf(
  method: string,
  headers: PlannedRaw['headers'],
  body: string | undefined,
): RawRequest['concerns'] {
  if (headers.some(([, { text }]) => text.includes(SESSION_PLACEHOLDER))) return 'session';
  return method === 'POST' && body?.includes('"initialize"') === true ? 'initialize' : 'nothing';
}

function spell({ text, times, close = '' }: RepeatedText): string {
  return text.repeat(times) + close.repeat(times);
}

function isAsExpected(outcome: Outcome, statuses: PlannedRaw['statuses']): boolean {
  if (outcome.kind === 'connection') return statuses.includes('closed');
  return 'status' in outcome && statuses.includes(outcome.status);
}
