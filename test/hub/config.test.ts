import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ConfigError, envName, flagName, type HubConfig, loadConfig, SETTINGS } from '../../hub/config.ts';

interface Row {
  readonly name: string;
  readonly env: string;
  readonly flag: string;
  readonly key: keyof HubConfig;
  readonly fallback: unknown;
  readonly text: string;
  readonly value: unknown;
}

function row(
  name: string,
  key: keyof HubConfig,
  words: string,
  fallback: unknown,
  text: string,
  value: unknown,
) {
  const env = `MCP_HUB_${words.replaceAll('-', '_').toUpperCase()}`;
  return { name, key, env, flag: `--${words}`, fallback, text, value };
}

const digestOf = (token: string) => createHash('sha256').update(token).digest('hex');

const ROWS: readonly Row[] = [
  row('host', 'host', 'host', '127.0.0.1', '0.0.0.0', '0.0.0.0'),
  row('port', 'port', 'port', 8_000, '0', 0),
  row('sessionTimeout', 'sessionTimeoutMs', 'session-timeout', 300_000, '10m', 600_000),
  row('clientTimeouts', 'clientTimeoutsMs', 'client-timeouts', {}, 'a=1s, b=2m', { a: 1_000, b: 120_000 }),
  row('streamLostTimeout', 'streamLostMs', 'stream-lost-timeout', null, '2m', 120_000),
  row('heartbeat', 'heartbeatMs', 'heartbeat', 30_000, '250ms', 250),
  row('cleanupInterval', 'cleanupIntervalMs', 'cleanup-interval', 60_000, '1h', 3_600_000),
  row('handshakeTimeout', 'handshakeTimeoutMs', 'handshake-timeout', 30_000, '1.5s', 1_500),
  row('keepAlive', 'keepAliveMs', 'keep-alive', 15_000, '20 s', 20_000),
  row('streamRetry', 'streamRetryMs', 'stream-retry', 3_000, '500ms', 500),
  row('websocket', 'isWebSocketOn', 'websocket', false, 'on', true),
  row('store', 'store', 'store', '', '/tmp/a.db', '/tmp/a.db'),
  row('maxEvents', 'maxEvents', 'max-events', 200, '10', 10),
  row('maxEventBytes', 'maxEventBytes', 'max-event-bytes', 262_144, '1024', 1_024),
  row('eventAge', 'eventAgeMs', 'event-age', 300_000, '1m', 60_000),
  row('maxBuffered', 'maxBufferedBytes', 'max-buffered', 262_144, '65536', 65_536),
  row('drain', 'drainMs', 'drain', 10_000, '1000', 1_000),
  row('maxSessions', 'maxSessions', 'max-sessions', 10_000, '1', 1),
  row('maxSessionsPerClient', 'maxSessionsPerClient', 'max-sessions-per-client', 0, '5', 5),
  row('capRule', 'capRule', 'cap-rule', 'refuse', 'evict-idle', 'evict-idle'),
  row('maxCalls', 'maxCalls', 'max-calls', 1_000, '20', 20),
  row('rateLimit', 'isRateLimited', 'rate-limit', true, 'off', false),
  row('initializeRate', 'initializeRate', 'initialize-rate', 300, '12', 12),
  row('sessionRate', 'sessionRate', 'session-rate', 100, '7', 7),
  row('authToken', 'authTokens', 'auth-token', [], 'ci=0123456789abcdef, 0123456789ABCDE+==', [
    { name: 'ci', digest: '9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f' },
    { name: 'token-2', digest: digestOf('0123456789ABCDE+==') },
  ]),
  row('allowInsecure', 'isInsecureAllowed', 'allow-insecure', false, 'on', true),
  row('maxBody', 'maxBodyBytes', 'max-body', 4_194_304, '1024', 1_024),
  row('headersTimeout', 'headersTimeoutMs', 'headers-timeout', 10_000, '5s', 5_000),
  row('requestTimeout', 'requestTimeoutMs', 'request-timeout', 12_000, '1m', 60_000),
  row(
    'allowedHosts',
    'allowedHosts',
    'allowed-hosts',
    ['localhost', '127.0.0.1', '[::1]'],
    ' Hub.example , localhost,',
    ['hub.example', 'localhost'],
  ),
  row('logLevel', 'logLevel', 'log-level', 'info', 'silent', 'silent'),
];

describe('The settings', () => {
  it('are these, and no others', () => {
    expect(SETTINGS.map((setting) => setting.name)).toEqual(ROWS.map(({ name }) => name));
    expect(Object.keys(loadConfig()).sort()).toEqual(ROWS.map(({ key }) => key).sort());
  });

  it.each(ROWS)('$name: is $flag and $env, and $fallback when nobody says', (expected) => {
    const setting = SETTINGS.find(({ name }) => name === expected.name);
    if (!setting) throw new Error(`no setting ${expected.name}`);
    expect(flagName(setting)).toBe(expected.flag);
    expect(envName(setting)).toBe(expected.env);
    expect(loadConfig()[expected.key]).toEqual(expected.fallback);
    expect(setting.describes).not.toBe('');
  });

  it.each(ROWS)(
    '$name: $text reads as $value, as option and as variable',
    ({ name, key, env, text, value }) => {
      expect(loadConfig({ [name]: text })[key]).toEqual(value);
      expect(loadConfig({}, { [env]: text })[key]).toEqual(value);
    },
  );

  it.each(ROWS)('$name: the option is stronger than the variable', ({ name, key, env, text, value }) => {
    const other = ROWS.find((entry) => entry.name === name)?.fallback;
    const weaker = typeof other === 'number' ? String(other) : 'debug';
    expect(loadConfig({ [name]: text }, { [env]: weaker })[key]).toEqual(value);
  });

  it('takes numbers for durations and counts; undefined is not set', () => {
    expect(loadConfig({ sessionTimeout: 1_234, maxSessions: 7, heartbeat: undefined })).toMatchObject({
      sessionTimeoutMs: 1_234,
      maxSessions: 7,
      heartbeatMs: 30_000,
    });
  });
});

const DURATION = 'expected a duration of at least 1ms such as 250ms, 30s or 5m, at most 596h';
const PAIRS = 'expected name=duration pairs such as batch-agent=30m,ui=2m';

const REFUSED: readonly [name: string, text: string, allowed: string][] = [
  ['sessionTimeout', '', DURATION],
  ['sessionTimeout', '0', DURATION],
  ['sessionTimeout', '0.5ms', DURATION],
  ['sessionTimeout', '-5s', DURATION],
  ['sessionTimeout', '5 minutes', DURATION],
  ['sessionTimeout', '1d', DURATION],
  ['sessionTimeout', '5constructor', DURATION],
  ['sessionTimeout', 'Infinity', DURATION],
  ['sessionTimeout', 'NaN', DURATION],
  ['sessionTimeout', '597h', DURATION],
  ['heartbeat', 'often', DURATION],
  ['streamLostTimeout', 'on', 'expected off, or a duration of at least 1ms'],
  ['streamLostTimeout', '0', 'expected off, or a duration of at least 1ms'],
  ['cleanupInterval', '1e3', DURATION],
  ['handshakeTimeout', '30 S', DURATION],
  ['keepAlive', 'null', DURATION],
  ['drain', '0s', DURATION],
  ['headersTimeout', '1,5s', DURATION],
  ['requestTimeout', 's', DURATION],
  ['port', '65536', 'expected a whole number from 0 to 65535'],
  ['port', '-1', 'expected a whole number from 0 to 65535'],
  ['port', '80.5', 'expected a whole number from 0 to 65535'],
  ['port', '', 'expected a whole number from 0 to 65535'],
  ['port', 'http', 'expected a whole number from 0 to 65535'],
  ['maxSessions', '0', 'expected a whole number from 1 to 10000000'],
  ['maxSessions', 'many', 'expected a whole number from 1 to 10000000'],
  ['maxSessionsPerClient', '-1', 'expected a whole number from 0 to 10000000'],
  ['capRule', 'evict', 'refuse'],
  ['rateLimit', 'true', 'expected on or off'],
  ['rateLimit', '', 'expected on or off'],
  ['allowInsecure', '1', 'expected on or off'],
  ['initializeRate', '0', 'expected a whole number from 1 to 10000000'],
  ['sessionRate', '0.5', 'expected a whole number from 1 to 10000000'],
  ['maxBody', '0', 'expected a whole number from 1 to 1073741824'],
  ['maxBody', '4MiB', 'expected a whole number from 1 to 1073741824'],
  ['clientTimeouts', 'a', PAIRS],
  ['clientTimeouts', 'a=', PAIRS],
  ['clientTimeouts', '=5s', PAIRS],
  ['clientTimeouts', 'a=0s', PAIRS],
  ['clientTimeouts', 'a=5s;b=6s', PAIRS],
  ['clientTimeouts', 'a=5constructor', PAIRS],
  ['clientTimeouts', 'a=5s=6s', PAIRS],
  ['logLevel', 'loud', 'debug'],
  ['host', '', 'expected'],
];

describe('A setting that cannot be read', () => {
  it.each(REFUSED)("%s '%s': is named with what it got and what is allowed", (name, text, allowed) => {
    const known = ROWS.find((entry) => entry.name === name);
    for (const load of [
      () => loadConfig({ [name]: text }),
      () => loadConfig({}, { [known?.env ?? '']: text }),
    ]) {
      expect(load).toThrow(ConfigError);
      expect(load).toThrow(known?.flag);
      expect(load).toThrow(known?.env);
      expect(load).toThrow(`got '${text}'`);
      expect(load).toThrow(allowed);
    }
  });

  const badTokens = [
    'tooShort-123456',
    'ci=tooShort-123456',
    '=0123456789abcdef',
    'ci=0123456789 abcdef',
    'c i=0123456789abcdef',
  ];
  it.each(badTokens)("is authToken '%s': named without being shown", (text) => {
    for (const load of [
      () => loadConfig({ authToken: text }),
      () => loadConfig({}, { MCP_HUB_AUTH_TOKEN: `ci=0123456789abcdef,${text}` }),
    ]) {
      expect(load).toThrow(
        /^--auth-token \(MCP_HUB_AUTH_TOKEN\): got a text that does not fit, expected tokens of at least 16 /,
      );
      expect(load).not.toThrow(text.slice(0, 15));
      expect(load).not.toThrow('0123456789');
    }
  });

  it('is an option that does not exist: the error lists those that do', () => {
    expect(() => loadConfig({ sesionTimeout: '5m' })).toThrow(
      /^Unknown hub option 'sesionTimeout'\. There are: host, port, sessionTimeout, .*logLevel\.$/,
    );
  });

  it('is a time for headers beyond that for the whole request, which Node refuses', () => {
    const load = () => loadConfig({ headersTimeout: '20s' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(
      "--headers-timeout (MCP_HUB_HEADERS_TIMEOUT): got '20s', expected at most --request-timeout, which is 12000ms.",
    );
    expect(() => loadConfig({ requestTimeout: '5s' })).toThrow('expected at most --request-timeout');
    expect(loadConfig({ headersTimeout: '12s' }).headersTimeoutMs).toBe(12_000);
  });
});
