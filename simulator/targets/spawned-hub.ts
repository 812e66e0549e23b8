import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flagName, type HubOptions, SETTINGS } from '../../hub/config.ts';
import { spawnedTarget } from './spawned.ts';
import type { Target } from './target.ts';

const HUB_MAIN = fileURLToPath(new URL('../../hub/main.ts', import.meta.url));

/** The reference hub as a process of its own, on a free port of this machine; limits on rates as in-process. */
export function spawnedHub(
  options: HubOptions,
  outDir?: string,
  { env }: { env?: Readonly<Record<string, string>> } = {},
): Promise<Target> {
  const argsOn = (port: number) => {
    const settings: HubOptions = { rateLimit: 'off', authToken: '', ...options, port };
    const flags = SETTINGS.flatMap((setting) => {
      const value = settings[setting.name];
      return value === undefined ? [] : [flagName(setting), String(value)];
    });
    return [HUB_MAIN, ...flags];
  };
  return spawnedTarget({
    name: 'reference hub',
    command: process.execPath,
    args: argsOn(0),
    argsOn,
    ...(env && { env }),
    ...(outDir !== undefined && { logFile: join(outDir, 'hub.log') }),
  });
}
