import { describe, expect, it } from 'vitest';
import { addressKey } from '../../hub/address.ts';
import type { HubOptions } from '../../hub/config.ts';
import { HubLogger } from '../../hub/logger.ts';
import { callerWith, LIST, TOKEN_A, TOKEN_B, TOKENS, UNKNOWN_ID } from './callers.ts';
import { initializeRequest, type RawRequest } from './raw-client.ts';
import { inVirtualTime, type VirtualWorld } from './virtual-world.ts';

const LIMITED: HubOptions = { rateLimit: 'on', initializeRate: 3, sessionRate: 2 };

/** A refusal for its rate: status, when to come back, and a JSON-RPC error. */
const tooMany = (retryAfter: string) => ({
  status: 429,
  headers: expect.objectContaining({ 'retry-after': retryAfter, 'content-type': 'application/json' }),
  json: {
    jsonrpc: '2.0',
    error: { code: -32000, message: expect.stringContaining('Too many requests') },
    id: null,
  },
});

async function statuses(times: number, ask: () => Promise<{ status: number }>): Promise<number[]> {
  const seen: number[] = [];
  for (let turn = 0; turn < times; turn += 1) seen.push((await ask()).status);
  return seen;
}

describe('The bucket of those without a session', () => {
  it('lets so many initialize in a minute, then tells when to come back (F23, F45)', () =>
    inVirtualTime(LIMITED, async ({ raw, clock, hub }) => {
      expect(await statuses(3, () => raw.initialize())).toEqual([200, 200, 200]);
      await clock.sleep(12_500);
      expect(await raw.initialize()).toMatchObject(tooMany('48'));
      expect(hub.sessions.counters()).toMatchObject({ opened: 3, refused: 1 });
      await clock.sleep(47_400);
      expect(await raw.initialize()).toMatchObject(tooMany('1'));
      await clock.sleep(100);
      expect(await statuses(4, () => raw.initialize())).toEqual([200, 200, 200, 429]);
    }));

  it('counts whatever comes without a session id, and refuses it unread', () =>
    inVirtualTime(LIMITED, async ({ raw }) => {
      expect(await statuses(3, () => raw.send({ body: '{' }))).toEqual([400, 400, 400]);
      expect(await raw.send({ body: '{' })).toMatchObject(tooMany('60'));
    }));

  it('leaves live sessions alone (F21)', () =>
    inVirtualTime(LIMITED, async ({ raw, clock }) => {
      const session = await raw.open();
      expect(await statuses(3, () => raw.initialize())).toEqual([200, 200, 429]);
      for (let second = 0; second < 30; second += 1) {
        await clock.sleep(1_000);
        expect((await raw.ping(session)).status).toBe(200);
      }
    }));

  it('is one for each identity', () =>
    inVirtualTime({ ...LIMITED, authToken: TOKENS }, async ({ raw }) => {
      const [alice, bob] = [callerWith(raw, TOKEN_A), callerWith(raw, TOKEN_B)];
      expect(await statuses(4, () => alice.initialize())).toEqual([200, 200, 200, 429]);
      expect(await statuses(4, () => bob.initialize())).toEqual([200, 200, 200, 429]);
    }));

  it('is not asked while the hub drains: 503 tells more', () =>
    inVirtualTime({ ...LIMITED, drain: '5s' }, async ({ raw, hub, clock }) => {
      const session = await raw.open();
      const call = raw.call(session, 'sleep', { ms: 1_000 });
      await clock.sleep(100);
      const over = hub.shutdown();
      expect(await statuses(5, () => raw.initialize())).toEqual([503, 503, 503, 503, 503]);
      await Promise.all([call, over]);
    }));
});

describe('The bucket of a live session', () => {
  it('lets so many requests in a second, and tells when to come back', () =>
    inVirtualTime(LIMITED, async ({ raw, clock }) => {
      const session = await raw.open();
      await clock.sleep(1_000);
      expect(await statuses(2, () => raw.ping(session))).toEqual([200, 200]);
      expect(await raw.ping(session)).toMatchObject(tooMany('1'));
      expect((await raw.send({ method: 'GET', session })).status).toBe(429);
      await clock.sleep(1_000);
      expect((await raw.ping(session)).status).toBe(200);
    }));

  it('is one for each session, and does not hold DELETE back', () =>
    inVirtualTime(LIMITED, async ({ raw, clock }) => {
      const [one, other] = [await raw.open(), await raw.open()];
      await clock.sleep(1_000);
      expect(await statuses(3, () => raw.ping(one))).toEqual([200, 200, 429]);
      expect((await raw.ping(other)).status).toBe(200);
      expect((await raw.delete(one)).status).toBe(200);
    }));

  it('keeps alive whom it refuses: who is told to slow down is there', () =>
    inVirtualTime(
      { ...LIMITED, sessionTimeout: '2s', cleanupInterval: '1s' },
      async ({ raw, clock, hub }) => {
        const session = await raw.open();
        for (let turn = 0; turn < 50; turn += 1) {
          await clock.sleep(100);
          await raw.ping(session);
        }
        expect(hub.sessions.hasSession(session)).toBe(true);
      },
    ));
});

describe('Unknown sessions', () => {
  const asks: readonly [what: string, request: RawRequest][] = [
    ['POST', { session: UNKNOWN_ID, body: LIST }],
    ['GET', { session: UNKNOWN_ID, method: 'GET' }],
    ['DELETE', { session: UNKNOWN_ID, method: 'DELETE' }],
  ];
  it.each(asks)(
    '%s: 404 however often, beyond the limit with the connection closed (F20, F21, F22)',
    (_what, ask) =>
      inVirtualTime(LIMITED, async ({ raw }) => {
        const answers = [];
        for (let turn = 0; turn < 5; turn += 1)
          answers.push(await raw.send({ ...ask, headers: { connection: 'keep-alive' } }));
        expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
        expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
        const closing = answers.map(({ headers }) => headers.connection === 'close');
        expect(closing).toEqual([false, false, false, true, true]);
      }),
  );

  it('do not use up what others need to initialize: nor a stuck client its own (F22)', () =>
    inVirtualTime(LIMITED, async ({ raw }) => {
      await statuses(100, () => raw.send({ session: UNKNOWN_ID, body: LIST }));
      expect((await raw.initialize()).status).toBe(200);
    }));
});

interface Ids {
  readonly live: string;
  readonly foreign: string;
  readonly ended: string;
}

interface Precedence {
  readonly what: string;
  readonly ask: (ids: Ids) => RawRequest;
  readonly status: number;
}

const rank = (what: string, status: number, ask: Precedence['ask']): Precedence => ({ what, ask, status });
const evil = { headers: { host: 'evil.example' } };
const nobody = { headers: { authorization: undefined } };
const expired = { headers: { authorization: 'Bearer expired-expired-expired' } };

/** With every bucket of the caller empty. */
const PRECEDENCE: readonly Precedence[] = [
  rank('a foreign host, no token, a dead id', 403, ({ ended }) => ({
    session: ended,
    body: LIST,
    headers: { ...evil.headers, ...nobody.headers },
  })),
  rank('a foreign origin and a live id', 403, ({ live }) => ({
    session: live,
    body: LIST,
    headers: { origin: 'https://evil.example' },
  })),
  rank('no token, a dead id', 401, ({ ended }) => ({ session: ended, body: LIST, ...nobody })),
  rank('a bad token, a dead id', 401, ({ ended }) => ({ session: ended, body: LIST, ...expired })),
  rank('no token, a live id', 401, ({ live }) => ({ session: live, body: LIST, ...nobody })),
  rank('no token, initialize', 401, () => ({ body: initializeRequest(), ...nobody })),
  rank('no token, a method that does not exist', 401, () => ({ method: 'PUT', ...nobody })),
  rank('a bad Accept, a dead id', 406, ({ ended }) => ({
    session: ended,
    body: LIST,
    headers: { accept: 'text/html' },
  })),
  rank('a bad version, a dead id', 400, ({ ended }) => ({
    session: ended,
    body: LIST,
    headers: { 'mcp-protocol-version': '1999-01-01' },
  })),
  rank('a dead id', 404, ({ ended }) => ({ session: ended, body: LIST })),
  rank('a dead id, GET', 404, ({ ended }) => ({ session: ended, method: 'GET' })),
  rank('a dead id, DELETE', 404, ({ ended }) => ({ session: ended, method: 'DELETE' })),
  rank('an id that never was', 404, () => ({ session: UNKNOWN_ID, body: LIST })),
  rank('a dead id and a body that is no JSON', 404, ({ ended }) => ({ session: ended, body: '{' })),
  rank("somebody else's id", 404, ({ foreign }) => ({ session: foreign, body: LIST })),
  rank('a live id', 429, ({ live }) => ({ session: live, body: LIST })),
  rank('a live id and a body that is no JSON', 429, ({ live }) => ({ session: live, body: '{' })),
  rank('a live id, GET', 429, ({ live }) => ({ session: live, method: 'GET' })),
  rank('initialize', 429, () => ({ body: initializeRequest() })),
  rank('no session id', 429, () => ({ body: LIST })),
  rank('a live id, DELETE', 200, ({ live }) => ({ session: live, method: 'DELETE' })),
];

describe('What is asked first (F21)', () => {
  it.each(PRECEDENCE)('$what: $status', ({ ask, status }) =>
    inVirtualTime({ ...LIMITED, initializeRate: 2, authToken: TOKENS }, async ({ raw, clock }) => {
      const [alice, bob] = [callerWith(raw, TOKEN_A), callerWith(raw, TOKEN_B)];
      const [live, ended, foreign] = [await alice.open(), await alice.open(), await bob.open()];
      await alice.send({ method: 'DELETE', session: ended });
      await clock.sleep(1_000);
      await statuses(3, () => alice.send({ session: live, body: LIST }));
      await statuses(3, () => alice.send({ session: UNKNOWN_ID, body: LIST }));
      expect((await alice.initialize()).status).toBe(429);
      expect((await alice.send(ask({ live, ended, foreign }))).status).toBe(status);
    }),
  );
});

describe('The switch for load tests', () => {
  it('takes every limit away', () =>
    inVirtualTime({ ...LIMITED, rateLimit: 'off' }, async ({ raw }) => {
      const session = await raw.open();
      expect(await statuses(20, () => raw.initialize())).toEqual(Array(20).fill(200));
      expect(await statuses(20, () => raw.ping(session))).toEqual(Array(20).fill(200));
    }));
});

describe('The limiter itself', () => {
  it('holds no timer that keeps the process alive (F58)', () =>
    inVirtualTime(LIMITED, async ({ raw, time, hub, target }) => {
      const session = await raw.open();
      await raw.ping(session);
      await raw.send({ session: UNKNOWN_ID, body: LIST });
      expect(time.heldTimers()).toBe(0);
      target.signal?.('SIGTERM');
      expect(await target.exited).toEqual({ code: 0, signal: null });
      await hub.shutdown();
    }));

  it('ends a window in time although the wall clock is set back meanwhile (F19)', () =>
    inVirtualTime(LIMITED, async ({ raw, clock }) => {
      await statuses(3, () => raw.initialize());
      const real = Date.now;
      try {
        Date.now = () => real() - 3_600_000;
        expect(await raw.initialize()).toMatchObject(tooMany('60'));
        await clock.sleep(60_000);
        expect((await raw.initialize()).status).toBe(200);
      } finally {
        Date.now = real;
      }
    }));
});

describe('The log of refusals', () => {
  async function logOf(options: HubOptions, story: (world: VirtualWorld) => Promise<void>) {
    const lines: string[] = [];
    const logger = new HubLogger('info', { write: (line) => void lines.push(line) });
    await inVirtualTime({ ...LIMITED, ...options }, story, { logger });
    return lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'refusals');
  }

  it('has one line per minute and kind, with a count', async () => {
    const lines = await logOf({}, async ({ raw, clock }) => {
      await statuses(13, () => raw.initialize());
      await statuses(8, () => raw.send({ session: UNKNOWN_ID, body: LIST }));
      await raw.send({ body: LIST, headers: { host: 'evil.example' } });
      await clock.sleep(60_000);
      await statuses(4, () => raw.initialize());
      await clock.sleep(60_000);
      await clock.sleep(600_000);
    });
    expect(lines.map(({ kind, count }) => [kind, count])).toEqual([
      ['TOO_MANY_REQUESTS', 10],
      ['UNKNOWN_SESSIONS', 5],
      ['FORBIDDEN_HOST', 1],
      ['TOO_MANY_REQUESTS', 1],
    ]);
  });

  it('is written to its end when the hub shuts down', async () => {
    const lines = await logOf({}, async ({ raw, hub }) => {
      await statuses(5, () => raw.initialize());
      await hub.shutdown();
    });
    expect(lines.map(({ kind, count }) => [kind, count])).toEqual([['TOO_MANY_REQUESTS', 2]]);
  });
});

describe('addressKey', () => {
  const rows: readonly [address: string | undefined, key: string, why: string][] = [
    ['192.0.2.1', '192.0.2.1', 'IPv4'],
    ['::ffff:192.0.2.1', '192.0.2.1', 'IPv4 on a socket of both families'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', 'the network'],
    ['2001:db8:1:2:aaaa::1', '2001:db8:1:2::/64', 'another address of it'],
    ['2001:db8::1', '2001:db8:0:0::/64', 'zeros left out'],
    ['::1', '0:0:0:0::/64', 'this machine'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64', 'with a zone'],
    [undefined, 'unknown', 'a connection that is closed already'],
  ];
  it.each(rows)('%s is %s: %s', (address, key) => expect(addressKey(address)).toBe(key));
});
