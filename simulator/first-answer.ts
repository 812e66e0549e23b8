import type { Headers } from './mcp/headers.ts';
import type { Outcome } from './mcp/outcome.ts';
import { RequestError } from './run-request.ts';
import type { Secrets } from './secrets.ts';

/** What the target is told with every request, and what must not be repeated of it. */
export interface LetIn {
  readonly endpoint: URL;
  readonly headers: Headers;
  readonly secrets: Secrets;
  /** Where else than with `--header` a token is given. */
  readonly orElse?: string;
}

/** Enough of an answer to see what it says. */
const MAX_SAID = 200;

/**
 * Whether the target lets us in: its first answer tells. Where that is a 401 or 403 nothing after it would say
 * anything about sessions.
 */
export class FirstAnswer {
  /** Rejects with a RequestError when we are not let in; never resolves. */
  readonly refused: Promise<never>;
  readonly #reject: (error: RequestError) => void;
  readonly #parts: LetIn;
  #isKnown = false;

  constructor(parts: LetIn) {
    const { promise, reject } = Promise.withResolvers<never>();
    // Whoever waits for it is told; a run that is over by then need not be.
    promise.catch(() => undefined);
    this.refused = promise;
    this.#reject = reject;
    this.#parts = parts;
  }

  /** `isExpected`: the scenario asked for that answer. */
  saw(
    outcome: Outcome,
    { what, isExpected = false }: { what: () => string; isExpected?: boolean | undefined },
  ): void {
    if (this.#isKnown || isExpected || !isAnswer(outcome)) return;
    this.#isKnown = true;
    const error = refusalOf(outcome, what(), this.#parts);
    if (error) this.#reject(error);
  }
}

/** What to tell somebody whose first request was answered 401 or 403; undefined for any other answer. */
export function refusalOf(
  outcome: Outcome,
  what: string,
  { endpoint, headers, secrets, orElse }: LetIn,
): RequestError | undefined {
  if (outcome.kind !== 'http-error' || !(outcome.status in MEANING)) return undefined;
  const { status, body } = outcome;
  const text = secrets.hide(body).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_SAID);
  const said = text === '' ? '' : ` (${text})`;
  const names = Object.keys(headers).join(', ');
  const given = names === '' ? '' : `--header ${names} was given. `;
  const places = ["--header 'Authorization: Bearer …'", ...(orElse === undefined ? [] : [orElse])];
  const remedy = `${given}Give it a token that it takes: ${places.join(', or ')}.`;
  return new RequestError(
    `The target at ${endpoint.href} answered the first request, ${what}, with ${status}${said}: ${MEANING[status]}. ${remedy}`,
  );
}

const MEANING: Readonly<Record<number, string>> = {
  401: 'it demands authentication',
  403: 'it does not allow that',
};

/** Of a connection that broke nobody knows what would have been answered. */
function isAnswer({ kind }: Outcome): boolean {
  return kind !== 'connection' && kind !== 'timeout' && kind !== 'aborted';
}
