import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { envName, flagName, type HubOptions, SETTINGS } from '../../hub/config.ts';
import { type SpawnOptions, spawnedTarget } from './spawned.ts';
import type { Target } from './target.ts';

const HUB_MAIN = fileURLToPath(new URL('../../hub/main.ts', import.meta.url));

/**
 * The reference hub as a process of its own, on a free port of this machine; limits on rates as in-process. It is what the
 * options say, and the defaults: variables of our own environment are for another hub.
 */
export function spawnedHub(
  options: HubOptions,
  outDir?: string,
  { env, hide }: { env?: Readonly<Record<string, string>>; hide?: SpawnOptions['hide'] } = {},
): Promise<Target> {
  const settings = SETTINGS.flatMap((setting) => {
    const value = { rateLimit: 'off', authToken: '', ...options, port: undefined }[setting.name];
    return value === undefined ? [] : [{ setting, text: String(value) }];
  });
  // Flags show in process lists.
  const flags = settings.filter(({ setting }) => !setting.isSecret);
  const argsOn = (port: number) => [
    HUB_MAIN,
    ...flags.flatMap(({ setting, text }) => [flagName(setting), text]),
    '--port',
    String(port),
  ];
  return spawnedTarget({
    name: 'reference hub',
    command: process.execPath,
    args: argsOn(0),
    argsOn,
    hide,
    env: {
      ...env,
      ...Object.fromEntries(SETTINGS.map((setting) => [envName(setting), setting.fallback])),
      ...Object.fromEntries(settings.map(({ setting, text }) => [envName(setting), text])),
    },
    ...(outDir !== undefined && { logFile: join(outDir, 'hub.log') }),
  });
}
