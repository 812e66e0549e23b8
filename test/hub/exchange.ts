import { createServer, type ServerResponse } from 'node:http';
import { EventLog } from '../../hub/event-log.ts';
import { EventStream } from '../../hub/event-stream.ts';
import { ResumableStream } from '../../hub/resumable-stream.ts';
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

export const LIMITS = { maxEvents: 100, maxBytes: 100_000, maxAgeMs: 60_000 };
export const STREAM = { retryMs: 1, maxBufferedBytes: 10_000, primes: false };

/** Makes stream 1 of a session on this response, as a transport does when an answer turns into a stream. */
export function openStreamOn(response: ServerResponse, retryMs: number) {
  return (headers: Readonly<Record<string, string>>): ResumableStream => {
    const stream = new ResumableStream(1, new EventLog(LIMITS), (of, seq) => `${of}-${seq}`);
    const eventStream = new EventStream(response, { ...STREAM, retryMs, headers });
    response.once('close', () => stream.detach(eventStream));
    stream.attach(eventStream, 0);
    return stream;
  };
}

/** A stream as it was before events had ids. */
export function withoutIds(body: string): string {
  return body.replaceAll(/^id: .*\n/gm, '');
}

function unchunk(text: string): string {
  return text.replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, '').replace(/\r\n$/, '');
}

/** Enough turns of the event loop for whatever is under way in this process. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
