import type { Clock } from '../clock/clock.ts';

/** One run of a workload's flow by one virtual user. `dueAt`: when it should begin, clock ms. */
export interface Iteration {
  readonly vu: number;
  readonly iteration: number;
  readonly dueAt: number;
  /** When its time is over for good: the client then leaves where it is, clock ms. */
  readonly cutAt?: number;
}

/** What an executor drives: how iterations are run, and what is told of those that are not. */
export interface ExecutorParts {
  readonly clock: Clock;
  /** Runs one flow to its end; never rejects. */
  readonly iterate: (iteration: Iteration) => Promise<void>;
  readonly dropped: (dueAt: number) => void;
  readonly stop: AbortSignal;
}
