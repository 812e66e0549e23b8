import type { Exchange } from './exchange.ts';
import type { SocketLink } from './socket-link.ts';

/**
 * The open answer to one call on a WebSocket. A WebSocket that closes takes it along, as a connection takes a POST
 * that is no stream yet: the call goes on, and nobody waits for it.
 */
export class SocketExchange implements Exchange {
  readonly headers: Record<string, string> = {};
  onclose: (() => void) | undefined;
  onleft: (() => void) | undefined;
  readonly #link: SocketLink;
  readonly #stopWatching: () => void;
  #isOwed = true;

  constructor(link: SocketLink) {
    this.#link = link;
    this.#stopWatching = link.onClose(() => this.#left());
  }

  get isOpen(): boolean {
    return this.#isOwed && this.#link.isOpen;
  }

  answer(json: string): void {
    if (!this.isOpen) return;
    this.#link.write(json, () => this.#left());
    this.#closed();
  }

  withdraw(): void {
    if (!this.isOpen) return;
    this.#closed();
    this.#left();
  }

  async event(json: string): Promise<void> {
    if (this.isOpen) await this.#link.event(json);
  }

  keepAlive(): void {
    // The WebSocket itself is kept alive, whatever calls are under way on it.
  }

  #left(): void {
    this.#stopWatching();
    this.#closed();
    const onleft = this.onleft;
    this.onleft = undefined;
    onleft?.();
  }

  #closed(): void {
    this.#isOwed = false;
    const onclose = this.onclose;
    this.onclose = undefined;
    onclose?.();
  }
}
