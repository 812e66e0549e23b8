import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  out(): string;
  signal(name: NodeJS.Signals): void;
}

/** Starts `mcp-soak` as a user does; it is killed at the end of the test, if it runs still. */
export function start(...args: string[]): Running {
  const child = spawn(process.execPath, [join(ROOT, 'bin/mcp-soak.js'), ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, out, err }));
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  return { pid: child.pid ?? 0, ended, out: () => out, signal: (name) => void child.kill(name) };
}

export function mcpSoak(...args: string[]): Promise<Ended> {
  return start(...args).ended;
}

/** Turns of the event loop until the claim holds; the time limit of the test is the only bound. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

/** Processes that this one started and that run still. */
export function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
}

/** A zombie is gone, too: only its parent has not asked yet. */
export function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return false;
  const stat = readFileSync(path, 'utf8');
  return stat[stat.lastIndexOf(')') + 2] !== 'Z';
}

/** The only file of that name below a directory; undefined while there is none. */
export function fileIn(dir: string, name: string): string | undefined {
  const found = readdirSync(dir, { recursive: true, encoding: 'utf8' }).find((file) => file.endsWith(name));
  return found === undefined ? undefined : join(dir, found);
}

export function textIn(dir: string, name: string): string {
  const file = fileIn(dir, name);
  return file === undefined ? '' : readFileSync(file, 'utf8');
}

/** Whether a signal sent to the process has not been delivered yet. */
export function hasPendingSignal(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return /^(SigPnd|ShdPnd):\s*0*[1-9a-f]/m.test(status);
}
