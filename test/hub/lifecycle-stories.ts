import { expect } from 'vitest';
import type { HubOptions } from '../../hub/config.ts';
import type { HubParts } from '../../hub/hub.ts';
import type { McpServerContext } from '../../hub/server-context.ts';
import type { McpServerLike } from '../../hub/session.ts';
import { callRequest } from './raw-client.ts';
import { inVirtualTime, type VirtualWorld } from './virtual-world.ts';

export const T = 10_000;
export const C = 1_000;
export const H = 3_000;
export const HEARTBEAT = 2_000;
export const KEEP_ALIVE = 1_500;
export const DRAIN = 5_000;
/** Three unanswered pings, and the time the last one is given. */
export const D = 4 * HEARTBEAT;

const OPTIONS: HubOptions = {
  sessionTimeout: T,
  cleanupInterval: C,
  handshakeTimeout: H,
  heartbeat: HEARTBEAT,
  keepAlive: KEEP_ALIVE,
  drain: DRAIN,
};

type Story = (world: VirtualWorld) => Promise<void>;
export const inTime = (
  story: Story,
  options: HubOptions = {},
  createServer?: (context: McpServerContext) => McpServerLike,
  parts: HubParts = {},
) =>
  inVirtualTime({ ...OPTIONS, ...options }, story, {
    ...parts,
    ...(createServer && { createMcpServer: createServer }),
  });

/** A session that ended: 404 with the code for that, on every method. */
export async function expectGone({ raw }: VirtualWorld, session: string): Promise<void> {
  for (const method of ['POST', 'GET', 'DELETE']) {
    const body = method === 'POST' ? { body: callRequest(1, 'echo', { message: '' }) } : {};
    const answer = await raw.send({ method, session, ...body });
    expect([answer.status, answer.json], method).toMatchObject([404, { error: { code: -32001 } }]);
  }
}

/** The head of a POST with this body. */
export function post(session: string | undefined, body: string): string {
  return [
    'POST /mcp HTTP/1.1',
    'host: localhost',
    'accept: */*',
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...(session === undefined ? [] : [`mcp-session-id: ${session}`]),
    '\r\n',
  ].join('\r\n');
}

export async function callsInFlight({ raw }: VirtualWorld): Promise<unknown> {
  return Reflect.get(Object((await raw.get('/health')).json), 'callsInFlight');
}
