import { describe, expect, it } from 'vitest';
import { HubLogger } from '../../hub/logger.ts';
import { failingStore } from './failing-store.ts';
import { callRequest } from './raw-client.ts';
import { inVirtualTime } from './virtual-world.ts';

const OPTIONS = { sessionTimeout: '10s', cleanupInterval: '1s', keepAlive: '2s' };

describe('A hub whose session store fails', () => {
  it('opens no session that it could not keep, says so at once, and has its slot free again (F03, F54)', async () => {
    const { store, state, load } = failingStore();
    await inVirtualTime(
      { ...OPTIONS, maxSessions: 1 },
      async ({ raw, hub, clock }) => {
        state.isBroken = true;
        for (let time = 0; time < 3; time += 1) {
          const refused = await Promise.race([raw.initialize(), clock.sleep(60_000)]);
          expect(refused).toMatchObject({ status: 200, json: { error: { code: -32603 } } });
          expect(refused?.headers).not.toHaveProperty('mcp-session-id');
        }
        expect(hub.sessions.size).toBe(0);
        expect(hub.sessions.counters().opened).toBe(0);
        state.isBroken = false;
        const session = await raw.open();
        expect(load()).toMatchObject([{ id: session, isHandshakeDone: true }]);
      },
      { store },
    );
  });

  it('lets the sessions there are go on, ends those that end, and tells its log once a minute', async () => {
    const { store, state, load } = failingStore();
    const lines: { event: string; count: number }[] = [];
    const logger = new HubLogger('warn', { write: (line) => void lines.push(JSON.parse(line)) });
    await inVirtualTime(
      OPTIONS,
      async ({ raw, hub, clock }) => {
        const [busy, deleted, idle] = [await raw.open(), await raw.open(), await raw.open()];
        const half = (await raw.initialize()).headers['mcp-session-id'];
        state.isBroken = true;
        const streamed = await raw.streamedCall(busy, {
          ...callRequest(7, 'emit', { count: 3 }),
          params: { name: 'emit', arguments: { count: 3, intervalMs: 3_000 }, _meta: { progressToken: 1 } },
        });
        expect((await raw.notify(String(half), 'notifications/initialized')).status).toBe(202);
        expect((await raw.delete(deleted)).status).toBe(200);
        await streamed.ended;
        expect(streamed.messages()).toMatchObject([
          ...[1, 2, 3].map((progress) => ({ params: { progress } })),
          { id: 7, result: {} },
        ]);
        expect((await raw.call(busy, 'register_agent', { name: 'bob' })).json).toMatchObject({ result: {} });
        await clock.sleep(15_000);
        expect(hub.sessions.size).toBe(0);
        expect(hub.sessions.counters().ended).toMatchObject({ client: 1, idle: 3 });
        expect(load().map(({ id }) => id)).toEqual([busy, deleted, idle, half]);

        // What ended meanwhile does not come back at the next start.
        state.isBroken = false;
        const last = await raw.open();
        await raw.delete(last);
        expect(load()).toEqual([]);
      },
      { store, logger },
    );
    expect(state.failures).toBeGreaterThan(10);
    expect(lines.filter(({ event }) => event === 'store-failed')).toMatchObject([{ count: 1 }]);
  });
});
