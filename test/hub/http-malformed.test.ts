import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { serverError } from './http-refusals.ts';
import { serveHub, startHub } from './hub-on-loopback.ts';
import { callRequest, initializeRequest } from './raw-client.ts';

/** What is written on a socket, and all that comes back until the server closes it. */
async function talk(endpoint: URL, text: string): Promise<string> {
  const socket = connect(Number(endpoint.port), endpoint.hostname);
  socket.write(text);
  let received = '';
  for await (const chunk of socket) received += chunk;
  return received;
}

const HEAD = 'POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\ncontent-type: application/json\r\n';

describe('A request that never finishes', () => {
  const halves: readonly [what: string, text: string][] = [
    ['nothing at all', ''],
    ['half a request line', 'POST /mc'],
    ['half its headers', HEAD],
    ['half its body', `${HEAD}content-length: 100\r\n\r\n{"jsonrpc":`],
    ['half its chunks', `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"jso\r\n`],
  ];
  it.concurrent.each(halves)(
    '%s: is closed with a JSON-RPC 408, and held no slot (F47, F49)',
    async (_what, text) => {
      const times = { headersTimeout: '100ms', requestTimeout: '200ms', maxSessions: 1 };
      const { hub, endpoint, stop } = await startHub(times);
      try {
        const closed = talk(endpoint, text);
        expect(hub.sessions.counters()).toMatchObject({ opened: 0, refused: 0 });
        const answer = await closed;
        expect(answer).toMatch(/^HTTP\/1\.1 408 /);
        expect(answer).toContain('content-type: application/json\r\n');
        expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({
          jsonrpc: '2.0',
          id: null,
          error: { code: serverError },
        });
        expect(hub.sessions.size).toBe(0);
      } finally {
        await stop();
      }
    },
  );

  it.concurrent('behind an open stream: ends the connection, without a word into the stream', async () => {
    const times = { headersTimeout: '100ms', requestTimeout: '200ms', keepAlive: '50ms' };
    const { raw, endpoint, stop } = await startHub(times);
    try {
      const call = JSON.stringify(callRequest(1, 'sleep', { ms: 60_000 }));
      const opens = [
        (session: string) => `GET /mcp HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: ${session}\r\n\r\n`,
        (session: string) =>
          `${HEAD}mcp-session-id: ${session}\r\ncontent-length: ${call.length}\r\n\r\n${call}`,
      ];
      const halves = ['POST /mc', `${HEAD}content-length: 100\r\n\r\n{`];
      const answers = opens.flatMap((open) =>
        halves.map(async (half) => talk(endpoint, open(await raw.open()) + half)),
      );
      for (const answer of await Promise.all(answers)) {
        expect(answer).toContain('text/event-stream');
        expect(answer).not.toContain(' 408 ');
      }
    } finally {
      await stop();
    }
  });
});

describe('A request that is refused as too slow, and whose rest comes after all', () => {
  const INITIALIZE = JSON.stringify(initializeRequest());
  const whole = `${HEAD}content-length: ${INITIALIZE.length}\r\n\r\n${INITIALIZE}`;
  const rows: readonly [what: string, length: number][] = [
    ['its headers', HEAD.length],
    ['its body', whole.length - 10],
  ];
  it.concurrent.each(rows)('half of %s: opens nothing', async (_what, length) => {
    const { hub, endpoint, stop } = await startHub({ headersTimeout: '100ms', requestTimeout: '200ms' });
    try {
      const left = new Promise((resolve) => {
        hub.server.once('connection', (taken) => taken.once('close', resolve));
      });
      const socket = connect({ port: Number(endpoint.port), host: endpoint.hostname, allowHalfOpen: true });
      socket.write(whole.slice(0, length));
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk;
      });
      await once(socket, 'end');
      expect(received).toMatch(/^HTTP\/1\.1 408 /);
      socket.end(whole.slice(length));
      await left;
      expect(hub.sessions.counters()).toMatchObject({ opened: 0, refused: 0 });
    } finally {
      await stop();
    }
  });
});

describe('What is not HTTP', () => {
  const rows: readonly [what: string, status: number, text: string][] = [
    ['no HTTP at all', 400, 'hello\r\n\r\n'],
    ['a header line without a colon', 400, 'GET /mcp HTTP/1.1\r\nhost localhost\r\n\r\n'],
    ['headers of 20 KB', 431, `GET /mcp HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['two lengths', 400, `${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\n`],
    ['a bad chunk', 400, `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`],
  ];
  it.each(rows)('%s: is refused in JSON-RPC with %i', async (_what, status, text) => {
    const { endpoint } = await serveHub();
    const answer = await talk(endpoint, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ jsonrpc: '2.0', id: null });
    expect(answer.toLowerCase()).not.toContain('html');
  });
});
