import { describe, expect, it } from 'vitest';
import { inTime } from './lifecycle-stories.ts';
import { callRequest, textResult } from './raw-client.ts';
import { openSocket } from './socket-client.ts';

const HOUR_MS = 3_600_000;

describe('The calls of one session', () => {
  it('that are under way at once are limited, also those whose clients left (F09)', () =>
    inTime(
      async ({ raw, clock }) => {
        const session = await raw.open();
        const other = await raw.open();
        for (let n = 0; n < 3; n += 1) {
          const leaves = new AbortController();
          const call = raw.call(session, 'sleep', { ms: HOUR_MS }, { id: n, signal: leaves.signal });
          await clock.sleep(10);
          leaves.abort();
          await call.catch(() => undefined);
        }
        await clock.sleep(10);
        const refused = await raw.call(session, 'echo', { message: '' });
        expect([refused.status, refused.headers['retry-after']]).toEqual([429, '5']);
        expect(refused.json).toMatchObject({ error: { code: -32000 } });
        // Nobody else's, and nothing that is no call.
        expect((await raw.call(other, 'echo', { message: '' })).status).toBe(200);
        expect((await raw.notify(session, 'notifications/cancelled', { requestId: 1 })).status).toBe(202);
        expect((await raw.call(session, 'echo', { message: '' })).status).toBe(200);
      },
      { maxCalls: 3, sessionTimeout: '1h' },
    ));

  it('in one batch count, each of them', () =>
    inTime(
      async ({ raw }) => {
        const session = await raw.open({ protocolVersion: '2025-03-26' });
        const batch = (size: number) =>
          raw.send({
            session,
            body: Array.from({ length: size }, (_, id) => callRequest(id, 'echo', { message: '' })),
          });
        expect([(await batch(4)).status, (await batch(3)).status]).toEqual([429, 200]);
      },
      { maxCalls: 3 },
    ));

  it('on a WebSocket are told from each other by their ids', () =>
    inTime(
      async ({ target }) => {
        const client = await openSocket(target.dial);
        await client.handshake();
        for (const id of [2, 3]) client.send(callRequest(id, 'sleep', { ms: HOUR_MS }));
        expect(await client.ask(callRequest(4, 'echo', { message: '' }))).toMatchObject({
          id: 4,
          error: { data: { status: 429 } },
        });
        client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } });
        expect(await client.ask(callRequest(5, 'echo', { message: 'on' }))).toEqual(textResult(5, 'on'));
      },
      { maxCalls: 2, websocket: 'on' },
    ));
});
