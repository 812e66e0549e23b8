import { describe, expect, it } from 'vitest';
import type { Wire } from '../../simulator/targets/target.ts';
import { callRequest } from '../hub/raw-client.ts';
import { inVirtualTime } from '../hub/virtual-world.ts';

/** What comes on a connection after a sound call of `sleep`, and what the client must read first. */
const SENT_AHEAD: readonly [why: string, bytes: string, answer: RegExp][] = [
  ['nothing', '', /^HTTP\/1\.1 200 .*slept 3000 ms/s],
  ['a sound request', 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 200 .*HTTP\/1\.1 403/s],
  // Nothing: the connection is cut. A 400 would be taken for the answer to the call, which runs.
  ['bytes that are not HTTP', 'this is not HTTP\r\n\r\n', /^$/],
  ['a head without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, /^$/],
];

describe('A call with more sent ahead on its connection', () => {
  it.each(SENT_AHEAD)(
    'never gets the answer to something else, with %s behind it',
    async (_why, bytes, answer) => {
      await inVirtualTime({}, async ({ raw, target, clock }) => {
        const call = callTo(await raw.open(), 3_000);
        const read = readAll(await target.dial(), `${call}${bytes}`);
        await clock.sleep(10_000);
        expect(read()).toMatch(answer);
      });
    },
  );

  it('is refused with 400 when it is itself the one that breaks', async () => {
    await inVirtualTime({}, async ({ raw, target, clock }) => {
      const call = callTo(await raw.open(), 3_000).replace(
        /Content-Length: \d+/,
        'Transfer-Encoding: chunked',
      );
      const read = readAll(await target.dial(), call);
      await clock.sleep(10_000);
      expect(read()).toMatch(/^HTTP\/1\.1 400 .*"jsonrpc":"2\.0"/s);
    });
  });
});

function callTo(session: string, ms: number): string {
  const body = JSON.stringify(callRequest(7, 'sleep', { ms }));
  const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nMcp-Session-Id: ${session}\r\n`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
}

function readAll({ stream }: Wire, bytes: string): () => string {
  let received = '';
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    received += chunk;
  });
  stream.write(bytes);
  return () => received;
}
