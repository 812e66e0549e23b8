import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../hub/config.ts';
import { createHub } from '../../hub/hub.ts';
import { toOpenMetrics } from '../../hub/metrics.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import { ask, openAgent } from './agent-calls.ts';
import { serveHub } from './hub-on-loopback.ts';
import type { RawClient } from './raw-client.ts';
import { inVirtualTime } from './virtual-world.ts';

/** Samples by name and labels as they are written, `# …` lines left out. */
async function samples(raw: RawClient): Promise<Map<string, number>> {
  const { status, text } = await raw.get('/metrics');
  expect(status).toBe(200);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const cut = line.lastIndexOf(' ');
      return [line.slice(0, cut), Number(line.slice(cut + 1))];
    }),
  );
}

/** Those of one metric, without its name. */
function family(all: Map<string, number>, name: string): Record<string, number> {
  const own = [...all].filter(([key]) => key === name || key.startsWith(`${name}{`));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(name.length), value]));
}

describe('GET /metrics', () => {
  it('of a hub that nobody used: nothing counted, and a process that runs', () =>
    inVirtualTime({}, async ({ raw }) => {
      const all = await samples(raw);
      const zero = [
        'mcp_server_sessions',
        'mcp_server_sessions_opened_total',
        'mcp_server_sessions_refused_total',
        'mcp_server_sessions_ended_total{reason="idle"}',
        'mcp_server_streams',
        'mcp_server_calls_in_flight',
        'mcp_server_agents',
        'mcp_server_conversations',
        'mcp_server_agent_messages_total{delivered="kept"}',
        'nodejs_eventloop_delay_max_seconds',
      ];
      for (const name of zero) expect(all.get(name), name).toBe(0);
      expect(all.get('nodejs_heap_size_used_bytes')).toBeGreaterThan(1e6);
      expect(all.get('process_resident_memory_bytes')).toBeGreaterThan(1e7);
      expect(family(all, 'mcp_server_requests_total')).toEqual({});
    }));

  it('counts a story exactly', () =>
    inVirtualTime(
      { maxSessions: 4, sessionTimeout: '100s', cleanupInterval: '1s' },
      async ({ raw, clock }) => {
        const alice = await openAgent(raw, 'alice');
        const bob = await openAgent(raw, 'bob');
        const stream = await raw.stream(bob);
        for (const to of ['alice', 'bob', 'bob']) {
          await ask(raw, to === 'bob' ? alice : bob, 'send_message', { to, message: 'hi' });
        }
        const idle = await raw.open();
        await raw.open();
        expect((await raw.initialize()).status).toBe(503);
        await raw.call(alice, 'sleep', { ms: 3_000 });
        const open = raw.call(bob, 'sleep', { ms: 1_000_000 });
        const left = new AbortController();
        const leaving = raw.call(bob, 'sleep', { ms: 1_000 }, { signal: left.signal });
        await clock.sleep(10);
        left.abort();
        await expect(leaving).rejects.toThrow();
        await raw.send({ method: 'PATCH' });
        await raw.send({ session: alice, body: { jsonrpc: '2.0', id: 1, method: 'no/such' } });
        await clock.sleep(90);
        await raw.delete(alice);
        expect((await raw.delete(alice)).status).toBe(404);
        await clock.sleep(98_000);
        expect((await raw.ping(idle)).status).toBe(404);

        const all = await samples(raw);
        const value = (name: string) => all.get(name);
        expect(value('mcp_server_sessions')).toBe(1);
        expect(value('mcp_server_sessions_opened_total')).toBe(4);
        expect(value('mcp_server_sessions_refused_total')).toBe(1);
        expect(family(all, 'mcp_server_sessions_ended_total')).toMatchObject({
          '{reason="client"}': 1,
          '{reason="idle"}': 2,
          '{reason="error"}': 0,
          '{reason="handshake"}': 0,
          '{reason="shutdown"}': 0,
        });
        expect(family(all, 'mcp_server_session_duration_seconds_count')).toEqual({
          '{reason="client"}': 1,
          '{reason="idle"}': 2,
        });
        expect(value('mcp_server_session_duration_seconds_sum{reason="client"}')).toBeCloseTo(3.1, 6);
        expect(family(all, 'mcp_server_operation_duration_seconds_count')).toEqual({
          '{method="initialize"}': 4,
          // Two registrations, three messages, two calls that slept.
          '{method="tools/call"}': 7,
          '{method="other"}': 1,
        });
        expect(value('mcp_server_operation_duration_seconds_sum{method="tools/call"}')).toBeCloseTo(4, 6);
        expect(value('mcp_server_operation_duration_seconds_bucket{le="2",method="tools/call"}')).toBe(6);
        expect(family(all, 'mcp_server_requests_total')).toEqual({
          // Four initializes, six calls of tools, one unknown method.
          '{http_method="POST",status="200"}': 11,
          '{http_method="POST",status="202"}': 4,
          '{http_method="POST",status="404"}': 1,
          '{http_method="POST",status="503"}': 1,
          '{http_method="POST",status="none"}': 1,
          '{http_method="DELETE",status="200"}': 1,
          '{http_method="DELETE",status="404"}': 1,
          '{http_method="other",status="405"}': 1,
        });
        expect(value('mcp_server_streams')).toBe(1);
        expect(value('mcp_server_calls_in_flight')).toBe(1);
        expect(value('mcp_server_agents')).toBe(1);
        expect(value('mcp_server_conversations')).toBe(1);
        expect(family(all, 'mcp_server_agent_messages_total')).toEqual({
          '{delivered="stream"}': 2,
          '{delivered="kept"}': 1,
        });
        stream.close();
        await clock.sleep(1);
        const after = await samples(raw);
        expect(after.get('mcp_server_streams')).toBe(0);
        expect(after.get('mcp_server_requests_total{http_method="GET",status="200"}')).toBe(1);
        await raw.delete(bob);
        await open;
      },
    ));

  it('says the same when asked again', () =>
    inVirtualTime({ maxSessions: 1 }, async ({ raw }) => {
      await raw.delete(await openAgent(raw, 'alice'));
      await raw.open();
      await raw.initialize();
      const counted = async () => [...(await samples(raw))].filter(([name]) => name.startsWith('mcp_'));
      const first = await counted();
      expect(first).toContainEqual(['mcp_server_sessions_refused_total', 1]);
      expect(await counted()).toEqual(first);
    }));

  it('counts a stream that another took over once', () =>
    inVirtualTime({}, async ({ raw }) => {
      const session = await raw.open();
      for (let round = 0; round < 3; round += 1) await raw.stream(session);
      expect((await samples(raw)).get('mcp_server_streams')).toBe(1);
      await raw.delete(session);
      expect((await samples(raw)).get('mcp_server_streams')).toBe(0);
    }));

  it('times a call that was cancelled until then, and one whose session ended', () =>
    inVirtualTime({ keepAlive: '1h' }, async ({ raw, clock }) => {
      const session = await raw.open();
      const calls = [7, 8].map((id) => raw.call(session, 'sleep', { ms: 60_000 }, { id }));
      await clock.sleep(2_000);
      await raw.notify(session, 'notifications/cancelled', { requestId: 7 });
      await clock.sleep(3_000);
      await raw.delete(session);
      await Promise.all(calls);
      const all = await samples(raw);
      expect(all.get('mcp_server_operation_duration_seconds_count{method="tools/call"}')).toBe(2);
      expect(all.get('mcp_server_operation_duration_seconds_sum{method="tools/call"}')).toBeCloseTo(7, 6);
    }));

  it('has no label that a client could choose: 200 clients with texts of their own add no series', () =>
    inVirtualTime({}, async ({ raw }) => {
      const series = async (clients: number) => {
        for (let client = 0; client < clients; client += 1) {
          const session = await raw.open({ name: `client-${client}` });
          await ask(raw, session, 'register_agent', { name: `agent-${client}` });
          await raw.send({ session, body: { jsonrpc: '2.0', id: 1, method: `method-${client}` } });
          await raw.call(session, `tool-${client}`, {});
          await raw.ping(`session-${client}`);
          await raw.delete(session);
        }
        return (await samples(raw)).size;
      };
      const few = await series(1);
      expect(await series(200)).toBe(few);
      const { text } = await raw.get('/metrics');
      expect(text).not.toMatch(/client-|agent-|method-|tool-|session-|constructor/);
    }));

  it('is refused to a page that has been pointed here by another name, like everything else (F35)', () =>
    inVirtualTime({}, async ({ raw }) => {
      for (const headers of [{ host: 'evil.example' }, { origin: 'http://evil.example' }]) {
        expect((await raw.send({ method: 'GET', path: '/metrics', headers })).status).toBe(403);
      }
    }));

  const formats: readonly [accept: string | undefined, type: string][] = [
    [undefined, 'text/plain; version=0.0.4; charset=utf-8'],
    ['*/*', 'text/plain; version=0.0.4; charset=utf-8'],
    [
      'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    ],
  ];
  it('comes in the format asked for, whatever was asked for before', () =>
    inVirtualTime({}, async ({ raw }) => {
      for (const [accept, type] of [...formats, ...formats]) {
        const answer = await raw.send({ method: 'GET', path: '/metrics', headers: { accept } });
        expect(answer.headers['content-type']).toBe(type);
        const isOpen = type.startsWith('application/');
        expect(answer.text.endsWith('\n# EOF\n')).toBe(isOpen);
        const counter = isOpen ? 'mcp_server_sessions_opened' : 'mcp_server_sessions_opened_total';
        expect(answer.text).toContain(`# TYPE ${counter} counter\n`);
        expect(answer.text).toContain('\nmcp_server_sessions_opened_total 0\n');
      }
    }));

  it('of two hubs in one process does not mix', async () => {
    const [one, other] = [await serveHub(), await serveHub()];
    await one.raw.open();
    await one.raw.open();
    await other.raw.open();
    const opened = async ({ raw }: { raw: RawClient }) =>
      (await samples(raw)).get('mcp_server_sessions_opened_total');
    expect([await opened(one), await opened(other)]).toEqual([2, 1]);
  });

  it('leaves no timer and no handle after 100 hubs that were asked for it (F58)', async () => {
    const time = new VirtualTime();
    try {
      const before = process.getActiveResourcesInfo().length;
      for (let cycle = 0; cycle < 100; cycle += 1) {
        const hub = createHub(loadConfig({ logLevel: 'silent' }));
        await hub.shutdown();
      }
      expect(time.heldTimers()).toBe(0);
      expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
    } finally {
      time.uninstall();
    }
    for (let cycle = 0; cycle < 100; cycle += 1) {
      await inVirtualTime({}, async (world) => {
        await openAgent(world.raw, 'alice');
        await samples(world.raw);
        await world.hub.shutdown();
        expect(world.time.heldTimers()).toBe(0);
      });
    }
  });
});

describe('toOpenMetrics', () => {
  const rows: readonly [why: string, prometheus: string, openMetrics: string][] = [
    [
      'a counter family loses its _total, its samples keep it',
      '# HELP a_total All.\n# TYPE a_total counter\na_total{b="c"} 1\n',
      '# HELP a All.\n# TYPE a counter\na_total{b="c"} 1\n# EOF\n',
    ],
    [
      'a gauge that happens to be called so keeps it',
      '# HELP a_total All.\n# TYPE a_total gauge\na_total 1\n',
      '# HELP a_total All.\n# TYPE a_total gauge\na_total 1\n# EOF\n',
    ],
    [
      'empty lines go',
      '# TYPE a gauge\na 1\n\n# TYPE b gauge\nb 2\n',
      '# TYPE a gauge\na 1\n# TYPE b gauge\nb 2\n# EOF\n',
    ],
    ['nothing at all', '', '# EOF\n'],
  ];
  it.each(rows)('%s', (_why, prometheus, openMetrics) => expect(toOpenMetrics(prometheus)).toBe(openMetrics));
});
