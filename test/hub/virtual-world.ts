import { type HubOptions, loadConfig } from '../../hub/config.ts';
import { createHub, type Hub, type HubParts } from '../../hub/hub.ts';
import type { Clock } from '../../simulator/clock/clock.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import type { McpClientOptions } from '../../simulator/mcp/client-options.ts';
import { McpClient } from '../../simulator/mcp/mcp-client.ts';
import { inProcessTarget } from '../../simulator/targets/in-process.ts';
import type { Target } from '../../simulator/targets/target.ts';
import { RawClient } from './raw-client.ts';

/** What a test in virtual time works with. */
export interface VirtualWorld {
  readonly time: VirtualTime;
  readonly clock: Clock;
  readonly hub: Hub;
  readonly target: Target;
  readonly raw: RawClient;
  /** A client that behaves: answers pings, reads its streams. Released when the story ends. */
  mcp(options?: Partial<McpClientOptions>): McpClient;
}

/** Plays a story against a hub under virtual time, and takes that time away again. */
export async function inVirtualTime(
  options: HubOptions,
  story: (world: VirtualWorld) => Promise<void>,
  parts: HubParts = {},
): Promise<void> {
  const time = new VirtualTime();
  try {
    const hub = createHub(loadConfig({ logLevel: 'silent', rateLimit: 'off', ...options }), parts);
    const target = await inProcessTarget('hub', () => hub, time);
    const clients: McpClient[] = [];
    const mcp = (more: Partial<McpClientOptions> = {}) => {
      const client = new McpClient({
        dial: target.dial,
        endpoint: target.endpoint,
        clock: time.clock,
        emit: () => undefined,
        protocolVersion: '2025-11-25',
        clientInfo: { name: 'test', version: '1' },
        requestTimeoutMs: 24 * 3_600_000,
        ...more,
      });
      clients.push(client);
      return client;
    };
    const raw = new RawClient(target.dial);
    await time.drive(async () => {
      try {
        await story({ time, clock: time.clock, hub, target, raw, mcp });
      } finally {
        for (const client of clients) client.release();
        await target.stop();
      }
    });
  } finally {
    time.uninstall();
  }
}
