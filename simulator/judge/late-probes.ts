import type { Accusations } from './accusations.ts';
import type { SessionEvent } from './session-event.ts';

/** Requests on sessions whose books are closed, which had to be gone. */
export class LateProbes {
  /** Session → when the request was sent. */
  readonly #sentAt = new Map<number, number>();
  /** Answered 404, as they have to be. */
  notFound = 0;

  record(event: SessionEvent, accusations: Accusations): void {
    if (event.kind === 'request-sent') this.#sentAt.set(event.session, event.at);
    if (event.kind === 'request-aborted') this.#sentAt.delete(event.session);
    if (event.kind !== 'request-answered') return;
    const sentAt = this.#sentAt.get(event.session);
    if (sentAt === undefined) return;
    this.#sentAt.delete(event.session);
    if (event.gone) this.notFound += 1;
    else accusations.seenGhost(event.session, { from: sentAt, to: event.at }, 'answered a request');
  }
}
