import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { Inspector } from '../../../simulator/observers/inspector.ts';
import { portsOf } from '../../../simulator/targets/listeners.ts';

/** Without a wait for the port the second of them fails; with a session that we end, one in thirty kills the process. */
const SESSIONS = 30;

it('leaves a process as it was, again and again, and the process lives', async () => {
  const child = spawn(
    process.execPath,
    ['--inspect-port=127.0.0.1:0', '-e', 'setInterval(() => undefined, 1000); console.log("up")'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  for (let session = 0; session < SESSIONS; session += 1) {
    const inspector = await Inspector.attach(pid);
    expect(await inspector.evaluate('6 * 7')).toBe(42);
    await inspector.leave();
    expect(portsOf(pid)).toEqual([]);
  }
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});
