import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { NodeObserver } from '../../../simulator/observers/node.ts';
import { portsOf } from '../../../simulator/targets/listeners.ts';

/** Keeps a MiB more with each line that it reads. */
const HOARDER = `
const kept = [];
process.stdin.on('data', () => { kept.push(Array.from({ length: 131072 }, () => Math.random())); console.log('kept'); });
console.log('up');`;

async function started(...flags: string[]): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, [...flags, '-e', HOARDER], { stdio: ['pipe', 'pipe', 'ignore'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  return Object.assign(child, { pid: child.pid ?? 0 });
}

it('attaches to a running Node process, sees its heap grow, and leaves it as it was', async () => {
  const child = await started('--inspect-port=127.0.0.1:0');
  const node = new NodeObserver(() => child.pid);
  await node.connect();
  const before = await node.look({ forceGc: true });
  child.stdin?.write('x');
  if (child.stdout) await once(child.stdout, 'data');
  const after = await node.look({ forceGc: true });
  const grownBytes = (after?.heapBytes ?? 0) - (before?.heapBytes ?? 0);
  expect(grownBytes).toBeGreaterThan(2 ** 20 * 0.9);
  expect(grownBytes).toBeLessThan(2 ** 20 * 2);
  expect(after?.handles).toBeGreaterThan(0);
  expect(after?.resources).toHaveProperty('PipeWrap');
  expect(portsOf(child.pid)).toHaveLength(1);
  await node.close();
  while (portsOf(child.pid).length > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(child.exitCode).toBeNull();
});

it('looks at the event loop and at collections without forcing any', async () => {
  const child = await started('--inspect=127.0.0.1:0');
  const node = new NodeObserver(() => child.pid);
  await node.connect();
  let usage = await node.look({ forceGc: false });
  while (usage?.loopDelayMs === undefined) usage = await node.look({ forceGc: false });
  expect(usage.loopDelayMs).toBeGreaterThanOrEqual(0);
  expect(usage.gcMs).toBeGreaterThanOrEqual(0);
  expect(usage.heapBytes).toBeUndefined();
  await node.close();
  // It was open before: it is not ours to close.
  expect(portsOf(child.pid)).toHaveLength(1);
});

it('does not signal a process that would die of it', async () => {
  const child = spawn('sleep', ['60']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const node = new NodeObserver(() => child.pid);
  await expect(node.connect()).rejects.toThrow('it does not handle SIGUSR1');
  expect(child.signalCode).toBeNull();
});

it('says that there is no such process', async () => {
  const node = new NodeObserver(() => 2 ** 22 + 1);
  await expect(node.connect()).rejects.toThrow('there is no process 4194305 on this machine');
});

it('shows nothing of a process that has ended', async () => {
  const child = await started('--inspect-port=127.0.0.1:0');
  const node = new NodeObserver(() => child.pid);
  await node.connect();
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await node.look({ forceGc: false })).toBeUndefined();
  await node.close();
});
