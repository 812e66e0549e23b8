import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { VirtualSocket } from '../../../simulator/targets/virtual-socket.ts';

/** Both ends of one connection, and how the first breaks it as a network would. */
export interface Pair {
  readonly near: Duplex;
  readonly far: Duplex;
  reset(): void;
  /** Takes away whatever the pair needed. */
  close(): Promise<void>;
}

export async function virtualPair(): Promise<Pair> {
  const [near, far] = VirtualSocket.pair(() => undefined);
  return { near, far, reset: () => near.reset(), close: async () => destroyBoth(near, far) };
}

export async function loopbackPair(): Promise<Pair> {
  const server = net.createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const near = net.connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true });
  const far = await accepted;
  return {
    near,
    far,
    reset: () => void near.resetAndDestroy(),
    close: async () => {
      destroyBoth(near, far);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function portOf(server: net.Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error(`no port: ${address}`);
  return address.port;
}

function destroyBoth(near: Duplex, far: Duplex): void {
  near.destroy();
  far.destroy();
}

/** Resolves with the code of the next error of the stream, or with `closed` when it closes without one. */
export function ending(stream: Duplex): Promise<string> {
  return new Promise((resolve) => {
    stream.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    stream.once('close', () => resolve('closed'));
  });
}

/** Everything there is to read, to the end. Leaves the stream as it is: it may still be written to. */
export function readAll(stream: Duplex): Promise<Buffer> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.once('end', () => resolve(Buffer.concat(pieces)));
    stream.once('error', reject);
  });
}

/** Turns of the event loop until the claim holds; the time limit of the test is the only bound. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

/** Enough turns of the event loop for whatever is under way in this process. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
