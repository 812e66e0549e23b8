import type { AbandonKind } from '../mcp/client-event.ts';
import type { KnownSession } from '../mcp/client-options.ts';
import type { McpClient } from '../mcp/mcp-client.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { FaultyNetwork } from '../targets/faulty-dial.ts';
import type { Inbox } from './inbox.ts';

/** Where the clients of an iteration come from, and what is told of their sessions. */
export interface LineParts {
  /** Numbers the next attempt at a session for the ledger. `nth`: of this iteration, from 1. */
  readonly newSession: (nth: number) => number;
  readonly newClient: (session: number, inbox: Inbox, known?: KnownSession) => McpClient;
  readonly newInbox: (session: number) => Inbox;
  /** Nobody of ours will speak on this session any more. */
  readonly onDone: (session: number, known: KnownSession) => void;
  /** The network between the clients and the target, where a flow makes it fail. */
  readonly network: FaultyNetwork | undefined;
}

/**
 * The clients of one iteration: the one that opens its session, another for each session it opens later and, when
 * the last has left, one that comes with its id to see what became of it.
 */
export class ClientLine {
  readonly #parts: LineParts;
  #attempts = 1;
  #calls = 0;
  #session: number;
  #inbox: Inbox;
  #current: McpClient;
  #gone: McpClient | undefined;
  #hasLeft = false;
  #endings = 0;
  #holdsSockets = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.#session = parts.newSession(1);
    this.#inbox = parts.newInbox(this.#session);
    this.#current = parts.newClient(this.#session, this.#inbox);
  }

  get current(): McpClient {
    return this.#current;
  }

  /** The number of the session that the current client has, or asks for. */
  get session(): number {
    return this.#session;
  }

  /** What the current session is sent beside its answers. */
  get inbox(): Inbox {
    return this.#inbox;
  }

  /** Its client has asked for the end of the current session. */
  get isEnding(): boolean {
    return this.#endings > 0;
  }

  /** It has asked more than once, so that one of them may find the session gone. */
  get isEndingTwice(): boolean {
    return this.#endings > 1;
  }

  get network(): FaultyNetwork | undefined {
    return this.#parts.network;
  }

  /** The client has said its last word. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** A frozen client left its sockets open. */
  get holdsSockets(): boolean {
    return this.#holdsSockets;
  }

  /** Numbers the next call of the iteration, from 1. */
  nextCall(): number {
    this.#calls += 1;
    return this.#calls;
  }

  /** From now on the session may be gone, for any request of the client. */
  noteEnding(): void {
    this.#endings += 1;
  }

  abandon(how: AbandonKind): void {
    this.#current.abandon(how);
    this.#hasLeft = true;
    this.#holdsSockets ||= how === 'frozen';
  }

  /** Leaves the session behind without a word; a new client will ask for another. */
  renew(): void {
    const former = this.#current;
    this.#end(this.#session, former);
    this.#attempts += 1;
    this.#session = this.#parts.newSession(this.#attempts);
    this.#inbox = this.#parts.newInbox(this.#session);
    this.#current = this.#parts.newClient(this.#session, this.#inbox);
    this.#endings = 0;
  }

  /** Lets somebody else ask for a session of its own, once, and leave it at that. */
  async visit(send: (client: McpClient) => Promise<Outcome>): Promise<Outcome> {
    this.#attempts += 1;
    const session = this.#parts.newSession(this.#attempts);
    const visitor = this.#parts.newClient(session, this.#parts.newInbox(session));
    const outcome = await send(visitor);
    this.#end(session, visitor);
    return outcome;
  }

  /** Whoever can ask about the session: its client, or a new one in the name of one that left. */
  prober(): McpClient {
    const { known } = this.#current;
    if (this.#hasLeft && !this.#gone && known) {
      this.#gone = this.#current;
      this.#current = this.#parts.newClient(this.#session, this.#inbox, known);
    }
    return this.#current;
  }

  /** The flow is over. A client that has not left yet leaves without a word. */
  leave(): void {
    const { known } = this.#current;
    if (known) this.#parts.onDone(this.#session, known);
    if (!this.#hasLeft) this.abandon('silent');
  }

  release(): void {
    this.#gone?.release();
    this.#current.release();
  }

  #end(session: number, client: McpClient): void {
    client.abandon('silent');
    if (client.known) this.#parts.onDone(session, client.known);
    client.release();
  }
}
