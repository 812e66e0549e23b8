import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openFilesLimit } from '../../../simulator/observers/open-files.ts';

describe.skipIf(!existsSync('/proc/self/limits'))('the limit of open files', () => {
  it.each([
    ['200', 200],
    // A limit that it has not raised to what it may have.
    ['-S 150', 150],
  ])('of a process that set ulimit -n %s is found', async (limit, expected) => {
    const child = spawn('sh', ['-c', `ulimit -n ${limit} && echo set && read -r _`]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    expect(openFilesLimit(child.pid ?? 0)).toBe(expected);
  });

  it('of our own process is known, that of nobody is not', () => {
    expect(openFilesLimit('self')).toBeGreaterThan(100);
    expect(openFilesLimit(2 ** 30)).toBeUndefined();
  });
});
