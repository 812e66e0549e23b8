import * as z from 'zod';
import { Child } from './child.ts';
import { type Launched, processTarget } from './process-target.ts';
import type { Target } from './target.ts';

export interface SpawnOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The arguments that make it listen on this port: without them it cannot be restarted. */
  readonly argsOn?: (port: number) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where the target's output is kept. */
  readonly logFile?: string;
  /** Takes out of it what must not be shown. */
  readonly hide?: ((text: string) => string) | undefined;
}

/** What the target says on its standard output once it can be reached: `{"event":"listening","url":"http://…"}`. */
const ListeningSchema = z.object({ event: z.literal('listening'), url: z.url() });

const READY_WITHIN_MS = 15_000;

/**
 * Starts a server as a process of its own on this machine, and waits until it says where it listens.
 * @throws Error with its last lines of output when it does not come to that
 */
export function spawnedTarget(options: SpawnOptions): Promise<Target> {
  const { name, command, args, argsOn, env, logFile, hide } = options;
  const launch = (again: URL | undefined): Launched => {
    const child = new Child({
      name,
      command,
      args: again && argsOn ? argsOn(Number(again.port)) : args,
      hide,
      ...(env && { env }),
      ...(logFile !== undefined && { logFile }),
      isAgain: again !== undefined,
    });
    return { child, ready: listeningAt(child) };
  };
  return processTarget({ name, launch, canRestart: argsOn !== undefined, isGroup: false });
}

async function listeningAt(child: Child): Promise<{ endpoint: URL; pid: number | undefined }> {
  const { promise: said, resolve, reject } = Promise.withResolvers<URL>();
  const timer = setTimeout(() => {
    reject(child.error(`did not say where it listens within ${READY_WITHIN_MS / 1_000} s`));
  }, READY_WITHIN_MS);
  const stopHearing = child.onLine((line) => {
    const url = listeningUrl(line);
    if (url) resolve(url);
  });
  try {
    return { endpoint: await Promise.race([said, child.failed]), pid: child.pid };
  } finally {
    clearTimeout(timer);
    stopHearing();
  }
}

function listeningUrl(line: string): URL | undefined {
  if (!line.includes('"listening"')) return undefined;
  try {
    const said = ListeningSchema.safeParse(JSON.parse(line));
    return said.success ? new URL(said.data.url) : undefined;
  } catch {
    // Some other line that happens to hold the word.
    return undefined;
  }
}
