import { basename } from 'node:path';
import type { VirtualTime } from './clock/virtual.ts';
import { type ObserverRequest, RequestError, type TargetRequest } from './run-request.ts';
import { commandTarget } from './targets/command.ts';
import { hubLaunch, inProcessTarget } from './targets/in-process.ts';
import { ModuleHost, spawnedModule } from './targets/module.ts';
import { spawnedHub } from './targets/spawned-hub.ts';
import { type Target, TargetError } from './targets/target.ts';
import { urlTarget } from './targets/url.ts';

/** Which target is wanted, and what goes with it. */
export interface TargetWish {
  /** Left out: the reference hub, with these of its options. */
  readonly target?: TargetRequest | undefined;
  readonly hub: Readonly<Record<string, string | number>>;
  readonly outDir?: string | undefined;
  readonly observers?: ObserverRequest | undefined;
  /** Takes out of the target's log what must not be shown. */
  readonly hide?: ((text: string) => string) | undefined;
}

/**
 * The target of a run in virtual time. `onRestore`: what has to be done when the run is over.
 * @throws RequestError when it cannot be had there, or not at all
 */
export async function virtualTarget(
  { target, hub, outDir, hide }: TargetWish,
  time: VirtualTime,
  onRestore: (restore: () => void) => void,
): Promise<Target> {
  if (target instanceof URL) {
    throw new RequestError('A running server keeps real time: use --mode real with --target.');
  }
  if (!target) return inProcessTarget('reference hub', hubLaunch(hub), time);
  if ('command' in target) {
    throw new RequestError('A process of its own keeps real time: use --mode real with --command.');
  }
  if ('launch' in target) return inProcessTarget(target.name, target.launch, time);
  const { module: file, path } = target;
  const host = new ModuleHost({ file, path, hide, ...(outDir !== undefined && { outDir }) }, time);
  onRestore(() => host.restore());
  return asRequested(inProcessTarget(basename(file), host.launch, time, { path }));
}

/**
 * The target of a run in real time.
 * @throws RequestError when it cannot be had there, or the one asked for does not start
 */
export async function realTarget({ target, hub, outDir, observers, hide }: TargetWish): Promise<Target> {
  const kept = outDir === undefined ? { hide } : { hide, outDir };
  const env = observers?.heap === 'target' ? { env: inspectable() } : {};
  if (target instanceof URL) return urlTarget(target);
  if (!target) return spawnedHub(hub, outDir, { ...env, hide });
  if ('command' in target) return asRequested(commandTarget({ ...target, ...kept, ...env }));
  if ('launch' in target) throw new RequestError('A server to start in this process needs virtual mode.');
  const { module: file, path } = target;
  return asRequested(spawnedModule({ file, path, ...kept, ...env }, basename(file)));
}

/** When the inspector of a Node process is asked for later, it takes a free port instead of the one everybody has. */
function inspectable(): Record<string, string> {
  return { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --inspect-port=127.0.0.1:0`.trim() };
}

/** What the user named and cannot be had is a bad request, no crash. */
async function asRequested(opening: Promise<Target>): Promise<Target> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof TargetError) throw new RequestError(error.message, { cause: error });
    throw error;
  }
}
