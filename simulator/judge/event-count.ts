import { Tally } from './facts.ts';

/** How many events the calls of a run were to send, and what went wrong with them. */
export class EventCount {
  readonly faults = new Tally();
  /** Sent by calls that ended well, and owed to somebody who waited for them. */
  owed = 0;
  /** Events that came. */
  seen = 0;
  /** Lost with a stream that could not be resumed, because the target gives its events no ids. */
  excused = 0;
  /** Streams that were lost and could be resumed. */
  resumable = 0;
}
