import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Watches the simulator's own event loop. Real time only. */
export class GeneratorObserver {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

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

  /** Share of the last minute in which some task of this machine waited for a CPU, %; undefined where it is not told. */
  cpuPressure(): number | undefined {
    try {
      const [, share] = /^some .*\bavg60=([\d.]+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8')) ?? [];
      return share === undefined ? undefined : Number(share);
    } catch {
      // Not Linux, or a kernel that keeps no account of it: it explains a verdict, it decides none.
      return undefined;
    }
  }

  close(): void {
    this.#delay.disable();
  }
}
