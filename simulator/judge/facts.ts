import { MAX_EVIDENCE } from './check.ts';

/** A count of cases that should not be, with the first few of them in words. */
export class Tally {
  #count = 0;
  readonly #evidence: string[] = [];

  get count(): number {
    return this.#count;
  }

  get evidence(): readonly string[] {
    return this.#evidence;
  }

  add(line: string): void {
    this.#count += 1;
    if (this.#evidence.length < MAX_EVIDENCE) this.#evidence.push(line);
  }
}

/** What the virtual users saw that the ledger does not keep: answers, expectations, and the drain. */
export interface RunFacts {
  /** Calls and lists whose answer a client waited for. */
  readonly calls: number;
  /** No answer: timed out, connection lost, or 200 without a result (F36). */
  readonly unanswered: Tally;
  /** An answer to somebody else's request, or with somebody else's content (F28, F29). */
  readonly wrongAnswers: Tally;
  readonly goneProbes: number;
  /** Requests on an ended session that got an error, but not 404 (F20). */
  readonly goneNot404: Tally;
  readonly expectations: number;
  readonly unmetExpectations: Tally;
  /** What calls sent beside their answers. */
  readonly events: {
    readonly owed: number;
    readonly excused: number;
    readonly resumable: number;
    readonly seen: number;
    readonly faults: Tally;
  };
  /** Present when a signal was sent to the target. */
  readonly drain?: DrainFacts;
}

/** What happened after the target was signalled. Times in ms on the run's clock. */
export interface DrainFacts {
  readonly signal: string;
  readonly signalledAt: number;
  readonly callsInFlight: number;
  readonly callsUnanswered: Tally;
  readonly streamsOpen: number;
  /** Streams nobody ended while the target was watched. */
  readonly streamsLeft: number;
  readonly initializesTried: number;
  readonly openedAfter: Tally;
  /** Absent when the exit of this target cannot be seen. */
  readonly exit?:
    | { readonly at: number; readonly code: number | null; readonly signal: string | null }
    | 'not-yet';
  /** How long the drain may take in all, where the target promises it. */
  readonly drainMs: number | null;
  readonly watchedUntil: number;
}
