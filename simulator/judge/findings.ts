import type { Finding, FindingList } from './ledger-report.ts';

/** Most findings kept of each kind: enough to see a pattern, small in a report. */
export const MAX_FINDINGS = 100;

/** The first findings of a kind, and how many there were. */
export class Findings {
  readonly #first: Finding[] = [];
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** `describe` is called only if the finding is kept. */
  add(describe: () => Finding): void {
    this.#total += 1;
    if (this.#first.length < MAX_FINDINGS) this.#first.push(describe());
  }

  /** `atLeast`: a total known from elsewhere, where that is higher. */
  list(atLeast = 0): FindingList {
    return { total: Math.max(this.#total, atLeast), first: [...this.#first] };
  }
}
