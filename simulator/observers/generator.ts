import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Strain } from '../judge/strain.ts';
import { type MachineCounters, readMachine } from './machine.ts';

const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Watches the simulator's own process, and the machine it runs on. Real time only. */
export class GeneratorObserver {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #loop = performance.eventLoopUtilization();
  readonly #cpu = process.cpuUsage();
  readonly #machine = readMachine();
  readonly #beganAt = performance.now();

  constructor() {
    this.#delay.enable();
  }

  /** Delay beyond the sampling interval, 99th percentile, ms. */
  delayP99Ms(): number {
    return Math.max(0, this.#delay.percentile(99) / NS_PER_MS - RESOLUTION_MS);
  }

  /** Largest delay so far, ms. */
  delayMaxMs(): number {
    return Math.max(0, this.#delay.max / NS_PER_MS - RESOLUTION_MS);
  }

  /** How it was since the observer was made. */
  strain(): Strain {
    const elapsedMs = performance.now() - this.#beganAt;
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      loopDelayMaxMs: this.delayMaxMs(),
      loopUtilisation: performance.eventLoopUtilization(this.#loop).utilization,
      cpuCores: (user + system) / 1000 / elapsedMs,
      ...machineStrain(this.#machine, readMachine(), elapsedMs),
    };
  }

  close(): void {
    this.#delay.disable();
  }
}

/** What happened to the machine between two readings of its counters. */
export function machineStrain(
  before: MachineCounters,
  after: MachineCounters,
  elapsedMs: number,
): Pick<Strain, 'pressureShare' | 'pressureAvg10' | 'stealShare'> {
  const { pressureUs, pressureAvg10, cpuTicks, stealTicks } = after;
  const ticks = (cpuTicks ?? 0) - (before.cpuTicks ?? 0);
  return {
    ...(pressureUs !== undefined &&
      before.pressureUs !== undefined && {
        pressureShare: Math.min(1, (pressureUs - before.pressureUs) / 1000 / elapsedMs),
      }),
    ...(pressureAvg10 !== undefined && { pressureAvg10 }),
    ...(stealTicks !== undefined &&
      before.stealTicks !== undefined &&
      ticks > 0 && { stealShare: Math.max(0, stealTicks - before.stealTicks) / ticks }),
  };
}
