import type { Writable } from 'node:stream';

/** Where an audit is. */
interface AuditState {
  readonly done: number;
  readonly total: number;
  readonly running: readonly string[];
}

/** Between two lines where there is no terminal to draw on, ms of wall time. */
const LINE_EVERY_MS = 10_000;
const MAX_NAMED = 3;

/** Tells how an audit goes: one line drawn over on a terminal, one line every ten seconds elsewhere. */
export class AuditProgressReporter {
  readonly #out: Writable & { isTTY?: boolean };
  /** Taken when there is no virtual time yet: progress is for somebody who sits in the real one. */
  readonly #now = process.hrtime.bigint.bind(process.hrtime);
  #lastAt: bigint;

  constructor(out: Writable & { isTTY?: boolean }) {
    this.#out = out;
    this.#lastAt = this.#now();
  }

  update({ done, total, running }: AuditState): void {
    const named = running.slice(0, MAX_NAMED).join(', ');
    const more = running.length > MAX_NAMED ? ` and ${running.length - MAX_NAMED} more` : '';
    const line = `  … ${done} of ${total} checks; ${running.length === 0 ? 'done' : `${named}${more}`}`;
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
