import { describe, expect, it } from 'vitest';
import { C, DRAIN, inTime, KEEP_ALIVE, T } from './lifecycle-stories.ts';
import { type Extra, say, serverOf, type Tool } from './polled-server.ts';
import { callRequest, type RawStream, textResult } from './raw-client.ts';
import { openSocket } from './socket-client.ts';
import type { VirtualWorld } from './virtual-world.ts';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('A call whose client was sent away', () => {
  /** Says `before`, sends the client away, says `meanwhile`, and works for so long. */
  const worksAlone =
    (ms: number): Tool =>
    async (extra) => {
      await say(extra, 'before');
      extra.closeSSEStream?.();
      await say(extra, 'meanwhile');
      await sleep(ms);
    };
  const BODY = callRequest(7, 'any', {});

  async function sentAway({ raw }: VirtualWorld): Promise<{ session: string; stream: RawStream }> {
    const session = await raw.open();
    const stream = await raw.streamedCall(session, BODY);
    await stream.ended;
    return { session, stream };
  }

  const comeBack = ({ raw }: VirtualWorld, session: string, { text }: RawStream) =>
    raw.stream(session, { headers: { 'last-event-id': [...text().matchAll(/^id: (.+)$/gm)].at(-1)?.[1] } });

  const MEANWHILE = { method: 'notifications/message', params: { level: 'info', data: 'meanwhile' } };
  const REST = [expect.objectContaining(MEANWHILE), textResult(7, 'done')];

  it('has told it when to come back and from where, before anything else', () =>
    inTime(
      async (world) => {
        const { stream } = await sentAway(world);
        expect(stream.text().replaceAll(/[0-9a-f]{12}-/g, '')).toMatch(
          /^retry: 3000\n\nid: 1-0\ndata: \n\nevent: message\nid: 1-1\ndata: .*"before".*\n\n$/,
        );
      },
      {},
      serverOf(worksAlone(0)),
    ));

  it('keeps its session for as long as it takes, and for T after that', () =>
    inTime(
      async (world) => {
        const { session } = await sentAway(world);
        await world.clock.sleep(3 * T);
        expect(world.hub.sessions.peek(session)).toMatchObject({ callsInFlight: 1, openStreams: 0 });
        await world.clock.sleep(T);
        expect(world.hub.sessions.peek(session)?.callsInFlight).toBe(0);
        await world.clock.sleep(C);
        expect(world.hub.sessions.hasSession(session)).toBe(false);
      },
      {},
      serverOf(worksAlone(3 * T + 1)),
    ));

  it.each([
    ['while it works', 2 * KEEP_ALIVE, 1],
    ['when it is done', 0, 2 * KEEP_ALIVE],
  ])('gives it the rest, and the answer once, when it comes back %s', (_when, worksMs, awayMs) =>
    inTime(
      async (world) => {
        const { session, stream } = await sentAway(world);
        await world.clock.sleep(awayMs);
        const rest = await comeBack(world, session, stream);
        expect(rest.status).toBe(200);
        await rest.ended;
        expect(rest.messages()).toEqual(REST);
        expect(stream.text()).not.toContain('meanwhile');
      },
      {},
      serverOf(worksAlone(worksMs)),
    ),
  );

  it('that is cancelled meanwhile gets no answer, and holds nothing', () =>
    inTime(
      async (world) => {
        const { session, stream } = await sentAway(world);
        await world.raw.notify(session, 'notifications/cancelled', { requestId: 7 });
        expect(world.hub.sessions.peek(session)?.callsInFlight).toBe(0);
        const rest = await comeBack(world, session, stream);
        await rest.ended;
        expect(rest.messages()).toEqual(REST.slice(0, 1));
      },
      {},
      serverOf(worksAlone(T)),
    ));

  it('is waited for by a shutdown, and its client let in to fetch the answer', () =>
    inTime(
      async (world) => {
        const { session, stream } = await sentAway(world);
        world.target.signal?.('SIGTERM');
        await world.clock.sleep(2 * KEEP_ALIVE);
        const listening = await world.raw.stream(session);
        expect(listening.status).toBe(503);
        const rest = await comeBack(world, session, stream);
        await rest.ended;
        expect(rest.messages()).toEqual(REST);
        const before = world.clock.now();
        await world.target.exited;
        expect(world.clock.now() - before).toBeLessThan(DRAIN - 2 * KEEP_ALIVE);
      },
      {},
      serverOf(worksAlone(KEEP_ALIVE)),
    ));

  it('is given up by a shutdown when its client does not come for it', () =>
    inTime(
      async (world) => {
        await sentAway(world);
        const before = world.clock.now();
        world.target.signal?.('SIGTERM');
        await world.target.exited;
        expect(world.clock.now() - before).toBeGreaterThanOrEqual(DRAIN);
        expect(world.clock.now() - before).toBeLessThan(2 * DRAIN);
      },
      {},
      serverOf(worksAlone(1)),
    ));

  it('holds up no shutdown once its session has ended', () =>
    inTime(
      async (world) => {
        const { session } = await sentAway(world);
        await world.raw.delete(session);
        const before = world.clock.now();
        world.target.signal?.('SIGTERM');
        await world.target.exited;
        expect(world.clock.now() - before).toBeLessThan(DRAIN);
      },
      {},
      serverOf(worksAlone(1)),
    ));
});

describe('A stream of the session that a tool ended', () => {
  it('counts as nothing lost, and is resumed with what was said meanwhile (F14)', () =>
    inTime(
      async ({ raw, hub, clock }) => {
        const session = await raw.open();
        const stream = await raw.stream(session);
        await raw.send({ session, body: callRequest(7, 'any', {}) });
        await stream.ended;
        await clock.sleep(T / 2);
        expect(hub.sessions.peek(session)).toMatchObject({ openStreams: 0, isStreamLost: false });
        const said = {
          jsonrpc: '2.0',
          method: 'notifications/message',
          params: { data: 'meanwhile' },
        } as const;
        await hub.sessions.peek(session)?.transport.send(said);
        const rest = await raw.stream(session);
        await clock.sleep(1);
        expect(rest.messages()).toEqual([said]);
      },
      { streamLostTimeout: 1_000 },
      serverOf(async (extra) => extra.closeStandaloneSSEStream?.()),
    ));
});

describe('The ways to send clients away', () => {
  const OFFERED = ['function', 'function'];
  const NOT_OFFERED = ['undefined', 'undefined'];
  it.each([
    ['2025-11-25', OFFERED],
    ['2025-06-18', NOT_OFFERED],
    ['2025-03-26', NOT_OFFERED],
  ])('are offered to tools where the client can come back: %s', (protocolVersion, offered) => {
    const found: string[] = [];
    const look: Tool = async ({ closeSSEStream, closeStandaloneSSEStream }) =>
      void found.push(typeof closeSSEStream, typeof closeStandaloneSSEStream);
    return inTime(
      async ({ raw }) => {
        await raw.call(await raw.open({ protocolVersion }), 'any', {});
        expect(found).toEqual(offered);
      },
      {},
      serverOf(look),
    );
  });

  it('are not offered to calls on a WebSocket, and leave that alone where a POST asks', () => {
    const found: string[] = [];
    const look: Tool = async (extra) => {
      found.push(typeof extra.closeSSEStream);
      extra.closeStandaloneSSEStream?.();
    };
    return inTime(
      async ({ target, raw, hub }) => {
        const client = await openSocket(target.dial);
        await client.handshake();
        await client.ask(callRequest(2, 'any', {}));
        await raw.call(client.session, 'any', {});
        expect(found).toEqual(['undefined', 'function']);
        expect(hub.sessions.peek(client.session)?.openStreams).toBe(1);
      },
      { websocket: 'on' },
      serverOf(look),
    );
  });

  it('do nothing once the call is over, its client gone or the session ended', () => {
    let kept: Extra | undefined;
    return inTime(
      async ({ raw, hub }) => {
        const session = await raw.open();
        await raw.call(session, 'any', {});
        const stream = await raw.stream(session);
        kept?.closeSSEStream?.();
        expect(hub.sessions.peek(session)?.openStreams).toBe(1);
        await raw.delete(session);
        kept?.closeSSEStream?.();
        kept?.closeStandaloneSSEStream?.();
        await stream.ended;
        expect(stream.messages()).toEqual([]);
      },
      {},
      serverOf(async (extra) => {
        kept = extra;
      }),
    );
  });
});
