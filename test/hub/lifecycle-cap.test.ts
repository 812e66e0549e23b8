import { describe, expect, it } from 'vitest';
import { C, inTime, post, T } from './lifecycle-stories.ts';
import { callRequest, initializeRequest } from './raw-client.ts';

describe('The cap', () => {
  it('lets exactly 10 of 200 in that come in one turn, and counts the others (F46)', () =>
    inTime(
      async ({ raw, hub }) => {
        const answers = await Promise.all(Array.from({ length: 200 }, () => raw.initialize()));
        const statuses = answers.map(({ status }) => status);
        expect(statuses.filter((status) => status === 200)).toHaveLength(10);
        expect(statuses.filter((status) => status === 503)).toHaveLength(190);
        expect(hub.sessions.size).toBe(10);
        expect(hub.sessions.counters()).toMatchObject({ opened: 10, refused: 190 });
      },
      { maxSessions: 10 },
    ));

  it('is reached, never passed: each newcomer below it gets in, one after the other or not (F45)', () =>
    inTime(
      async ({ raw, hub, clock }) => {
        const waves = await Promise.all(
          Array.from({ length: 100 }, async (_, client) => {
            await clock.sleep(client % 10);
            const answer = await raw.initialize();
            expect(hub.sessions.size).toBeLessThanOrEqual(100);
            return answer.status;
          }),
        );
        expect(waves.every((status) => status === 200)).toBe(true);
      },
      { maxSessions: 100 },
    ));

  it('refuses with 503 and Retry-After, spares those who are in, and opens as they leave (F45, F47)', () =>
    inTime(
      async ({ raw, hub, clock }) => {
        const sessions: string[] = [];
        for (let client = 0; client < 20; client += 1) sessions.push(await raw.open());
        for (let client = 0; client < 80; client += 1) {
          const answer = await raw.initialize();
          expect([answer.status, answer.json]).toMatchObject([503, { error: { code: -32000 }, id: null }]);
          expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
          expect(answer.headers['mcp-session-id']).toBeUndefined();
          expect(hub.sessions.size).toBe(20);
        }
        for (const session of sessions) expect((await raw.ping(session)).status).toBe(200);
        await raw.delete(String(sessions[0]));
        await raw.open();
        expect((await raw.initialize()).status).toBe(503);
        // Nobody says goodbye: the reaper makes room.
        await clock.sleep(T + C);
        for (let client = 0; client < 20; client += 1) await raw.open();
        expect(hub.sessions.size).toBe(20);
      },
      { maxSessions: 20 },
    ));

  it('counts a session once, though its client has not read that it is open (F46)', () =>
    inTime(
      async ({ raw, target, hub }) => {
        const session = await raw.open();
        const large = JSON.stringify(callRequest(1, 'echo', { message: 'x'.repeat(300_000) }));
        const text = JSON.stringify(initializeRequest());
        const { stream, reset } = await target.dial();
        stream.on('error', () => undefined);
        // The answer to the second waits behind that to the first, of which nothing is read.
        stream.write(post(session, large) + large + post(undefined, text) + text);
        expect((await raw.ping(session)).status).toBe(200);
        expect(hub.sessions.size).toBe(2);
        expect((await raw.initialize()).status).toBe(200);
        expect((await raw.initialize()).status).toBe(503);
        reset();
      },
      { maxSessions: 3 },
    ));

  it('is not held by bodies that never come (F47)', () =>
    inTime(
      async ({ raw, target }) => {
        const wires = await Promise.all(Array.from({ length: 5 }, () => target.dial()));
        for (const { stream } of wires) {
          stream.write('POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n');
          stream.write('content-type: application/json\r\ncontent-length: 100\r\n\r\n{"json');
        }
        expect((await raw.initialize()).status).toBe(200);
        for (const wire of wires) wire.reset();
      },
      { maxSessions: 1 },
    ));
});
