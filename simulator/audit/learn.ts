import type { AuditRequest } from '../audit-request.ts';
import { type Policy, PolicySchema } from '../judge/policy.ts';
import { isObject } from '../mcp/json-rpc.ts';
import { countSource, keepsVirtualTime } from '../observers/count-source.ts';
import { SessionObserver } from '../observers/sessions.ts';
import type { AuditWorld } from '../run-audit.ts';
import { RequestError } from '../run-request.ts';
import { resultIn } from './audit-session.ts';
import { learnOffer, type Offer, sessionlessOffer } from './offer.ts';
import { type AuditParts, ProbeContext } from './probe-context.ts';

/** What there is to know before the first check, and remarks on it for whoever reads the plan. */
export interface Learned {
  readonly parts: AuditParts;
  readonly notes: readonly string[];
}

/**
 * Asks the target what it is: what it shows of its sessions, what it promises, which tools can be used.
 * @throws RequestError when it is no MCP server that lets us in
 */
export async function learn(world: AuditWorld, request: AuditRequest): Promise<Learned> {
  const { clock, target } = world;
  const from = request.observers?.sessionsFrom;
  if (request.mode === 'virtual' && from && !keepsVirtualTime(from)) {
    throw new RequestError(
      `--sessions-from ${from.text} keeps real time: use --mode real, or a path on the target.`,
    );
  }
  const sessions = new SessionObserver(target, clock, from && countSource(from, target, clock));
  const stop = request.stop ?? new AbortController().signal;
  await sessions.discover();
  const blank: AuditParts = {
    clock,
    target,
    sessions,
    policy: policyOf(sessions.policy, request.policy),
    offer: sessionlessOffer('unknown'),
    headers: request.headers ?? {},
    otherHeaders: request.otherHeaders,
    stepWallClock: world.stepWallClock,
    toleranceMs: world.toleranceMs,
    seed: request.seed,
    tally: { attempted: 0, opened: 0, refused: 0, deleted: 0, left: 0 },
  };
  const context = new ProbeContext(blank, stop);
  try {
    return { parts: { ...blank, offer: await offerOf(context, request) }, notes: [] };
  } finally {
    await context.tidy();
  }
}

async function offerOf(context: ProbeContext, { tools = {} }: AuditRequest): Promise<Offer> {
  const { answer, session } = await context.initialize();
  const found = resultIn(answer);
  if (found?.message.kind !== 'result') {
    const { endpoint } = context.target;
    const said = answer.status === undefined ? answer.end : `${answer.status} ${answer.body.slice(0, 200)}`;
    throw new RequestError(
      `The target at ${endpoint.href} does not answer initialize as an MCP server does: ${said}. Is that its MCP endpoint, on Streamable HTTP? --header 'Authorization: …' gives it a token.`,
    );
  }
  const server = serverName(found.message.result.serverInfo);
  if (!session) return sessionlessOffer(server);
  await session.notify('notifications/initialized').done();
  return learnOffer(session, server, tools);
}

/** What the user states goes first, then what the target publishes. */
function policyOf(published: Policy | undefined, stated: Partial<Policy> | undefined): Policy {
  return PolicySchema.parse({ ...published, ...stated });
}

function serverName(value: unknown): string {
  const { name, version } = isObject(value) ? value : {};
  return [name, version].filter((part) => typeof part === 'string').join(' ') || 'unknown';
}
