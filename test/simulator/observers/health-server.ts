import { createServer } from 'node:http';
import { realClock } from '../../../simulator/clock/real.ts';
import { SessionObserver } from '../../../simulator/observers/sessions.ts';
import type { Target } from '../../../simulator/targets/target.ts';
import { VirtualServer } from '../../../simulator/targets/virtual-server.ts';

/** What a server answers to a GET; undefined is 404. */
export type Pages = (url: URL) => unknown;

/** A server that shows its sessions as told, as a target. */
export function showing(pages: Pages): Target {
  const server = createServer((request, response) => {
    const page = pages(new URL(request.url ?? '/', 'http://localhost'));
    if (page === undefined) return void response.writeHead(404).end('no such page');
    response.setHeader('content-type', 'application/json');
    response.end(typeof page === 'string' ? page : JSON.stringify(page));
  });
  const virtual = new VirtualServer(server, () => undefined);
  return {
    name: 'showing',
    endpoint: new URL('http://localhost/mcp'),
    dial: virtual.dial,
    stop: async () => virtual.destroy(),
  };
}

export function observe(pages: Pages): SessionObserver {
  return new SessionObserver(showing(pages), realClock());
}

/** The nth fingerprint, from 0. */
export function fingerprint(n: number): string {
  return n.toString(16).padStart(12, '0');
}

/** `GET /sessions` of a server with so many sessions, as the reference hub answers it. */
export function sessionsPage(url: URL, total: number, counters?: unknown): unknown {
  const limit = Number(url.searchParams.get('limit'));
  const after = Number(url.searchParams.get('after'));
  const numbers = Array.from({ length: Math.min(limit, total - after) }, (_, index) => after + index);
  const next = after + limit < total ? { next: after + limit } : {};
  return { total, sessions: numbers.map((n) => ({ sessionId: fingerprint(n) })), counters, ...next };
}
