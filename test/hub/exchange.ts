import { createServer, type ServerResponse } from 'node:http';
import { VirtualSocket } from '../../simulator/targets/virtual-socket.ts';

/** A response of Node's own on a connection without a network, and the client's end of that. */
export interface TestResponse {
  readonly response: ServerResponse;
  /** Everything the client has read so far, as it is on the wire. */
  head(): string;
  /** The body so far, chunked or not. */
  body(): string;
  /** The client leaves. */
  leave(): void;
}

export async function testResponse(): Promise<TestResponse> {
  const [client, server] = VirtualSocket.pair(() => undefined);
  const response = await new Promise<ServerResponse>((resolve) => {
    const listener = createServer((_request, answer) => resolve(answer));
    listener.emit('connection', server);
    client.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n');
  });
  let received = '';
  client.on('data', (chunk: Buffer) => {
    received += chunk;
  });
  return {
    response,
    head: () => received.split('\r\n\r\n')[0] ?? '',
    body: () => {
      const [head = '', ...rest] = received.split('\r\n\r\n');
      const body = rest.join('\r\n\r\n');
      return /transfer-encoding: chunked/i.test(head) ? unchunk(body) : body;
    },
    leave: () => client.destroy(),
  };
}

function unchunk(text: string): string {
  return text.replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, '').replace(/\r\n$/, '');
}

/** Enough turns of the event loop for whatever is under way in this process. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
