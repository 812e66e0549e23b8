import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { socketDial } from './socket-dial.ts';
import type { Target, TargetExit } from './target.ts';

export interface SpawnOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where the target's output is kept. */
  readonly logFile?: string;
}

/** What the target says on its standard output once it can be reached: `{"event":"listening","url":"http://…"}`. */
const ListeningSchema = z.object({ event: z.literal('listening'), url: z.url() });

const READY_WITHIN_MS = 15_000;
/** Between asking a target to end and making it. */
const STOP_GRACE_MS = 3_000;
/** What a process said last can arrive after the news of its end; a child of its own can hold the pipe for ever. */
const LAST_WORDS_MS = 500;
/** Last lines of output kept for the error when a target does not start. */
const KEPT_LINES = 20;

/**
 * Starts a server as a process of its own on this machine, and waits until it says where it listens.
 * @throws Error with its last lines of output when it does not come to that
 */
export async function spawnedTarget(options: SpawnOptions): Promise<Target> {
  // A process group of its own: Ctrl-C in a terminal is meant for us, and we tell the target when it is time.
  const child = spawn(options.command, [...options.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const exited = exitOf(child);
  killWithUs(child, exited);
  const endpoint = await listeningAt(child, options, exited);
  return {
    name: options.name,
    endpoint,
    dial: socketDial(endpoint),
    ...(child.pid !== undefined && { pid: child.pid }),
    exited,
    signal: (name) => void child.kill(name),
    stop: () => stop(child, exited),
  };
}

function exitOf(child: ChildProcess): Promise<TargetExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

/** However this process ends, the target does not stay behind. */
function killWithUs(child: ChildProcess, exited: Promise<TargetExit>): void {
  const kill = () => killGroup(child);
  process.once('exit', kill);
  void exited.then(() => process.off('exit', kill));
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw error;
  }
}

async function listeningAt(
  child: ChildProcess,
  { name, command, args, logFile }: SpawnOptions,
  exited: Promise<TargetExit>,
): Promise<URL> {
  const lastLines: string[] = [];
  const log = logFile === undefined ? undefined : createWriteStream(logFile);
  const failed = (why: string) =>
    new Error([`${name} ${why}: ${command} ${args.join(' ')}`, ...lastLines].join('\n  '));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      killGroup(child);
      reject(failed(`did not say where it listens within ${READY_WITHIN_MS / 1_000} s`));
    }, READY_WITHIN_MS);
    onLine(child, (line) => {
      if (log?.writable) log.write(`${line}\n`);
      if (lastLines.push(line) > KEPT_LINES) lastLines.shift();
      const url = listeningUrl(line);
      if (!url) return;
      clearTimeout(timer);
      resolve(url);
    });
    child.once('error', (error) => reject(failed(`cannot be started (${error.message})`)));
    void lastWords(child, exited).then(({ code, signal }) => {
      clearTimeout(timer);
      log?.end();
      reject(failed(`ended before it listened (${signal ?? `code ${code}`})`));
    });
  });
}

function onLine(child: ChildProcess, hear: (line: string) => void): void {
  for (const output of [child.stdout, child.stderr]) {
    if (output) createInterface({ input: output }).on('line', hear);
  }
}

/** Resolves when the process has ended and its output has been read. */
async function lastWords(child: ChildProcess, exited: Promise<TargetExit>): Promise<TargetExit> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  child.once('close', () => resolve());
  const exit = await exited;
  const timer = setTimeout(resolve, LAST_WORDS_MS);
  await closed;
  clearTimeout(timer);
  return exit;
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

async function stop(child: ChildProcess, exited: Promise<TargetExit>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => killGroup(child), STOP_GRACE_MS);
  await exited;
  clearTimeout(timer);
}
