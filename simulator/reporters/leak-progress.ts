import type { Writable } from 'node:stream';
import { formatBytes } from '../judge/format.ts';
import type { LeakUnit } from '../judge/leak-series.ts';

/** Where a search for leaks is. */
interface LeakState {
  readonly unit: LeakUnit;
  readonly phase: 'warm-up' | 'measuring' | 'culprit';
  readonly cycles: number;
  readonly bytes: number;
}

/** Between two lines where there is no terminal to draw on, ms. */
const LINE_EVERY_MS = 10_000;
const PHASES = {
  'warm-up': 'warming up',
  measuring: 'measuring',
  culprit: 'looking for what leaks',
} as const;

/** Tells how a search for leaks goes: one line drawn over on a terminal, one line every ten seconds elsewhere. */
export class LeakProgressReporter {
  readonly #out: Writable & { isTTY?: boolean };
  readonly #now = process.hrtime.bigint.bind(process.hrtime);
  #lastAt: bigint;

  constructor(out: Writable & { isTTY?: boolean }) {
    this.#out = out;
    this.#lastAt = this.#now();
  }

  update({ unit, phase, cycles, bytes }: LeakState): void {
    const line = `  … per ${unit}: ${PHASES[phase]}, cycle ${cycles}, ${formatBytes(bytes)} in use`;
    if (this.#out.isTTY) {
      this.#out.write(`\r\u001b[2K${line}`);
    } else if (Number(this.#now() - this.#lastAt) / 1e6 >= LINE_EVERY_MS) {
      this.#lastAt = this.#now();
      this.#out.write(`${line}\n`);
    }
  }

  /** Clears the line, so that something else can be written. */
  clear(): void {
    if (this.#out.isTTY) this.#out.write('\r\u001b[2K');
  }
}
