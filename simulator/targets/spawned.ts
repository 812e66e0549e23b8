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
/** Last lines of output kept for the error when a target does not start. */
const KEPT_LINES = 20;

/** Starts a server as a process of its own on this machine, and waits until it says where it listens. */
export async function spawnedTarget(options: SpawnOptions): Promise<Target> {
  const child = spawn(options.command, [...options.args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = exitOf(child);
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
      child.kill('SIGKILL');
      reject(failed(`did not say where it listens within ${READY_WITHIN_MS / 1_000} s`));
    }, READY_WITHIN_MS);
    for (const output of [child.stdout, child.stderr]) {
      if (!output) continue;
      createInterface({ input: output }).on('line', (line) => {
        log?.write(`${line}\n`);
        if (lastLines.push(line) > KEPT_LINES) lastLines.shift();
        const url = listeningUrl(line);
        if (url) {
          clearTimeout(timer);
          resolve(url);
        }
      });
    }
    void exited.then(({ code, signal }) => {
      clearTimeout(timer);
      log?.end();
      reject(failed(`ended before it listened (${signal ?? `code ${code}`})`));
    });
  });
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
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  await exited;
  clearTimeout(timer);
}
