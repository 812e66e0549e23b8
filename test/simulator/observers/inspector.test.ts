import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { Inspector } from '../../../simulator/observers/inspector.ts';
import { portsOf } from '../../../simulator/targets/listeners.ts';

const SLOW = fileURLToPath(new URL('./slow-inspector.ts', import.meta.url));
const IDLE = 'setInterval(() => undefined, 1000); console.log("up")';

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The next line that it says. */
  readonly said: () => Promise<string>;
}

/** A process of Node that has said that it is up. */
async function started(...args: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said = async () => String((await lines.next()).value);
  expect(await said()).toBe('up');
  return { child, pid: child.pid ?? 0, said };
}

it('leaves a process as it was, again and again, and the process lives', async () => {
  const { child, pid } = await started('--inspect-port=127.0.0.1:0', '-e', IDLE);
  for (let session = 0; session < 5; session += 1) {
    const inspector = await Inspector.attach(pid);
    expect(await inspector.evaluate('6 * 7')).toBe(42);
    await inspector.leave();
    expect(portsOf(pid)).toEqual([]);
  }
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});

it.each(['session', 'port'])(
  'lets the process end the session, which kills Node otherwise, and is back when its port is free (%s first)',
  async (first) => {
    const { pid, said } = await started(SLOW, first);
    const inspector = await Inspector.attach(pid);
    await inspector.leave();
    expect(portsOf(pid)).toEqual([]);
    expect(await said()).toBe('the session was ended by the process');
  },
);

it('leaves an inspector that others opened as it is', async () => {
  const { pid } = await started('--inspect=127.0.0.1:0', '-e', IDLE);
  const ports = portsOf(pid);
  const inspector = await Inspector.attach(pid);
  await inspector.leave();
  expect(inspector.isClosed).toBe(true);
  expect([ports.length, portsOf(pid)]).toEqual([1, ports]);
});
