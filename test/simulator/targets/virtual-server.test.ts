import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import type { Wire } from '../../../simulator/targets/target.ts';
import { VirtualServer } from '../../../simulator/targets/virtual-server.ts';
import { ending, readAll, turns, until } from './pairs.ts';

interface Served {
  readonly server: Server;
  readonly virtual: VirtualServer;
  /** Answers not ended yet. */
  readonly open: Parameters<RequestListener>[1][];
}

/** `/`: answered at once. `/open`: a head and nothing more. */
function serve(): Served {
  const open: Served['open'] = [];
  const server = createServer((request, response) => {
    if (request.url !== '/open') return void response.end('done');
    open.push(response);
    response.flushHeaders();
  });
  return { server, virtual: new VirtualServer(server, () => undefined), open };
}

async function ask(wire: Wire, path: string): Promise<IncomingMessage> {
  const request = get({ path, createConnection: () => wire.stream, headers: { connection: 'keep-alive' } });
  request.on('error', () => undefined);
  const [response] = await once(request, 'response');
  return response;
}

/** A connection with one answered request behind it. */
async function idle({ virtual }: Served): Promise<Wire> {
  const wire = await virtual.dial();
  wire.stream.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(wire.stream, 'data');
  await turns();
  return wire;
}

/** A connection with an answer under way. */
async function busy({ virtual }: Served): Promise<Wire> {
  const wire = await virtual.dial();
  wire.stream.write('GET /open HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await once(wire.stream, 'data');
  return wire;
}

function closing({ server }: Served): { readonly isOver: boolean; readonly over: Promise<unknown> } {
  const state = { isOver: false, over: Promise.resolve() as Promise<unknown> };
  state.over = new Promise<void>((resolve) => {
    server.close(() => {
      state.isOver = true;
      resolve();
    });
  });
  return state;
}

it('serves requests as if it listened', async () => {
  const served = serve();
  const response = await ask(await served.virtual.dial(), '/');
  let text = '';
  for await (const piece of response) text += piece;
  expect([served.server.listening, response.statusCode, text]).toEqual([true, 200, 'done']);
});

it('counts the connections that are open', async () => {
  const served = serve();
  expect(served.virtual.openConnections).toBe(0);
  const wires = [await idle(served), await busy(served), await served.virtual.dial()];
  expect(served.virtual.openConnections).toBe(3);
  for (const { stream } of wires) stream.destroy();
  await until(() => served.virtual.openConnections === 0);
});

it('gives back the connection of a client that resets it', async () => {
  const served = serve();
  const wire = await busy(served);
  wire.reset();
  await until(() => served.virtual.openConnections === 0);
});

describe('closing', () => {
  it('refuses new connections as a closed port does', async () => {
    const served = serve();
    await closing(served).over;
    const refused = served.virtual.dial();
    await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
    expect([served.server.listening, served.virtual.isAccepting]).toEqual([false, false]);
  });

  it('is over at once when nobody is connected, and tells it once', async () => {
    const served = serve();
    let closes = 0;
    served.server.on('close', () => {
      closes += 1;
    });
    await closing(served).over;
    await turns();
    expect(closes).toBe(1);
  });

  it('cuts idle connections and waits for busy ones', async () => {
    const served = serve();
    const [waiting, working] = [await idle(served), await busy(served)];
    const cut = ending(waiting.stream);
    const close = closing(served);
    waiting.stream.resume().once('end', () => waiting.stream.end());
    await cut;
    await turns();
    expect([close.isOver, served.virtual.openConnections]).toEqual([false, 1]);
    served.open[0]?.end('late');
    expect((await readAll(working.stream)).toString()).toContain('late');
    working.stream.destroy();
    await close.over;
    expect(served.virtual.openConnections).toBe(0);
  });

  it('says so when it is closed twice', async () => {
    const served = serve();
    await closing(served).over;
    const error = await new Promise<Error | undefined>((resolve) => served.server.close(resolve));
    expect(error).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' });
  });

  it('can be hurried by closeAllConnections, which cuts busy ones, too', async () => {
    const served = serve();
    const working = await busy(served);
    const end = once(working.stream.resume(), 'end');
    const close = closing(served);
    served.server.closeAllConnections();
    await Promise.all([end, close.over]);
    expect(served.virtual.openConnections).toBe(0);
  });
});

it('cuts only idle connections with closeIdleConnections, and goes on accepting', async () => {
  const served = serve();
  const [waiting] = [await idle(served), await busy(served)];
  const end = once(waiting.stream.resume(), 'end');
  served.server.closeIdleConnections();
  await end;
  expect([served.virtual.openConnections, served.virtual.isAccepting]).toEqual([1, true]);
});

it('breaks every connection when it is destroyed, and refuses new ones', async () => {
  const served = serve();
  const working = await busy(served);
  const end = once(working.stream.resume(), 'end');
  served.virtual.destroy();
  await end;
  await until(() => served.virtual.openConnections === 0);
  await expect(served.virtual.dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

describe('on virtual time', () => {
  it('closes a connection that idles longer than keepAliveTimeout, and none that is used', async () => {
    const time = new VirtualTime();
    onTestFinished(() => time.uninstall());
    await time.drive(async () => {
      const server = createServer((_, response) => void response.end('done'));
      server.keepAliveTimeout = 5_000;
      const virtual = new VirtualServer(server, time.noteActivity);
      const wire = await virtual.dial();
      let endedAt: number | undefined;
      wire.stream.resume().once('end', () => {
        endedAt = time.clock.now();
      });
      for (let asked = 0; asked < 3; asked += 1) {
        wire.stream.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
        await time.clock.sleep(4_000);
      }
      expect(endedAt).toBeUndefined();
      await time.clock.sleep(60_000);
      // The last request came at 8 s; Node grants a second beyond what it says.
      expect(endedAt).toBe(8_000 + 5_000 + server.keepAliveTimeoutBuffer);
      expect(time.heldTimers()).toBe(0);
    });
  });

  it('means its own connections by listen() and address()', async () => {
    const server = createServer((_, response) => void response.end('done'));
    const virtual = new VirtualServer(server, () => undefined);
    await new Promise<void>((resolve) => server.listen(3000, '0.0.0.0', resolve));
    expect(server.address()).toMatchObject({ address: '127.0.0.1' });
    virtual.destroy();
    expect(server.address()).toBeNull();
  });
});
