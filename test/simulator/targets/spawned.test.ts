import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { spawnedTarget } from '../../../simulator/targets/spawned.ts';
import type { Target } from '../../../simulator/targets/target.ts';
import { readAll } from './pairs.ts';

const SPAWNED = fileURLToPath(new URL('../../../simulator/targets/spawned.ts', import.meta.url));

/** Listens on a free port, says so among other lines, and greets who connects. */
const GREETER = `
  const server = require('node:net').createServer((socket) => socket.end('hello'));
  server.listen(0, '127.0.0.1', () => {
    console.log('a line that is not JSON, about "listening"');
    console.log(JSON.stringify({ event: 'listening', url: 'http://127.0.0.1:' + server.address().port + '/mcp' }));
    console.error('a line on the other output');
  });
`;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-soak-spawned-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function start(script: string, logFile?: string): Promise<Target> {
  const target = await spawnedTarget({
    name: 'script',
    command: process.execPath,
    args: ['-e', script],
    ...(logFile !== undefined && { logFile }),
  });
  onTestFinished(() => target.stop());
  return target;
}

/** What starting it rejects with. */
async function failure(script: string): Promise<string> {
  const error = await start(script).then(
    () => new Error('it started'),
    (thrown: unknown) => thrown,
  );
  return error instanceof Error ? error.message : String(error);
}

/** A zombie is gone, too: only its parent has not asked yet. */
function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat[stat.lastIndexOf(')') + 2] !== 'Z';
}

async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
}

it('is reached where the process says it listens, and keeps what it prints', async () => {
  const logFile = join(dir, 'greeter.log');
  const target = await start(GREETER, logFile);
  expect(target.endpoint.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
  expect(isRunning(target.pid ?? 0)).toBe(true);
  const { stream } = await target.dial();
  expect((await readAll(stream)).toString()).toBe('hello');
  await target.stop();
  const log = () => readFileSync(logFile, 'utf8');
  while (!log().includes('other output')) await new Promise((resolve) => setImmediate(resolve));
  expect(log()).toContain('"event":"listening"');
});

it('tells how the process ended, after a signal', async () => {
  const target = await start(`${GREETER}; process.on('SIGTERM', () => process.exit(3));`);
  target.signal?.('SIGTERM');
  expect(await target.exited).toEqual({ code: 3, signal: null });
});

it('tells which signal ended a process that does not handle it', async () => {
  const target = await start(GREETER);
  target.signal?.('SIGTERM');
  expect(await target.exited).toEqual({ code: null, signal: 'SIGTERM' });
});

it('makes a process end that ignores SIGTERM', async () => {
  const target = await start(`process.on('SIGTERM', () => undefined); ${GREETER}`);
  await target.stop();
  expect(await target.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await expect(target.stop()).resolves.toBeUndefined();
});

it('rejects with the last lines of output when the process breaks before it listens', async () => {
  const script = `
    for (let n = 1; n <= 100; n += 1) console.log('line ' + n);
    process.exitCode = 7;`;
  const message = await failure(script);
  expect(message).toMatch(/^script ended before it listened \(code 7\): /);
  expect(message).toContain('line 100');
  expect(message).not.toContain('line 80\n');
});

it('rejects with the error that the process printed last', async () => {
  expect(await failure(`throw new Error('no database')`)).toContain('Error: no database');
});

it('rejects with the signal when the process is killed before it listens', async () => {
  expect(await failure(`process.kill(process.pid, 'SIGKILL')`)).toMatch(
    /ended before it listened \(SIGKILL\)/,
  );
});

it('rejects when the process ends without a word', async () => {
  expect(await failure('')).toMatch(/ended before it listened \(code 0\)/);
});

it('takes no other line for the one that says where it listens', async () => {
  const script = `
    console.log(JSON.stringify({ event: 'listening', url: 'not a url' }));
    console.log(JSON.stringify({ event: 'not listening', url: 'http://127.0.0.1:1/' }));`;
  expect(await failure(script)).toContain('ended before it listened');
});

it('rejects with the reason when the command cannot be started', async () => {
  const start = spawnedTarget({ name: 'nothing', command: join(dir, 'no-such-command'), args: [] });
  await expect(start).rejects.toThrow(/^nothing cannot be started \(spawn .*ENOENT\)/);
});

it('goes on when the process prints after its end was seen: a child of its own still holds the output', async () => {
  const orphan = `setTimeout(() => { console.log('late'); }, 800)`;
  const script = `
    require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(orphan)}], { stdio: 'inherit' });
    process.exit(1);`;
  const logFile = join(dir, 'orphan.log');
  await expect(start(script, logFile)).rejects.toThrow('ended before it listened (code 1)');
});

it('gives the process a group of its own, so that Ctrl-C in the terminal does not reach it', async () => {
  const { pid = 0 } = await start(GREETER);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  expect(group).toBe(pid);
});

it('leaves no listener on this process behind', async () => {
  const before = process.listenerCount('exit');
  const target = await start(GREETER);
  expect(process.listenerCount('exit')).toBe(before + 1);
  await target.stop();
  await target.exited;
  expect(process.listenerCount('exit')).toBe(before);
});

it.each([
  ['ends', 'process.exit(0)'],
  ['breaks', `throw new Error('broken')`],
  ['breaks in a promise', `void Promise.reject(new Error('broken'))`],
])('does not leave the process behind when the simulator %s', async (_, end) => {
  const owner = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `
    const { spawnedTarget } = await import(${JSON.stringify(SPAWNED)});
    const target = await spawnedTarget({ name: 'script', command: process.execPath, args: ['-e', ${JSON.stringify(GREETER)}] });
    console.log(target.pid);
    ${end};
  `,
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const exit = once(owner, 'exit');
  const [line] = await once(createInterface({ input: owner.stdout }), 'line');
  await exit;
  expect(Number(line)).toBeGreaterThan(0);
  await gone(Number(line));
});
