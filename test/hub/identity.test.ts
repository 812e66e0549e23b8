import { InsufficientScopeError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../hub/address.ts';
import { ConfigError, type HubOptions, loadConfig } from '../../hub/config.ts';
import { refuseExposure } from '../../hub/exposure.ts';
import { createHub, type HubParts } from '../../hub/hub.ts';
import { HubLogger } from '../../hub/logger.ts';
import { callerWith, LIST, TOKEN_A, TOKEN_B, TOKENS, UNKNOWN_ID } from './callers.ts';
import { serveHub, WAYS } from './hub-on-loopback.ts';
import { callRequest, initializeRequest, type RawRequest, textResult } from './raw-client.ts';
import { inVirtualTime } from './virtual-world.ts';

const WITH_TOKENS: HubOptions = { authToken: TOKENS };

describe('Static tokens', () => {
  const authorizations: readonly [what: string, authorization: string | undefined, status: number][] = [
    ['nothing', undefined, 401],
    ['an empty header', '', 401],
    ['the scheme alone', 'Bearer', 401],
    ['another scheme', `Basic ${TOKEN_A}`, 401],
    ['a token without scheme', TOKEN_A, 401],
    ['an unknown token', `Bearer ${'c'.repeat(24)}`, 401],
    ['the beginning of a token', `Bearer ${TOKEN_A.slice(0, -1)}`, 401],
    ['a token and more', `Bearer ${TOKEN_A}a`, 401],
    ['two tokens', `Bearer ${TOKEN_A} ${TOKEN_B}`, 401],
    ["a token's name", 'Bearer alice', 401],
    ['a token', `Bearer ${TOKEN_A}`, 200],
    ['the other token', `Bearer ${TOKEN_B}`, 200],
    ['the scheme in small letters (RFC 9110, 11.1)', `bearer ${TOKEN_A}`, 200],
  ];
  it.each(authorizations)('%s: initialize answers %s → %i', (_what, authorization, status) =>
    inVirtualTime(WITH_TOKENS, async ({ raw, hub }) => {
      const answer = await raw.send({ body: initializeRequest(), headers: { authorization } });
      expect(answer.status).toBe(status);
      expect(hub.sessions.size).toBe(status === 200 ? 1 : 0);
      if (status === 200) return;
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="mcp-soak-hub"/);
      expect(answer.json).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 }, id: null });
    }),
  );

  it('tells what is wrong with a token, and nothing of a missing one (RFC 6750, 3)', () =>
    inVirtualTime(WITH_TOKENS, async ({ raw }) => {
      const none = await callerWith(raw).initialize();
      expect(none.headers['www-authenticate']).toBe('Bearer realm="mcp-soak-hub"');
      const bad = await callerWith(raw, 'no-such-token-anywhere').initialize();
      expect(bad.headers['www-authenticate']).toContain('error="invalid_token"');
    }));

  it('of one name are one identity: a token can be replaced', () =>
    inVirtualTime({ authToken: `alice=${TOKEN_A},alice=${TOKEN_B}` }, async ({ raw }) => {
      const session = await callerWith(raw, TOKEN_A).open();
      expect((await callerWith(raw, TOKEN_B).send({ session, body: LIST })).status).toBe(200);
    }));

  it('without a name are an identity each', () =>
    inVirtualTime({ authToken: `${TOKEN_A},${TOKEN_B}` }, async ({ raw }) => {
      const session = await callerWith(raw, TOKEN_A).open();
      expect((await callerWith(raw, TOKEN_B).send({ session, body: LIST })).status).toBe(404);
    }));
});

describe("Somebody else's session (F32)", () => {
  const attempts: readonly [what: string, ask: (session: string) => RawRequest][] = [
    ['POST of a request', (session) => ({ session, body: LIST })],
    ['POST of a call', (session) => ({ session, body: callRequest(1, 'echo', { message: 'hi' }) })],
    [
      'POST of a notification',
      (session) => ({ session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } }),
    ],
    ['POST of an answer', (session) => ({ session, body: { jsonrpc: '2.0', id: 'hub-ping-1', result: {} } })],
    ['POST of initialize', (session) => ({ session, body: initializeRequest() })],
    ['POST of what is no JSON', (session) => ({ session, body: '{' })],
    ['POST of a batch', (session) => ({ session, body: [LIST] })],
    ['GET', (session) => ({ session, method: 'GET' })],
    ['GET to resume', (session) => ({ session, method: 'GET', headers: { 'last-event-id': '1' } })],
    ['DELETE', (session) => ({ session, method: 'DELETE' })],
  ];
  it.each(attempts)('%s is answered to the letter as for an id that never was', (_what, ask) =>
    inVirtualTime({ ...WITH_TOKENS, sessionTimeout: '1m' }, async ({ raw, clock, hub }) => {
      const [alice, bob] = [callerWith(raw, TOKEN_A), callerWith(raw, TOKEN_B)];
      const session = await alice.open();
      const stream = await raw.stream(session, { headers: alice.headers });
      const openedAt = hub.sessions.peek(session)?.lastActivity;
      await clock.sleep(1_000);
      const [foreign, unknown] = [await bob.send(ask(session)), await bob.send(ask(UNKNOWN_ID))];
      expect(foreign.status).toBe(404);
      expect(foreign.text).toBe(unknown.text);
      expect(Object.keys(foreign.headers)).toEqual(Object.keys(unknown.headers));
      // Nothing happened to the session: not used, not ended, its stream open.
      expect(hub.sessions.peek(session)).toMatchObject({ lastActivity: openedAt, openStreams: 1 });
      expect((await alice.send({ session, body: LIST })).status).toBe(200);
      stream.close();
    }),
  );

  it.each(WAYS)('is out of reach by way of %s, too', async (way) => {
    const { raw } = await serveHub(WITH_TOKENS, { way });
    const session = await callerWith(raw, TOKEN_A).open();
    expect((await callerWith(raw, TOKEN_B).send({ session, method: 'DELETE' })).status).toBe(404);
    expect((await callerWith(raw).send({ session, method: 'DELETE' })).status).toBe(401);
    expect((await callerWith(raw, TOKEN_A).send({ session, method: 'DELETE' })).status).toBe(200);
  });
});

describe('Pages for operators', () => {
  const pages: readonly [path: string, nobody: number, somebody: number][] = [
    ['/health', 200, 200],
    ['/sessions', 401, 200],
    ['/sessions/', 401, 200],
    ['/SESSIONS', 401, 200],
    ['/sessions?limit=1', 401, 200],
    ['/metrics', 401, 200],
    ['/nothing', 401, 404],
  ];
  it.each(pages)('%s: %i without a token, %i with one', (path, nobody, somebody) =>
    inVirtualTime(WITH_TOKENS, async ({ raw }) => {
      const ask = (token?: string) => callerWith(raw, token).send({ method: 'GET', path });
      const refused = await ask();
      expect([refused.status, (await ask(TOKEN_A)).status]).toEqual([nobody, somebody]);
      if (nobody === 401) expect(refused.headers['www-authenticate']).toMatch(/^Bearer /);
    }),
  );

  it('/health shows counts and nothing of who they are (F33)', () =>
    inVirtualTime(WITH_TOKENS, async ({ raw }) => {
      const alice = callerWith(raw, TOKEN_A);
      const session = await alice.open();
      const { text } = await raw.get('/health');
      for (const secret of [session, TOKEN_A, 'alice', 'caller']) expect(text).not.toContain(secret);
    }));
});

describe('A verifier', () => {
  const HOUR_AHEAD = () => Date.now() / 1_000 + 3_600;
  const known = (token: string, more: Partial<AuthInfo> = {}): AuthInfo => ({
    token,
    clientId: 'app',
    scopes: ['mcp'],
    expiresAt: HOUR_AHEAD(),
    ...more,
  });

  /** Tokens are words: each says what the verifier is to answer. */
  async function verifyAccessToken(token: string): Promise<AuthInfo> {
    switch (token) {
      case 'good':
        return known(token);
      case 'ann':
      case 'ben':
        return known(token, { extra: { sub: token } });
      case 'expired':
        return known(token, { expiresAt: HOUR_AHEAD() - 3_601 });
      case 'eternal': {
        const { expiresAt: _expiresAt, ...rest } = known(token);
        return rest;
      }
      case 'nan':
        return known(token, { expiresAt: Number.NaN });
      case 'narrow':
        return known(token, { scopes: ['other'] });
      case 'elsewhere':
        return known(token, { resource: new URL('https://other.example/mcp') });
      case 'here':
        return known(token, { resource: new URL('https://hub.example/mcp/') });
      case 'scope':
        throw new InsufficientScopeError(`not enough for "${token}"`);
      case 'broken':
        throw new Error(`cannot reach https://auth.example/?token=${token}`);
      default:
        throw new InvalidTokenError(`no such token: ${token}\r\n`);
    }
  }

  const parts: HubParts = { auth: { verifier: { verifyAccessToken }, requiredScopes: ['mcp'] } };
  const resourceMetadataUrl = 'https://hub.example/.well-known/oauth-protected-resource';

  const verdicts: readonly [token: string, status: number, error: string | undefined][] = [
    ['good', 200, undefined],
    ['unheard-of', 401, 'invalid_token'],
    ['expired', 401, 'invalid_token'],
    ['eternal', 401, 'invalid_token'],
    ['nan', 401, 'invalid_token'],
    ['narrow', 403, 'insufficient_scope'],
    ['scope', 403, 'insufficient_scope'],
    ['broken', 500, undefined],
  ];
  it.each(verdicts)("token '%s': %i, %s", async (token, status, error) => {
    const lines: string[] = [];
    const logger = new HubLogger('debug', { write: (line) => void lines.push(line) });
    const auth = { verifier: { verifyAccessToken }, requiredScopes: ['mcp'], resourceMetadataUrl };
    await inVirtualTime(
      {},
      async ({ raw, hub }) => {
        const answer = await callerWith(raw, token).initialize();
        expect(answer.status).toBe(status);
        const challenge = answer.headers['www-authenticate'];
        if (error === undefined) expect(challenge).toBeUndefined();
        else {
          expect(challenge).toContain(`error="${error}"`);
          expect(challenge).toContain(`scope="mcp", resource_metadata="${resourceMetadataUrl}"`);
        }
        expect(answer.text).not.toContain(`token=${token}`);
        await hub.shutdown();
      },
      { auth, logger },
    );
    // What verifiers say may quote the token.
    expect(lines.join()).not.toContain(`token=${token}`);
    expect(lines.some((line) => line.includes('could not be verified (Error)'))).toBe(token === 'broken');
  });

  it.each([
    ['here', 200],
    ['elsewhere', 401],
    ['good', 401],
  ] as const)("token '%s' where a resource is expected: %i", (token, status) =>
    inVirtualTime(
      {},
      async ({ raw }) => {
        expect((await callerWith(raw, token).initialize()).status).toBe(status);
      },
      { auth: { verifier: { verifyAccessToken }, expectedResource: new URL('https://hub.example/mcp#x') } },
    ),
  );

  it('binds sessions to its client, or to its user where it names one', () =>
    inVirtualTime(
      {},
      async ({ raw }) => {
        const ann = callerWith(raw, 'ann');
        const session = await ann.open();
        expect((await ann.send({ session, body: LIST })).status).toBe(200);
        for (const other of ['ben', 'good']) {
          expect((await callerWith(raw, other).send({ session, body: LIST })).status).toBe(404);
        }
      },
      parts,
    ));

  it('is asked anew for each request: a token that is withdrawn is worth nothing', () => {
    const withdrawn = new Set<string>();
    const verifier = {
      verifyAccessToken: (token: string) => verifyAccessToken(withdrawn.has(token) ? 'withdrawn' : token),
    };
    return inVirtualTime(
      {},
      async ({ raw }) => {
        const good = callerWith(raw, 'good');
        const session = await good.open();
        withdrawn.add('good');
        expect((await good.send({ session, body: LIST })).status).toBe(401);
      },
      { auth: { verifier } },
    );
  });

  it('stands beside static tokens', () =>
    inVirtualTime(
      WITH_TOKENS,
      async ({ raw }) => {
        for (const token of [TOKEN_A, 'good']) {
          expect((await callerWith(raw, token).initialize()).status).toBe(200);
        }
      },
      parts,
    ));

  it('may take its time: a client that leaves meanwhile leaves nothing behind (F02)', () => {
    const verifier = {
      verifyAccessToken: async (token: string) => {
        await new Promise((resolve) => setTimeout(resolve, 5_000));
        return verifyAccessToken(token);
      },
    };
    return inVirtualTime(
      {},
      async ({ raw, clock, hub }) => {
        const leaving = new AbortController();
        const headers = { authorization: 'Bearer good' };
        const gone = raw
          .send({ body: initializeRequest(), headers, signal: leaving.signal })
          .catch(() => 'gone');
        await clock.sleep(1_000);
        leaving.abort();
        expect(await gone).toBe('gone');
        await clock.sleep(10_000);
        expect(hub.sessions.counters()).toMatchObject({ opened: 0, refused: 0 });
        expect((await raw.send({ body: initializeRequest(), headers })).status).toBe(200);
      },
      { auth: { verifier } },
    );
  });
});

describe('The MCP server', () => {
  it('is told who calls', () => {
    const createMcpServer = () => {
      const server = new Server({ name: 'who', version: '1' }, { capabilities: { tools: {} } });
      server.setRequestHandler(CallToolRequestSchema, (_request, { authInfo }) => ({
        content: [{ type: 'text', text: `${authInfo?.clientId}` }],
      }));
      return server;
    };
    return inVirtualTime(
      WITH_TOKENS,
      async ({ raw }) => {
        const bob = callerWith(raw, TOKEN_B);
        const session = await bob.open();
        const { json } = await bob.send({ session, body: callRequest(7, 'who', {}) });
        expect(json).toEqual(textResult(7, 'bob'));
      },
      { createMcpServer },
    );
  });
});

describe('The log', () => {
  it('has no token in it, whatever is refused', async () => {
    const lines: string[] = [];
    const logger = new HubLogger('debug', { write: (line) => void lines.push(line) });
    await inVirtualTime(
      WITH_TOKENS,
      async ({ raw, hub }) => {
        const alice = callerWith(raw, TOKEN_A);
        const session = await alice.open();
        await callerWith(raw, TOKEN_B).send({ session, body: LIST });
        await callerWith(raw, 'a-token-that-is-not-known').initialize();
        await alice.send({ session, body: '{' });
        await alice.send({ session, method: 'DELETE' });
        await hub.shutdown();
      },
      { logger },
    );
    expect(lines.length).toBeGreaterThan(4);
    for (const secret of [TOKEN_A, TOKEN_B, 'a-token-that-is-not-known']) {
      expect(lines.join()).not.toContain(secret);
    }
  });
});

describe('Beyond this machine', () => {
  const NAMES = { allowedHosts: 'hub.example' };
  const TOKEN = { authToken: TOKEN_A };
  const rows: readonly [why: string, options: HubOptions, refused: readonly string[]][] = [
    ['loopback', { host: '127.0.0.1' }, []],
    ['another address of loopback', { host: '127.8.8.8' }, []],
    ['localhost', { host: 'localhost' }, []],
    ['loopback, IPv6', { host: '::1' }, []],
    ['all addresses', { host: '0.0.0.0' }, ['--auth-token', '--allowed-hosts', '--allow-insecure']],
    ['all addresses, IPv6', { host: '::' }, ['--auth-token', '--allowed-hosts', '--allow-insecure']],
    ['an address of a network', { host: '192.0.2.1' }, ['--auth-token', '--allowed-hosts']],
    ['a name', { host: 'hub.example' }, ['--auth-token', '--allowed-hosts']],
    ['a token only', { host: '0.0.0.0', ...TOKEN }, ['--allowed-hosts', '--allow-insecure']],
    ['names only', { host: '0.0.0.0', ...NAMES }, ['--auth-token', '--allow-insecure']],
    ['a token and names', { host: '0.0.0.0', ...TOKEN, ...NAMES }, []],
    ['told so', { host: '0.0.0.0', allowInsecure: 'on' }, []],
  ];
  it.each(rows)('%s', (_why, options, refused) => {
    const config = loadConfig(options);
    const check = () => refuseExposure(config, config.authTokens.length > 0);
    if (refused.length === 0) check();
    else expect(check).toThrow(ConfigError);
    for (const wayOut of refused) expect(check).toThrow(wayOut);
    if (refused.length === 2 && !refused.includes('--auth-token')) expect(check).not.toThrow('--auth-token');
  });

  it('a hub refuses to listen, and a verifier counts as authentication', async () => {
    const config = loadConfig({ host: '0.0.0.0', port: 0, logLevel: 'silent', ...NAMES });
    await expect(createHub(config).listen()).rejects.toThrow(ConfigError);
    const verifier = { verifyAccessToken: () => Promise.reject(new InvalidTokenError('none')) };
    expect(() => refuseExposure(config, true)).not.toThrow();
    const hub = createHub({ ...config, host: '127.0.0.1' }, { auth: { verifier } });
    await hub.listen();
    await hub.shutdown();
  });

  const addresses: readonly [host: string, isOurs: boolean][] = [
    ['LOCALHOST', true],
    ['[::1]', true],
    ['::ffff:127.0.0.1', true],
    ['::ffff:192.0.2.1', false],
    ['127.0.0.1.example', false],
    ['localhost.example', false],
    ['0', false],
  ];
  it.each(addresses)('%s is loopback: %s', (host, isOurs) => expect(isLoopback(host)).toBe(isOurs));
});
