import http from 'node:http';
import net from 'node:net';
import { onTestFinished } from 'vitest';
import type { Dial } from '../../../simulator/targets/target.ts';

/** A server of the test on 127.0.0.1, stopped when the test ends. */
export interface TestServer {
  readonly endpoint: URL;
  readonly dial: Dial;
  /** Our ends of the connections, in the order of dialling. */
  readonly dialled: net.Socket[];
  /** The server's ends. */
  readonly accepted: net.Socket[];
}

export function serveHttp(
  listener: http.RequestListener,
  options: http.ServerOptions = {},
): Promise<TestServer> {
  return serve(http.createServer(options, listener));
}

export function serveRaw(listener: (socket: net.Socket, index: number) => void): Promise<TestServer> {
  let count = 0;
  return serve(
    net.createServer({ allowHalfOpen: true }, (socket) => {
      listener(socket, count);
      count += 1;
    }),
  );
}

async function serve(server: net.Server): Promise<TestServer> {
  const accepted: net.Socket[] = [];
  const dialled: net.Socket[] = [];
  server.on('connection', (socket: net.Socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`no port: ${address}`);
  const dial = dialPort(address.port, dialled);
  onTestFinished(async () => {
    for (const socket of [...dialled, ...accepted]) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { endpoint: new URL(`http://127.0.0.1:${address.port}/mcp`), dial, dialled, accepted };
}

export function dialPort(port: number, dialled: net.Socket[] = []): Dial {
  return (signal) =>
    new Promise((resolve, reject) => {
      const stream = net.connect({ port, host: '127.0.0.1', noDelay: true });
      dialled.push(stream);
      const giveUp = () => stream.destroy(new Error('aborted'));
      signal?.addEventListener('abort', giveUp, { once: true });
      stream.once('error', reject);
      stream.once('connect', () => {
        signal?.removeEventListener('abort', giveUp);
        stream.removeListener('error', reject);
        resolve({ stream, reset: () => void stream.resetAndDestroy() });
      });
    });
}

/** Turns of the event loop until the claim holds; the time limit of the test is the only bound. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

/** Enough turns of the event loop for whatever bytes are under way on loopback. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export async function readBody(request: http.IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
