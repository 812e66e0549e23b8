import type { Writable } from 'node:stream';
import { formatLength, grouped } from '../judge/format.ts';

/** Where a run is. */
export interface Progress {
  readonly scenario: string;
  readonly mode: 'virtual' | 'real';
  readonly phase: 'starting' | 'load' | 'settling' | 'draining' | 'judging';
  /** Clock of the run, ms. */
  readonly now: number;
  readonly started: number;
  readonly planned: number;
  readonly observed: number | undefined;
}

/** Between two lines where there is no terminal to draw on, ms of wall time. */
const LINE_EVERY_MS = 10_000;
const DRAW_EVERY_MS = 200;

/** Tells how a run goes: one line drawn over on a terminal, one line every ten seconds elsewhere. */
export class ProgressReporter {
  readonly #out: Writable & { isTTY?: boolean };
  /** Taken when there is no virtual time yet: progress is for somebody who sits in the real one. */
  readonly #now = process.hrtime.bigint.bind(process.hrtime);
  #lastAt = 0n;
  #isDrawn = false;

  constructor(out: Writable & { isTTY?: boolean }) {
    this.#out = out;
    this.#lastAt = this.#now();
  }

  update(progress: Progress): void {
    const now = this.#now();
    const everyMs = this.#out.isTTY ? DRAW_EVERY_MS : LINE_EVERY_MS;
    if (Number(now - this.#lastAt) / 1e6 < everyMs) return;
    this.#lastAt = now;
    const line = describe(progress);
    this.#out.write(this.#out.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    this.#isDrawn = this.#out.isTTY === true;
  }

  /** Clears the line, so that something else can be written. */
  clear(): void {
    if (this.#isDrawn) this.#out.write('\r\u001b[2K');
    this.#isDrawn = false;
  }
}

function describe({ scenario, mode, phase, now, started, planned, observed }: Progress): string {
  const sessions = observed === undefined ? '' : `, ${grouped(observed)} on the target`;
  return `  … ${scenario} (${mode}): ${phase} at ${formatLength(now)}, ${grouped(started)} of ${grouped(planned)} sessions started${sessions}`;
}
