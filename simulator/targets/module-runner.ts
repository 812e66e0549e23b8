import { once } from 'node:events';
import { Server } from 'node:http';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { servedBy } from './local-server.ts';

/*
 * The program that serves a module of the user's in a process of its own: `module-runner.ts <file> <path> <port>`.
 * It says where it listens as the hub does, and listens where it is told, whatever port the module asks for.
 */

const HOST = '127.0.0.1';
const AddressSchema = z.object({ port: z.number() });

async function serve(file: string, path: string, port: number): Promise<void> {
  const listened = catchFirstListen(port);
  const module: unknown = await import(pathToFileURL(file).href);
  const { local, hasShutdown } = await servedBy(module, listened);
  const { server } = local;
  if (listened() !== server) server.listen(port, HOST);
  if (!server.listening) await once(server, 'listening');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    if (!hasShutdown && process.listenerCount(signal) > 0) continue;
    process.on(signal, () => {
      local.shutdown().catch((error: unknown) => {
        console.error(error);
        process.exitCode = 1;
      });
    });
  }
  const { port: bound } = AddressSchema.parse(server.address());
  console.log(JSON.stringify({ event: 'listening', url: `http://${HOST}:${bound}${path}` }));
}

/** The first HTTP server that the module lets listen is the target: it gets the port that was chosen for it. */
function catchFirstListen(port: number): () => Server | undefined {
  let first: Server | undefined;
  const listen = Server.prototype.listen;
  Object.defineProperty(Server.prototype, 'listen', {
    configurable: true,
    value(this: Server, ...args: unknown[]) {
      if (first) return Reflect.apply(listen, this, args);
      first = this;
      const last = args.at(-1);
      return Reflect.apply(listen, this, [port, HOST, ...(typeof last === 'function' ? [last] : [])]);
    },
  });
  return () => first;
}

const [, , file = '', path = '/mcp', port = '0'] = process.argv;
await serve(file, path, Number(port));
