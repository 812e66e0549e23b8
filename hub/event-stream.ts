import type { ServerResponse } from 'node:http';

/**
 * One server-sent-event stream on a response. Says `retry:` first, so that a client whose stream ends
 * waits before it comes back instead of hammering (2025-11-25, basic/transports: SHOULD send `retry`).
 */
export class EventStream {
  readonly #response: ServerResponse;
  #ended = false;

  constructor(response: ServerResponse, options: { retryMs: number; headers?: Record<string, string> }) {
    this.#response = response;
    response.writeHead(200, {
      ...options.headers,
      'content-type': 'text/event-stream',
      // no-transform and X-Accel-Buffering: proxies that compress or buffer hold events back (F44).
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${options.retryMs}\n\n`);
  }

  get isOpen(): boolean {
    return !this.#ended && !this.#response.destroyed;
  }

  /** Sends one JSON-RPC message, given as JSON text. */
  send(json: string): void {
    if (this.isOpen) this.#response.write(`event: message\ndata: ${json}\n\n`);
  }

  /** Keeps proxies from cutting a silent stream; says nothing to the client. */
  comment(): void {
    if (this.isOpen) this.#response.write(': keep-alive\n\n');
  }

  /** Ends the stream. `retryMs` asks the client to wait that long before it comes back. */
  end(options: { retryMs?: number } = {}): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#response.destroyed) return;
    this.#response.end(options.retryMs === undefined ? undefined : `retry: ${options.retryMs}\n\n`);
  }
}
