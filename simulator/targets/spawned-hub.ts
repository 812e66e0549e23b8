import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flagName, type HubOptions, SETTINGS } from '../../hub/config.ts';
import { spawnedTarget } from './spawned.ts';
import type { Target } from './target.ts';

const HUB_MAIN = fileURLToPath(new URL('../../hub/main.ts', import.meta.url));

/** The reference hub as a process of its own, on a free port of this machine. */
export function spawnedHub(options: HubOptions, outDir?: string): Promise<Target> {
  const flags = SETTINGS.flatMap((setting) => {
    const value = { ...options, port: 0 }[setting.name];
    return value === undefined ? [] : [flagName(setting), String(value)];
  });
  return spawnedTarget({
    name: 'reference hub',
    command: process.execPath,
    args: [HUB_MAIN, ...flags],
    ...(outDir !== undefined && { logFile: join(outDir, 'hub.log') }),
  });
}
