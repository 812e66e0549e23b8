import { Findings } from './findings.ts';
import { formatCount, formatMoment } from './format.ts';
import type { LedgerReport } from './ledger-report.ts';
import type { Window } from './session-book.ts';

/** The ends of cycles (act, undo, settle): none of our sessions may be left. */
export class Cycles {
  readonly #notZero = new Findings();
  #total = 0;
  #unsettled = 0;

  /** `left`: of ours, as the target counts. `tolerated`: as the policy allows; then nothing can be demanded. */
  end(window: Window, { left, tolerated }: { left: number; tolerated: number }): void {
    this.#total += 1;
    if (tolerated > 0) this.#unsettled += 1;
    if (tolerated > 0 || left <= 0) return;
    this.#notZero.add(() => ({
      session: null,
      fromMs: window.from,
      toMs: window.to,
      byMs: null,
      why: `cycle ${this.#total} ended at ${formatMoment(window.to)} with ${formatCount(left, 'session')} left`,
    }));
  }

  report(): LedgerReport['cycles'] {
    return { total: this.#total, unsettled: this.#unsettled, notZero: this.#notZero.list() };
  }
}
