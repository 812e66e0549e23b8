import type { AuditRequest } from '../audit-request.ts';
import type { AuditWorld } from '../audit-world.ts';
import { findTimeout } from '../canaries.ts';
import { mcpCanaries } from '../fleet/canaries.ts';
import { type Policy, PolicySchema } from '../judge/policy.ts';
import { isObject } from '../mcp/json-rpc.ts';
import { countSource, keepsVirtualTime } from '../observers/count-source.ts';
import { SessionObserver } from '../observers/sessions.ts';
import { RequestError } from '../run-request.ts';
import { resultIn } from './audit-session.ts';
import { ENDLESS_MS } from './needs.ts';
import { learnOffer, type Offer, sessionlessOffer } from './offer.ts';
import type { Probe } from './probe.ts';
import { type AuditParts, ProbeContext } from './probe-context.ts';
import type { Headers } from './wire-request.ts';

/** What there is to know before the first check, and remarks on it for whoever reads the plan. */
export interface Learned {
  readonly parts: AuditParts;
  readonly notes: readonly string[];
}

/**
 * Asks the target what it is: what it shows of its sessions, what it promises, which tools can be used.
 * @throws RequestError when it is no MCP server that lets us in
 */
export async function learn(
  world: AuditWorld,
  request: AuditRequest,
  probes: readonly Probe[],
): Promise<Learned> {
  const { clock, target } = world;
  const from = request.observers?.sessionsFrom;
  if (request.mode === 'virtual' && from && !keepsVirtualTime(from)) {
    throw new RequestError(
      `--sessions-from ${from.text} keeps real time: use --mode real, or a path on the target.`,
    );
  }
  const headers = defined(request.headers ?? {});
  const source = from && countSource(from, target, clock, headers);
  const sessions = new SessionObserver(target, clock, { source, headers });
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
    endlessForMs: undefined,
    stepWallClock: world.stepWallClock,
    toleranceMs: world.toleranceMs,
    seed: request.seed,
    tally: { attempted: 0, opened: 0, refused: 0, deleted: 0, left: 0 },
  };
  const context = new ProbeContext(blank, stop);
  try {
    const parts = { ...blank, offer: await offerOf(context, request) };
    const isWanted = probes.some(({ needs }) => needs.includes('idle-timeout') || needs.includes('reaping'));
    if (!isWanted || !parts.offer.opensSessions || parts.policy.sessionTimeoutMs !== null) {
      return { parts, notes: [] };
    }
    return await withTimeoutFound(parts, {
      budgetMs: searchMs(request),
      stop,
    });
  } finally {
    await context.tidy();
  }
}

/** Virtual time costs nothing; somebody waits for the real one. */
function searchMs({ mode, maxWaitMs }: AuditRequest): number {
  return mode === 'virtual'
    ? 2 * ENDLESS_MS
    : Math.min(MOST_REAL_SEARCH_MS, maxWaitMs ?? MOST_REAL_SEARCH_MS);
}

const MOST_REAL_SEARCH_MS = 16_000;

/** The idle timeout of a target that does not say, as far as canaries can tell. */
async function withTimeoutFound(
  parts: AuditParts,
  { budgetMs, stop }: { budgetMs: number; stop: AbortSignal },
): Promise<Learned> {
  const { clock, target, tally, headers } = parts;
  const keeper = mcpCanaries({
    clock,
    dial: target.dial,
    endpoint: target.endpoint,
    headers: defined(headers),
  });
  const { loMs, hiMs, confidence, probes } = await findTimeout(clock, keeper, { budgetMs, signal: stop });
  tally.attempted += probes.length;
  tally.opened += probes.length;
  tally.deleted += probes.length;
  const notes = [`idle timeout: not promised; found out: ${confidence}`];
  if (hiMs === null) return { parts: { ...parts, endlessForMs: loMs }, notes };
  // Seen was an end at one moment of a sweep: T + C > lo and T <= hi. With a sweep that is no rarer than the timeout
  // (C <= T) nobody may be gone before lo / 2, and everybody is after 2 hi.
  const sessionTimeoutMs = Math.floor(loMs / 2);
  const cleanupIntervalMs = Math.ceil(2 * hiMs) - sessionTimeoutMs;
  return { parts: { ...parts, policy: { ...parts.policy, sessionTimeoutMs, cleanupIntervalMs } }, notes };
}

/** Headers without those that are to be left out. */
export function defined(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
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
  // Whether an open stream protects its session is for the server to say: who says nothing promises nothing.
  const unsaid = { openStreamProtects: false };
  return PolicySchema.parse({ ...unsaid, ...published, ...stated });
}

function serverName(value: unknown): string {
  const { name, version } = isObject(value) ? value : {};
  return [name, version].filter((part) => typeof part === 'string').join(' ') || 'unknown';
}
