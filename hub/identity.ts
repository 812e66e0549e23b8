import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { InsufficientScopeError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import type { BearerAuthMiddlewareOptions } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { addressKey } from './address.ts';
import { HubError } from './errors.ts';
import type { StaticToken } from './setting-readers.ts';

/** Who sends a request. */
export interface Caller {
  /** What counts and limits go by: the identity, or else the address. A name that it gives itself would not do. */
  readonly client: string;
  /** Whose sessions it may use; undefined where no authentication is asked for. */
  readonly identity: string | undefined;
  /** What the MCP server is told of it. */
  readonly authInfo: AuthInfo | undefined;
}

export interface IdentityParts {
  readonly tokens: readonly StaticToken[];
  /** As for the SDK's `requireBearerAuth`: who verifies tokens, and what they must be good for. */
  readonly oauth?: BearerAuthMiddlewareOptions | undefined;
}

/**
 * Tells who sends a request, by its bearer token (RFC 6750) where tokens or a verifier are set.
 *
 * Sessions belong to the identity that opened them: possession of an id alone gives nothing (F32; MCP security
 * best practices, "Session Hijacking").
 */
export class Identity {
  readonly #tokens: readonly { readonly name: string; readonly digest: Buffer }[];
  readonly #oauth: BearerAuthMiddlewareOptions | undefined;

  constructor({ tokens, oauth }: IdentityParts) {
    this.#tokens = tokens.map(({ name, digest }) => ({ name, digest: Buffer.from(digest, 'hex') }));
    this.#oauth = oauth;
  }

  /** Whether requests must carry a token. */
  get isRequired(): boolean {
    return this.#tokens.length > 0 || this.#oauth !== undefined;
  }

  /** @throws HubError UNAUTHORIZED, INSUFFICIENT_SCOPE, or INTERNAL when the verifier fails */
  async caller(request: IncomingMessage): Promise<Caller> {
    if (!this.isRequired) {
      return {
        client: `address ${addressKey(request.socket.remoteAddress)}`,
        identity: undefined,
        authInfo: undefined,
      };
    }
    const token = bearerToken(request);
    if (token === undefined) throw this.#refusal('UNAUTHORIZED');
    const authInfo = this.#static(token) ?? (await this.#verified(token));
    const identity = identityOf(authInfo);
    return { client: clientOf(identity), identity, authInfo };
  }

  /** Compares with every token there is: how long that takes tells nothing of any of them. */
  #static(token: string): AuthInfo | undefined {
    const digest = createHash('sha256').update(token).digest();
    let found: string | undefined;
    for (const entry of this.#tokens) {
      if (timingSafeEqual(entry.digest, digest)) found = entry.name;
    }
    return found === undefined ? undefined : { token, clientId: found, scopes: [] };
  }

  /** The checks of the SDK's `requireBearerAuth`, in its order. */
  async #verified(token: string): Promise<AuthInfo> {
    if (!this.#oauth) throw this.#refusal('UNAUTHORIZED', 'invalid_token', 'The token is not known here');
    const { verifier, requiredScopes = [], expectedResource } = this.#oauth;
    let authInfo: AuthInfo;
    try {
      authInfo = await verifier.verifyAccessToken(token);
    } catch (error) {
      throw this.#verifierProblem(error);
    }
    const invalid = (why: string) => this.#refusal('UNAUTHORIZED', 'invalid_token', why);
    if (expectedResource !== undefined && !isSameResource(authInfo.resource, expectedResource)) {
      throw invalid('The token was not issued for this resource');
    }
    if (!requiredScopes.every((scope) => authInfo.scopes.includes(scope))) {
      throw this.#refusal('INSUFFICIENT_SCOPE', 'insufficient_scope', 'The token lacks a required scope');
    }
    const { expiresAt } = authInfo;
    if (expiresAt === undefined || Number.isNaN(expiresAt)) throw invalid('The token has no expiration time');
    if (expiresAt < Date.now() / 1_000) throw invalid('The token has expired');
    return authInfo;
  }

  /** Messages of verifiers may quote the token, so none is passed on: neither to the client nor to the log. */
  #verifierProblem(error: unknown): HubError {
    if (error instanceof InvalidTokenError) {
      return this.#refusal('UNAUTHORIZED', 'invalid_token', 'The token is not valid');
    }
    if (error instanceof InsufficientScopeError) {
      return this.#refusal('INSUFFICIENT_SCOPE', 'insufficient_scope', 'The token lacks a required scope');
    }
    const kind = error instanceof Error ? error.name : typeof error;
    return new HubError('INTERNAL', { detail: `The token could not be verified (${kind}).`, cause: error });
  }

  /** RFC 6750, 3: no error code for a request without any token. RFC 9728, 5.1: where to get one. */
  #refusal(code: 'UNAUTHORIZED' | 'INSUFFICIENT_SCOPE', error?: string, description?: string): HubError {
    const { requiredScopes = [], resourceMetadataUrl } = this.#oauth ?? {};
    const parameters = [
      'realm="mcp-soak-hub"',
      ...(error === undefined ? [] : [`error="${error}"`, `error_description="${description}"`]),
      ...(requiredScopes.length === 0 ? [] : [`scope="${requiredScopes.join(' ')}"`]),
      ...(resourceMetadataUrl === undefined ? [] : [`resource_metadata="${resourceMetadataUrl}"`]),
    ];
    return new HubError(code, { headers: { 'www-authenticate': `Bearer ${parameters.join(', ')}` } });
  }
}

/** What counts and limits go by where there are identities. */
export function clientOf(identity: string): string {
  return `identity ${identity}`;
}

function bearerToken(request: IncomingMessage): string | undefined {
  return /^bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

/**
 * Whose sessions these are. A client id names an application, which many people may use: where the verifier
 * tells of its user (`extra.sub`, as in RFC 9068), sessions are the user's.
 */
function identityOf({ clientId, extra }: AuthInfo): string {
  return typeof extra?.sub === 'string' ? JSON.stringify([clientId, extra.sub]) : clientId;
}

/** As the SDK compares them: without fragment and without one slash at the end. */
function isSameResource(reported: URL | undefined, expected: string | URL): boolean {
  return reported !== undefined && comparable(reported) === comparable(expected);
}

function comparable(resource: string | URL): string {
  return (String(resource).split('#')[0] ?? '').replace(/\/$/, '');
}
