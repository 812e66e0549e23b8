import { fileURLToPath } from 'node:url';
import { spawnedTarget } from '../../simulator/targets/spawned.ts';
import type { Target } from '../../simulator/targets/target.ts';

export const LEAK_SERVER = fileURLToPath(new URL('leak-server.ts', import.meta.url));

/** The leak server as a process of its own; its inspector, when it is asked for, takes a free port. */
export function leakTarget(leak: string): Promise<Target> {
  return spawnedTarget({
    name: `leak server (${leak})`,
    command: process.execPath,
    args: ['--inspect-port=127.0.0.1:0', LEAK_SERVER, leak],
  });
}
