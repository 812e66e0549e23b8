import { DurationError, type PolicyTimes, parseDuration, resolveDuration } from './duration.ts';
import type { Finding, Path } from './errors.ts';

/**
 * Resolves durations with one client's policy times and notes what is wrong. Where times are not known yet
 * they are NaN: every comparison with NaN is false, so a check only ever reports what is certain.
 */
export class Resolver {
  readonly #times: PolicyTimes;
  readonly #findings: Finding[];

  constructor(times: PolicyTimes, findings: Finding[]) {
    this.#times = times;
    this.#findings = findings;
  }

  /** Whole ms; NaN after a problem, which has then been noted. */
  ms(text: string, path: Path): number {
    try {
      return resolveDuration(parseDuration(text), this.#times);
    } catch (error) {
      if (!(error instanceof DurationError)) throw error;
      this.note({ path, message: error.message, offset: error.offset });
      return Number.NaN;
    }
  }

  note(finding: Finding): void {
    this.#findings.push(finding);
  }
}
