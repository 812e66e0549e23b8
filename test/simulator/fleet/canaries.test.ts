import { describe, expect, it } from 'vitest';
import { findTimeout, ladder, rungsAt } from '../../../simulator/canaries.ts';
import type { Clock } from '../../../simulator/clock/clock.ts';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { mcpCanaries } from '../../../simulator/fleet/canaries.ts';
import { hubLaunch, inProcessTarget, type Launch } from '../../../simulator/targets/in-process.ts';
import type { Target } from '../../../simulator/targets/target.ts';
import { reapingServer } from '../reaping-server.ts';
import { smallServer } from './small-server.ts';

async function against<T>(
  launch: Launch,
  story: (world: { clock: Clock; target: Target }) => Promise<T>,
): Promise<T> {
  const time = new VirtualTime();
  try {
    return await time.drive(async () => {
      const target = await inProcessTarget('target', launch, time);
      return story({ clock: time.clock, target }).finally(() => target.stop());
    });
  } finally {
    time.uninstall();
  }
}

const search = (launch: Launch, budgetMs: number) =>
  against(launch, ({ clock, target: { dial, endpoint } }) =>
    findTimeout(clock, mcpCanaries({ clock, dial, endpoint }), { budgetMs }),
  );

describe('canaries on the wire', () => {
  it('find the timeout of a server that tells nothing', async () => {
    const found = await search(reapingServer({ timeoutMs: 45_000 }).launch, 300_000);
    expect(found.loMs).toBeLessThan(45_000);
    expect(found.hiMs).toBeGreaterThanOrEqual(45_000);
    expect((found.hiMs ?? 0) - found.loMs).toBeLessThanOrEqual(2_000);
  });

  it('find the timeout and a sweep of the reference hub between them', async () => {
    const hub = hubLaunch({ sessionTimeout: '20s', cleanupInterval: '5s' });
    const found = await search(hub, 300_000);
    expect(found.loMs).toBeLessThan(25_000);
    expect(found.hiMs).toBeGreaterThanOrEqual(20_000);
  });

  it('say what they know of one that keeps its sessions longer than they have time for', async () => {
    const found = await search(reapingServer({ timeoutMs: 300_000 }).launch, 40_000);
    expect([found.loMs, found.hiMs]).toEqual([32_000, null]);
  });

  it('learn nothing from a refusal that is no 404', async () => {
    const climbed = await against(smallServer({ ping: () => 503 }), ({ clock, target }) =>
      ladder(clock, mcpCanaries({ clock, ...target }), rungsAt([1_000, 2_000])),
    );
    expect(climbed).toEqual({ probes: [], opened: 2 });
  });

  it.each<[string, Launch]>([
    ['refuses initialize', smallServer({ initialize: () => 403 })],
    ['does not take the handshake', smallServer({ 'notifications/initialized': () => 400 })],
  ])('are not had from a server that %s', async (_, launch) => {
    const climbed = await against(launch, ({ clock, target }) =>
      ladder(clock, mcpCanaries({ clock, ...target }), rungsAt([1_000])),
    );
    expect(climbed).toEqual({ probes: [], opened: 0 });
  });

  it('delete what they found alive', async () => {
    const { launch } = reapingServer({ timeoutMs: 60_000, isCounting: true });
    const heard: string[] = [];
    await against(launch, ({ clock, target: { dial, endpoint } }) => {
      const listener = () => (event: { kind: string }) => void heard.push(event.kind);
      return ladder(clock, mcpCanaries({ clock, dial, endpoint, listener }), rungsAt([1_000]));
    });
    expect(heard).toEqual([
      'initialize-sent',
      'initialize-answered',
      'request-sent',
      'request-answered',
      'abandoned',
      'request-sent',
      'request-answered',
      'delete-sent',
      'delete-answered',
    ]);
  });
});
