import { createServer, type RequestListener, Server } from 'node:http';
import * as z from 'zod';
import type { LocalServer } from './in-process.ts';
import { TargetError } from './target.ts';

/** What can be a target in this process: a server, what answers its requests (an Express app, say), or the whole. */
export type Launchable = Server | RequestListener | LocalServer;

/** A server without a `shutdown` of its own is closed when it is told to end. */
export function localServer(launchable: Launchable): LocalServer {
  if (launchable instanceof Server) return closedOnShutdown(launchable);
  if (typeof launchable === 'function') return closedOnShutdown(createServer(launchable));
  return launchable;
}

const ModuleSchema = z.looseObject({ default: z.unknown() });
const LocalServerSchema = z.looseObject({
  server: z.instanceof(Server),
  shutdown: z.custom<LocalServer['shutdown']>((value) => typeof value === 'function'),
});

/**
 * What a module offers to be served: its default export (an Express app, a request listener, an `http.Server`,
 * `{ server, shutdown }`, or a function without parameters that makes one of these), or the server that it let
 * listen itself.
 * @throws TargetError when there is none
 */
export async function servedBy(
  module: unknown,
  listening: () => Server | undefined,
): Promise<{ local: LocalServer; hasShutdown: boolean }> {
  const exported = defaultOf(module);
  const offered: unknown = isMaker(exported) ? await exported() : exported;
  const whole = LocalServerSchema.safeParse(offered);
  if (whole.success) {
    const { server } = whole.data;
    // Called on the object itself: it may be a method of a class.
    return { local: { server, shutdown: async () => whole.data.shutdown.call(offered) }, hasShutdown: true };
  }
  const server = offered instanceof Server ? offered : listening();
  if (server) return { local: localServer(server), hasShutdown: false };
  if (isListener(offered)) return { local: localServer(offered), hasShutdown: false };
  throw new TargetError(
    'exports no server: its default export has to be an Express app, a request listener, an http.Server, ' +
      '{ server, shutdown }, or a function without parameters that returns one of these; ' +
      `got ${offered === undefined ? 'nothing' : typeof offered}`,
  );
}

function closedOnShutdown(server: Server): LocalServer {
  const shutdown = () =>
    new Promise<void>((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()));
    });
  return { server, shutdown };
}

/** CommonJS that was ECMAScript once has its default one level deeper. */
function defaultOf(module: unknown): unknown {
  const { data: outer } = ModuleSchema.safeParse(module);
  const { data: inner } = ModuleSchema.safeParse(outer?.default);
  return inner && Object.hasOwn(inner, '__esModule') ? inner.default : outer?.default;
}

/** An Express app and a request listener name what they are given. */
function isMaker(exported: unknown): exported is () => unknown {
  return typeof exported === 'function' && exported.length === 0;
}

function isListener(offered: unknown): offered is RequestListener {
  return typeof offered === 'function';
}
