import { describe, expect, it } from 'vitest';
import { inTime } from './lifecycle-stories.ts';
import { callRequest, textResult } from './raw-client.ts';
import { openSocket } from './socket-client.ts';

const ON = { websocket: 'on' };

describe('A WebSocket', () => {
  it('opens a session with its first message, and carries calls', () =>
    inTime(async ({ target, hub }) => {
      const client = await openSocket(target.dial);
      expect(client.socket.protocol).toBe('mcp');
      expect(client.session).toMatch(/^[0-9a-f-]{36}$/);
      expect(hub.sessions.size).toBe(0);
      expect(await client.handshake()).toMatchObject({ id: 1, result: { serverInfo: {} } });
      expect(hub.sessions.peek(client.session)).toMatchObject({ openStreams: 1 });
      expect(await client.ask(callRequest(7, 'echo', { message: 'hi' }))).toEqual(textResult(7, 'hi'));
      client.socket.close(1000);
      await client.closed;
      expect(hub.sessions.size).toBe(0);
      expect(hub.sessions.counters().ended.client).toBe(1);
    }, ON));
});
