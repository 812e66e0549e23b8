import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readProcess } from '../../../simulator/observers/process.ts';

it('sees this process: its memory, its CPU, its open files', () => {
  const usage = readProcess(process.pid);
  const { rss } = process.memoryUsage();
  expect(usage?.rssBytes).toBeGreaterThan(rss / 2);
  expect(usage?.rssBytes).toBeLessThan(rss * 2);
  expect(usage?.cpuMs).toBeGreaterThan(0);
  expect(usage?.openFiles).toBeGreaterThanOrEqual(3);
});

it('sees a file that is opened, and that it is closed', () => {
  const openFiles = () => readProcess(process.pid)?.openFiles ?? 0;
  const before = openFiles();
  const file = openSync('/dev/null', 'r');
  const open = openFiles();
  closeSync(file);
  expect([open - before, openFiles() - before]).toEqual([1, 0]);
});

it('sees CPU that is used', () => {
  const cpuMs = () => readProcess(process.pid)?.cpuMs ?? 0;
  const before = cpuMs();
  let sum = 0;
  while (cpuMs() - before < 30) for (let n = 0; n < 1e5; n += 1) sum += Math.sqrt(n);
  expect(sum).toBeGreaterThan(0);
});

it('sees nothing of a process that has ended', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  expect(readProcess(pid)).toBeUndefined();
});

it('sees nothing of a process that cannot be', () => {
  expect(readProcess(2 ** 31 - 1)).toBeUndefined();
});
