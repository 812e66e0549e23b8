import { errorClass, type Outcome } from '../mcp/outcome.ts';

/** What became of the sessions and other units of a measurement. */
export class Tally {
  attempted = 0;
  opened = 0;
  refused = 0;
  unknown = 0;
  deleted = 0;
  done = 0;
  failed = 0;
  /** Why the first one failed, in words. */
  firstFailure: string | undefined;

  /** An initialize was answered, or not. Whether there is a session; where there is none, its unit has failed. */
  initialized(outcome: Outcome): boolean {
    const isOpen = this.opening(outcome);
    if (!isOpen) this.fail('initialize', outcome);
    return isOpen;
  }

  /** The same of an initialize that may be refused. */
  opening(outcome: Outcome): boolean {
    this.attempted += 1;
    if (outcome.kind === 'result' || outcome.kind === 'accepted') {
      this.opened += 1;
      return true;
    }
    if (outcome.kind === 'http-error' || outcome.kind === 'rpc-error') this.refused += 1;
    else this.unknown += 1;
    return false;
  }

  /** Whether a request went well; if not, its unit has failed. */
  check(what: string, outcome: Outcome): boolean {
    if (errorClass(outcome) === undefined) return true;
    this.fail(what, outcome);
    return false;
  }

  fail(what: string, outcome: Outcome): void {
    this.failed += 1;
    this.firstFailure ??= `${what}: ${errorClass(outcome) ?? outcome.kind}`;
  }
}
