/** The open answer to what a client sent at once: one POST, or one message on a WebSocket. Messages are JSON text. */
export interface Exchange {
  /** Whether an answer is owed, and can still be given. */
  readonly isOpen: boolean;
  /** Headers of the answer, where it has any; settable until the first byte of it is written. */
  readonly headers: Record<string, string>;
  /** Called once, when the answer is complete or can no longer be given. */
  onclose: (() => void) | undefined;
  /**
   * Called once: all that will be answered has been handed to the network, or the client is gone. One that was sent
   * away by `suspend` is not gone before its session is.
   */
  onleft: (() => void) | undefined;
  /** One of the answers owed. */
  answer(json: string): void;
  /** Gives up one of the answers owed: its request was cancelled, and a cancelled request gets none. */
  withdraw(): void;
  /** A notification or request that belongs to this exchange. Resolves when there is room for more. */
  event(json: string): Promise<void>;
  /**
   * Ends the response, though not the exchange: the client comes back with the last id it saw, and gets what came
   * meanwhile and the answers (SEP-1699). Only where the exchange can be resumed.
   */
  suspend?(): void;
  /** Writes something so that nothing between here and the client takes a long call for dead. */
  keepAlive(): void;
}
