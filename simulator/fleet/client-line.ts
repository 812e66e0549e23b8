import type { AbandonKind } from '../mcp/client-event.ts';
import type { KnownSession } from '../mcp/client-options.ts';
import type { McpClient } from '../mcp/mcp-client.ts';

/**
 * The clients of one session: the one that opens it and, when that has left, one that comes later with its id
 * to see what became of it.
 */
export class ClientLine {
  readonly #make: (known?: KnownSession) => McpClient;
  #current: McpClient;
  #gone: McpClient | undefined;
  #hasLeft = false;
  #holdsSockets = false;

  constructor(make: (known?: KnownSession) => McpClient) {
    this.#make = make;
    this.#current = make();
  }

  get current(): McpClient {
    return this.#current;
  }

  /** A frozen client left its sockets open. */
  get holdsSockets(): boolean {
    return this.#holdsSockets;
  }

  abandon(how: AbandonKind): void {
    this.#current.abandon(how);
    this.#hasLeft = true;
    this.#holdsSockets ||= how === 'frozen';
  }

  /** Whoever can ask about the session: its client, or a new one in the name of one that left. */
  prober(): McpClient {
    const { known } = this.#current;
    if (this.#hasLeft && !this.#gone && known) {
      this.#gone = this.#current;
      this.#current = this.#make(known);
    }
    return this.#current;
  }

  /** The flow is over. A client that has not left yet leaves without a word. */
  leave(): void {
    if (!this.#hasLeft) this.abandon('silent');
  }

  release(): void {
    this.#gone?.release();
    this.#current.release();
  }
}
