import { type Headers, hasHeader, mergedHeaders, RESERVED_HEADERS } from './mcp/headers.ts';
import { RequestError, type RunRequest } from './run-request.ts';
import { credentialsIn, Secrets } from './secrets.ts';

/** Every request carries them. */
const MAX_HEADERS = 20;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\u0020-\u007e]*$/;

/** @throws RequestError for headers that our clients cannot send, or set themselves */
export function checkHeaders(headers: Headers = {}): void {
  const names = Object.keys(headers);
  if (names.length > MAX_HEADERS) {
    throw new RequestError(`--header: got ${names.length}, allowed: at most ${MAX_HEADERS}.`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (RESERVED_HEADERS.includes(name.toLowerCase())) {
      throw new RequestError(
        `--header: got ${name}, which the client sets itself, as it does ${RESERVED_HEADERS.join(', ')}. Allowed: any other, such as Authorization.`,
      );
    }
    // A value may be a token: it is not repeated.
    if (!NAME.test(name) || !VALUE.test(value)) {
      throw new RequestError("--header: got what is no header, allowed: 'Authorization: Bearer …'.");
    }
  }
}

/**
 * What looks at the target carry, and clients that belong to no workload: the headers of the run, and for a bundled
 * hub that demands tokens the first of these, where the run says nothing of its own.
 */
export function lookHeaders({ headers, target, loaded }: RunRequest): Record<string, string> {
  const [token] = target ? [] : Object.values(loaded.scenario.hub?.authTokens ?? {});
  const isTokenWanted = token !== undefined && !hasHeader(headers, 'authorization');
  return mergedHeaders(headers, isTokenWanted ? { Authorization: `Bearer ${token}` } : {});
}

/** All that a run knows and must not show. */
export function secretsOf({ headers, loaded }: RunRequest): Secrets {
  const { scenario, source } = loaded;
  const clients = Object.values(scenario.workloads).map(({ client }) => client?.headers);
  const tokens = Object.values(scenario.hub?.authTokens ?? {});
  return Secrets.of([...[headers, ...clients].flatMap(credentialsIn), ...tokens, ...source.credentials]);
}
