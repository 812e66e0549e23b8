import { realClock } from './clock/real.ts';
import { VirtualTime } from './clock/virtual.ts';
import { conduct } from './conduct.ts';
import { GeneratorObserver } from './observers/generator.ts';
import { realTarget, type TargetWish, virtualTarget } from './open-target.ts';
import type { RunResult } from './result.ts';
import { checkHeaders, secretsOf } from './run-headers.ts';
import type { RunRequest } from './run-request.ts';
import { hubOptions } from './scenario/hub-options.ts';
import type { Wall, World } from './world.ts';

/**
 * One run, from a scenario to a result. The same code drives both modes: they differ in the clock and in how
 * the target is reached.
 * @throws ScenarioError, RequestError for input that cannot be used; Error when the target cannot be started
 */
export async function run(request: RunRequest): Promise<RunResult> {
  checkHeaders(request.headers);
  // Taken before virtual time can be installed: these tell of the day and the machine.
  const wall = { startedAt: new Date().toISOString(), elapsedMs: stopwatch() };
  const result = await (request.mode === 'virtual' ? runVirtual(request, wall) : runReal(request, wall));
  return secretsOf(request).hideIn(result);
}

async function runVirtual(request: RunRequest, wall: Wall): Promise<RunResult> {
  const time = new VirtualTime();
  const restores: (() => void)[] = [() => time.uninstall()];
  try {
    return await time.drive(async () => {
      const target = await virtualTarget(wishOf(request), time, (restore) => restores.unshift(restore));
      const stepWallClock = (ms: number) => time.stepWallClock(ms);
      return conductAndStop(
        { clock: time.clock, target, generator: undefined, wall, stepWallClock },
        request,
      );
    });
  } finally {
    for (const restore of restores) restore();
  }
}

async function runReal(request: RunRequest, wall: Wall): Promise<RunResult> {
  const target = await realTarget(wishOf(request));
  const generator = new GeneratorObserver();
  try {
    return await conductAndStop({ clock: realClock(), target, generator, wall }, request);
  } finally {
    generator.close();
  }
}

function wishOf(request: RunRequest): TargetWish {
  const { loaded, mode, target, outDir, observers } = request;
  const { hide } = secretsOf(request);
  return { target, hub: hubOptions(loaded.scenario, mode), outDir, observers, hide };
}

async function conductAndStop(world: World, request: RunRequest): Promise<RunResult> {
  try {
    return await conduct(world, request);
  } finally {
    await world.target.stop();
  }
}

/** Wall time since now, ms. Keeps hold of the real clock: virtual time replaces the global one. */
export function stopwatch(): () => number {
  const hrtime = process.hrtime.bigint.bind(process.hrtime);
  const beganAt = hrtime();
  return () => Number(hrtime() - beganAt) / 1e6;
}
