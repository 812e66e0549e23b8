import type { ErrorCode, HubError } from './errors.ts';
import type { HubLogger } from './logger.ts';

const PERIOD_MS = 60_000;

/** Refusals that an operator should know of. `UNKNOWN_SESSIONS`: somebody names more of them than is plausible. */
const KINDS = [
  'UNAUTHORIZED',
  'INSUFFICIENT_SCOPE',
  'FORBIDDEN_HOST',
  'FORBIDDEN_ORIGIN',
  'TOO_MANY_REQUESTS',
  'TOO_MANY_CALLS',
  'TOO_MANY_OF_CLIENT',
  'TOO_MANY_SESSIONS',
] as const satisfies readonly ErrorCode[];

type Kind = (typeof KINDS)[number] | 'UNKNOWN_SESSIONS';

/** One line per minute and kind, with a count: who floods the hub shall not flood its log (F22). */
export class RefusalLog {
  readonly #logger: HubLogger;
  readonly #counts = new Map<Kind, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: HubLogger) {
    this.#logger = logger;
  }

  refused({ code }: HubError): void {
    const kind = KINDS.find((known) => known === code);
    if (kind) this.note(kind);
  }

  note(kind: Kind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.close(), PERIOD_MS);
    this.#timer.unref();
  }

  /** Writes what has been counted. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [kind, count] of this.#counts) this.#logger.refusals(kind, count);
    this.#counts.clear();
  }
}
