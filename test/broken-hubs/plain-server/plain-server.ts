import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { LocalServer } from '../../../simulator/targets/in-process.ts';
import { closeConnections, listenOnLoopback } from '../closing.ts';
import type { DefectName } from '../defects.ts';
import { answerHealth, answerSessions } from './admin-pages.ts';
import { checkOrigin, ownerOf } from './guard.ts';
import { idOf, McpEndpoint } from './mcp-endpoint.ts';
import type { PlainPolicy } from './policy.ts';
import { answerRefusal, Refusal } from './refusal.ts';
import { PlainSessions } from './sessions.ts';

export interface PlainServer extends LocalServer {
  /** Settles with a code when a defect ends the process. */
  readonly exited: Promise<number>;
  /** Listens on loopback; resolves with the URL of the MCP endpoint. */
  listen(port?: number): Promise<string>;
}

/** Longer than clients keep idle connections, so that it is not the server that cuts first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Headers that take longer are refused, and so is a body (F49); both in real time only. */
const HEADERS_TIMEOUT_MS = 10_000;
const LOOP_CHECK_MS = 1_000;

/**
 * An MCP server on node:http alone, as small as one can be that keeps its sessions in order. It shares no code
 * with the SDK or the reference hub, so whatever accuses all three of them is wrong itself. `defect` breaks it in
 * one place; what it promises stays.
 */
export function createPlainServer(policy: PlainPolicy, defect?: DefectName): PlainServer {
  const sessions = new PlainSessions(policy, defect);
  const { promise: exited, resolve: exit } = Promise.withResolvers<number>();
  const loop = watchLoop();
  let draining: Promise<void> | undefined;
  const isDraining = () => draining !== undefined;
  const endpoint = new McpEndpoint({ policy, sessions, defect, isDraining, crash: () => exit(1) });
  const startedAt = performance.now();
  const admin = { policy, sessions, defect, startedAt, isDraining, loopDelayMs: loop.delayMs };

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (isDraining()) response.setHeader('connection', 'close');
    checkOrigin(request, defect);
    if (pathname === '/health') {
      if (defect === 'health-opens-session') openForProbe(sessions);
      answerHealth(admin, response);
    } else if (pathname === '/sessions') {
      answerSessions(admin, searchParams, response);
    } else if (pathname === '/mcp') {
      const owner = ownerOf(request, policy.tokens);
      if (defect === 'old-ids-hang' && sessions.isOfEarlierLife(idOf({ request }) ?? '')) return;
      await endpoint.answer({ request, response, owner });
    } else if (defect === 'unknown-path-is-no-session') {
      throw new Refusal('session-not-found');
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing here: try /mcp.\n');
    }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal('internal');
    const isNewcomer = request.method === 'POST' && idOf({ request }) === undefined;
    if (isNewcomer && (refusal.status === 503 || refusal.status === 429)) sessions.countRefused();
    if (defect === 'bad-json-500' && refusal.kind === 'bad-json') {
      answerRefusal(response, new Refusal('internal'));
    } else if (defect === 'html-errors' && ['bad-json', 'too-large'].includes(refusal.kind)) {
      response.writeHead(refusal.status, { 'content-type': 'text/html' }).end(`<h1>${refusal.message}</h1>`);
    } else answerRefusal(response, refusal);
  }

  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS },
    (request, response) => {
      response.on('error', () => undefined);
      route(request, response).catch((error: unknown) => refuse(request, response, error));
    },
  );

  async function drainAndClose(): Promise<void> {
    // Still listening while calls finish: who comes now is told 503 and when to come back.
    await sessions.settled(policy.drainMs);
    sessions.close();
    loop.stop();
    await closeConnections(server);
  }

  return {
    server,
    exited,
    listen: (port) => listenOnLoopback(server, port),
    shutdown: () => {
      draining ??= drainAndClose();
      return draining;
    },
  };
}

/** How late the event loop is: how long ago a timer should have rung. */
function watchLoop(): { delayMs: () => number; stop: () => void } {
  let rangAt = performance.now();
  let lastDelayMs = 0;
  const overdueMs = () => Math.max(0, Math.round(performance.now() - rangAt - LOOP_CHECK_MS));
  const timer = setInterval(() => {
    lastDelayMs = overdueMs();
    rangAt = performance.now();
  }, LOOP_CHECK_MS);
  timer.unref();
  return { delayMs: () => Math.max(lastDelayMs, overdueMs()), stop: () => clearInterval(timer) };
}

/** A health check that is answered by somebody who has to have a session first. */
function openForProbe(sessions: PlainSessions): void {
  if (sessions.isFull) return;
  sessions.takeSlot();
  sessions.open({ owner: '', clientName: 'probe', clientVersion: '1', protocolVersion: '2025-11-25' });
}
