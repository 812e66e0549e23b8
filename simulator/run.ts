import { realClock } from './clock/real.ts';
import { VirtualTime } from './clock/virtual.ts';
import { conduct, type Wall, type World } from './conduct.ts';
import { GeneratorObserver } from './observers/generator.ts';
import type { RunResult } from './result.ts';
import { RequestError, type RunRequest } from './run-request.ts';
import { hubOptions } from './scenario/hub-options.ts';
import { hubLaunch, inProcessTarget } from './targets/in-process.ts';
import { spawnedHub } from './targets/spawned-hub.ts';
import type { Target } from './targets/target.ts';
import { urlTarget } from './targets/url.ts';

/**
 * One run, from a scenario to a result. The same code drives both modes: they differ in the clock and in how
 * the target is reached.
 * @throws ScenarioError, RequestError for input that cannot be used; Error when the target cannot be started
 */
export function run(request: RunRequest): Promise<RunResult> {
  // Taken before virtual time can be installed: these tell of the day and the machine.
  const wall = { startedAt: new Date().toISOString(), elapsedMs: stopwatch() };
  return request.mode === 'virtual' ? runVirtual(request, wall) : runReal(request, wall);
}

async function runVirtual(request: RunRequest, wall: Wall): Promise<RunResult> {
  const { target, loaded } = request;
  if (target instanceof URL) {
    throw new RequestError('A running server keeps real time: use --mode real with --target.');
  }
  const time = new VirtualTime();
  try {
    return await time.drive(async () => {
      const launch = target?.launch ?? hubLaunch(hubOptions(loaded.scenario, 'virtual'));
      const world = {
        clock: time.clock,
        target: await inProcessTarget(target?.name ?? 'reference hub', launch, time),
        generator: undefined,
        wall,
      };
      return await conductAndStop(world, request);
    });
  } finally {
    time.uninstall();
  }
}

async function runReal(request: RunRequest, wall: Wall): Promise<RunResult> {
  const target = await realTarget(request);
  const generator = new GeneratorObserver();
  try {
    return await conductAndStop({ clock: realClock(), target, generator, wall }, request);
  } finally {
    generator.close();
  }
}

function realTarget({ target, loaded, outDir }: RunRequest): Promise<Target> {
  if (target instanceof URL) return Promise.resolve(urlTarget(target));
  if (target) throw new RequestError('A server to start in this process needs virtual mode.');
  return spawnedHub(hubOptions(loaded.scenario, 'real'), outDir);
}

async function conductAndStop(world: World, request: RunRequest): Promise<RunResult> {
  try {
    return await conduct(world, request);
  } finally {
    await world.target.stop();
  }
}

/** Wall time since now, ms. Keeps hold of the real clock: virtual time replaces the global one. */
function stopwatch(): () => number {
  const hrtime = process.hrtime.bigint.bind(process.hrtime);
  const beganAt = hrtime();
  return () => Number(hrtime() - beganAt) / 1e6;
}
