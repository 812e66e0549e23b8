import type { McpClientOptions } from './client-options.ts';
import { buildError, buildResult, type Id, METHOD_NOT_FOUND, type Message } from './json-rpc.ts';

/** A server that pings without end must not make the client send without end. */
export const MAX_ANSWERS_IN_FLIGHT = 16;

/** What the server says beside our answers, on any stream: notices are passed on, requests answered. */
export class ServerTalk {
  readonly #options: Pick<McpClientOptions, 'answersPings' | 'onNotification' | 'onAnomaly'>;
  readonly #post: (body: string) => Promise<unknown>;
  #answersInFlight = 0;

  constructor(
    options: Pick<McpClientOptions, 'answersPings' | 'onNotification' | 'onAnomaly'>,
    post: (body: string) => Promise<unknown>,
  ) {
    this.#options = options;
    this.#post = post;
  }

  hear(message: Message): void {
    switch (message.kind) {
      case 'notification':
        this.#options.onNotification?.(message.method, message.params);
        break;
      case 'request':
        this.#answer(message.id, message.method);
        break;
      case 'malformed':
        this.#options.onAnomaly?.(message.reason);
        break;
      case 'result':
      case 'error':
        this.#options.onAnomaly?.(`an answer to request ${message.id} came on the GET stream`);
        break;
    }
  }

  #answer(id: Id, method: string): void {
    const isPing = method === 'ping';
    if (isPing && this.#options.answersPings === false) return;
    if (this.#answersInFlight >= MAX_ANSWERS_IN_FLIGHT) {
      this.#options.onAnomaly?.(
        `more than ${MAX_ANSWERS_IN_FLIGHT} requests of the server at once: ${method}`,
      );
      return;
    }
    const body = isPing ? buildResult(id, {}) : buildError(id, METHOD_NOT_FOUND, `no such method: ${method}`);
    this.#answersInFlight += 1;
    void this.#post(body).then(() => {
      this.#answersInFlight -= 1;
    });
  }
}
