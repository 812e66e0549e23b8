import { type AuditSession, stateFrom } from './audit-session.ts';
import type { HttpAnswer, HttpExchange } from './http-exchange.ts';
import { buildRequest, type ProbeContext } from './probe-context.ts';

export type SessionState = 'alive' | 'gone' | 'unclear';

/**
 * Whether a session is there, asked by a ping from a new host: the session's own connections may be frozen,
 * closed, or cut by the server for idleness, which says nothing of the session. It counts as use.
 */
export async function stateOf(context: ProbeContext, session: AuditSession): Promise<SessionState> {
  return stateFrom(await ask(context, session).done());
}

/** The states of many, counted: `3 alive, 2 gone`. */
export async function statesOf(
  context: ProbeContext,
  sessions: readonly AuditSession[],
): Promise<Record<SessionState, number>> {
  const counts = { alive: 0, gone: 0, unclear: 0 };
  for (const state of await Promise.all(sessions.map((session) => stateOf(context, session)))) {
    counts[state] += 1;
  }
  return counts;
}

/** Sends a ping for a session, from a host of its own. */
export function ask(context: ProbeContext, session: AuditSession): HttpExchange {
  const body = buildRequest(session.nextId(), 'ping');
  return context.send({ method: 'POST', headers: session.headers, body });
}

/** Sends what a client would: a tool call where a harmless tool is known, else tools/list. From a host of its own. */
export function useOf(context: ProbeContext, session: AuditSession): HttpExchange {
  const call = context.offer.echo?.(context.tag());
  const body = call
    ? buildRequest(session.nextId(), 'tools/call', { name: call.name, arguments: call.arguments })
    : buildRequest(session.nextId(), 'tools/list');
  return context.send({ method: 'POST', headers: session.headers, body });
}

/** What came back, in a word or two: `404`, `200 without an answer`, `no answer (timeout)`. */
export function said({ status, end, messages }: Pick<HttpAnswer, 'status' | 'end' | 'messages'>): string {
  if (status === undefined) return `no answer (${end})`;
  if (end === 'timeout' || end === 'cut') return `${status}, then ${end === 'cut' ? 'cut' : 'nothing more'}`;
  return status === 200 && messages.length === 0 ? '200 without an answer' : String(status);
}
