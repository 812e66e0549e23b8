import { WebSocket } from 'ws';

/** RFC 6455, 7.1.5: what a close without a code counts as. */
const NO_CODE = 1005;

/**
 * A WebSocket that tells of a close before that is answered: what a client ends by closing has ended when it sees
 * the answer, as with DELETE. The library calls close() to answer a close frame, and has no event for that.
 */
export class HubSocket extends WebSocket {
  /** Called once, before the first close frame is sent, whoever began. */
  onclosing: ((code: number) => void) | undefined;
  #isClosing = false;

  override close(code?: number, reason?: string | Buffer): void {
    // A stream may deliver at once: then the answer comes back before the library has noted that it closes.
    if (this.#isClosing && this.readyState === HubSocket.OPEN) return;
    this.#isClosing = true;
    const { onclosing } = this;
    this.onclosing = undefined;
    onclosing?.(code ?? NO_CODE);
    super.close(code, reason);
  }
}
