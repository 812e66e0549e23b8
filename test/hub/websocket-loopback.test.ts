import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { socketDial } from '../../simulator/targets/socket-dial.ts';
import { serveHub, startHub } from './hub-on-loopback.ts';
import { callRequest, textResult } from './raw-client.ts';
import { openSocket, refusalOf } from './socket-client.ts';

const ON = { websocket: 'on' };

describe('On real sockets', () => {
  it("the SDK's WebSocket client opens a session, calls, and ends it by closing", async () => {
    const { hub, endpoint } = await serveHub(ON);
    const client = new Client({ name: 'sdk', version: '1' });
    await client.connect(new WebSocketClientTransport(new URL(endpoint.href.replace('http', 'ws'))));
    expect(await client.callTool({ name: 'echo', arguments: { message: 'hi' } })).toMatchObject({
      content: [{ text: 'hi' }],
    });
    expect((await client.listTools()).tools.length).toBeGreaterThan(3);
    expect(hub.sessions.size).toBe(1);
    const closed = new Promise<void>((resolve) => {
      client.onclose = resolve;
    });
    await client.close();
    await closed;
    expect(hub.sessions.counters().ended.client).toBe(1);
  });

  it('a request to upgrade to something else is answered as it is', async () => {
    const { endpoint } = await serveHub(ON);
    const { stream } = await socketDial(endpoint)();
    stream.write(
      'GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close, upgrade\r\nupgrade: h2c\r\n\r\n',
    );
    let text = '';
    for await (const chunk of stream) text += chunk;
    expect(text).toMatch(/^HTTP\/1.1 200 .*"status":"healthy"/s);
  });

  it('a hub that shuts down leaves no WebSocket open', async () => {
    const { hub, endpoint, stop } = await startHub(ON);
    const clients = await Promise.all(Array.from({ length: 5 }, () => openSocket(socketDial(endpoint))));
    for (const client of clients.slice(1)) await client.handshake();
    clients.at(-1)?.socket.pause();
    await stop();
    const codes = await Promise.all(clients.slice(0, -1).map(({ closed }) => closed));
    expect(codes.map(({ code }) => code)).toEqual([1001, 1001, 1001, 1001]);
    expect(hub.server.listening).toBe(false);
  });
});

describe('A WebSocket session that is kept in a file', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'mcp-soak-websocket-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('is taken up on another WebSocket by the next hub; one that was closed is gone', async () => {
    const options = { ...ON, store: join(dir, 'sessions.db') };
    const first = await startHub(options);
    const dial = socketDial(first.endpoint);
    const [kept, closed] = [await openSocket(dial), await openSocket(dial)];
    await kept.handshake();
    await closed.handshake();
    closed.socket.close(1000);
    await closed.closed;
    await first.stop();
    expect(await kept.closed).toMatchObject({ code: 1001 });

    const second = await serveHub(options);
    const redial = socketDial(second.endpoint);
    const again = await openSocket(redial, { session: kept.session });
    expect(await again.ask(callRequest(9, 'echo', { message: 'still' }))).toEqual(textResult(9, 'still'));
    expect(await refusalOf(openSocket(redial, { session: closed.session }))).toMatchObject({ status: 404 });
    again.socket.close(1000);
    await again.closed;
    expect(second.hub.sessions.size).toBe(0);
  });
});
