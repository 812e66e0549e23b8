import { Console } from 'node:console';
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Server } from 'node:http';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { VirtualTime } from '../clock/virtual.ts';
import type { Launch, LocalServer } from './in-process.ts';
import { servedBy } from './local-server.ts';
import { spawnedTarget } from './spawned.ts';
import { type Target, TargetError } from './target.ts';
import { listenOnNothing } from './virtual-server.ts';

export interface ModuleOptions {
  /** Absolute path. */
  readonly file: string;
  /** Of the MCP endpoint. */
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The target's output is kept there, in `target.log`. */
  readonly outDir?: string;
  /** Takes out of it what must not be shown. */
  readonly hide?: ((text: string) => string) | undefined;
}

const RUNNER = fileURLToPath(new URL('./module-runner.ts', import.meta.url));
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * A module of the user's as a process of its own, on a free port.
 * @throws TargetError when it cannot be imported, or exports no server
 */
export async function spawnedModule(
  { file, path, env, outDir, hide }: ModuleOptions,
  name: string,
): Promise<Target> {
  const argsOn = (port: number) => ['--enable-source-maps', RUNNER, file, path, String(port)];
  try {
    return await spawnedTarget({
      name,
      command: process.execPath,
      args: argsOn(0),
      argsOn,
      hide,
      ...(env && { env }),
      ...(outDir !== undefined && { logFile: join(outDir, 'target.log') }),
    });
  } catch (error) {
    throw new TargetError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * Runs a module of the user's in this process under virtual time. It may do what a program may that is alone in
 * its process: listen, write to the console, handle signals and exit. Here, none of that reaches the process.
 */
export class ModuleHost {
  readonly #options: ModuleOptions;
  readonly #time: VirtualTime;
  readonly #restores: (() => void)[] = [];
  #listened: Server[] = [];

  constructor(options: ModuleOptions, time: VirtualTime) {
    this.#options = options;
    this.#time = time;
    this.#catchConsole();
    this.#catchListen();
  }

  /** Imports the module, anew each time. Modules that it imports itself are imported once. */
  readonly launch: Launch = async () => {
    this.#listened = [];
    const url = pathToFileURL(this.#options.file);
    // What was imported once in a process is not run again under the same address.
    url.searchParams.set('mcp-soak-start', randomUUID());
    const before = handlers();
    try {
      const module: unknown = await this.#time.outside(() => import(url.href));
      const { local, hasShutdown } = await servedBy(module, () => this.#listened[0]);
      const onSignal = takeListeners(before);
      return hasShutdown || onSignal.length === 0 ? local : this.#exiting(local.server, onSignal);
    } catch (error) {
      takeListeners(before);
      throw new TargetError(`${this.#options.file}: ${messageOf(error)}`, { cause: error });
    }
  };

  /** Gives the process back what is its own. */
  restore(): void {
    for (const restore of this.#restores.splice(0).reverse()) restore();
  }

  /** On SIGTERM the program's own handlers are called; they may exit the process, which here ends the program alone. */
  #exiting(server: Server, onSignal: readonly SignalHandler[]): LocalServer {
    const { promise: exited, resolve } = Promise.withResolvers<number>();
    const shutdown = async () => {
      const { exit } = process;
      const fake = (code?: number | string | null) => resolve(Number(code ?? process.exitCode ?? 0));
      Object.assign(process, { exit: fake });
      this.#restores.push(() => Object.assign(process, { exit }));
      await Promise.all(onSignal.map(async (handle) => handle('SIGTERM')));
    };
    return { server, shutdown, exited };
  }

  #catchConsole(): void {
    const { outDir, hide = (text) => text } = this.#options;
    const file = outDir === undefined ? undefined : createWriteStream(join(outDir, 'target.log'));
    const log = new Writable({
      decodeStrings: false,
      // A console writes a message whole.
      write: (chunk, _encoding, done) => {
        if (file) file.write(hide(String(chunk)), done);
        else done();
      },
      final: (done) => {
        if (file) file.end(done);
        else done();
      },
    });
    const { console } = globalThis;
    globalThis.console = new Console({ stdout: log, stderr: log });
    this.#restores.push(() => {
      globalThis.console = console;
      log.end();
    });
  }

  #catchListen(): void {
    const note = (server: Server) => this.#listened.push(server);
    Object.defineProperty(Server.prototype, 'listen', {
      configurable: true,
      value(this: Server, ...args: unknown[]) {
        note(this);
        return listenOnNothing(this, args);
      },
    });
    this.#restores.push(() => void Reflect.deleteProperty(Server.prototype, 'listen'));
  }
}

type SignalName = (typeof SIGNALS)[number];
type SignalHandler = ReturnType<typeof handlersOf>[number];
type Handlers = readonly { readonly signal: SignalName; readonly handle: SignalHandler }[];

function handlersOf(signal: SignalName) {
  return process.rawListeners(signal);
}

function handlers(): Handlers {
  return SIGNALS.flatMap((signal) => handlersOf(signal).map((handle) => ({ signal, handle })));
}

/** Takes the handlers of signals away that were not there before: Ctrl-C is meant for us. Returns those of SIGTERM. */
function takeListeners(before: Handlers): SignalHandler[] {
  const added = handlers().filter(
    ({ signal, handle }) => !before.some((known) => known.signal === signal && known.handle === handle),
  );
  for (const { signal, handle } of added) process.removeListener(signal, handle);
  return added.flatMap(({ signal, handle }) => (signal === 'SIGTERM' ? [handle] : []));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
