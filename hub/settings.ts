import * as z from 'zod';
import type { HubConfig } from './config.ts';
import {
  clientTimeouts,
  count,
  duration,
  durationOrOff,
  names,
  onOrOff,
  plainText,
  type Reader,
  staticTokens,
} from './setting-readers.ts';

/** Log levels of pino, quietest last. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** What this machine calls itself. */
export const OWN_NAMES = 'localhost,127.0.0.1,[::1]';

/** What happens when a client asks for a session beyond a cap. */
export const CAP_RULES = ['refuse', 'evict-idle'] as const;

/**
 * One setting: its name in options (`sessionTimeout`), as environment variable (`MCP_HUB_SESSION_TIMEOUT`)
 * and as flag (`--session-timeout`), and how its text is read. Options, variables and flags all come from here.
 */
export interface Setting {
  readonly name: string;
  readonly key: keyof HubConfig;
  readonly placeholder: string;
  readonly fallback: string;
  readonly describes: string;
  readonly read: Reader;
  /** Its text is never shown. */
  readonly isSecret?: true;
}

/** In the order in which `--help` lists them. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'host',
    key: 'host',
    placeholder: '<address>',
    fallback: '127.0.0.1',
    describes: 'address to listen on',
    read: plainText,
  },
  {
    name: 'port',
    key: 'port',
    placeholder: '<number>',
    fallback: '8000',
    describes: 'port to listen on; 0 takes a free one',
    read: count({ min: 0, max: 65_535 }),
  },
  {
    name: 'sessionTimeout',
    key: 'sessionTimeoutMs',
    placeholder: '<duration>',
    fallback: '5m',
    describes: 'end a session that nobody used for this long',
    read: duration,
  },
  {
    name: 'clientTimeouts',
    key: 'clientTimeoutsMs',
    placeholder: '<name=duration,…>',
    fallback: '',
    describes: 'another session timeout for clients of these names',
    read: clientTimeouts,
  },
  {
    name: 'streamLostTimeout',
    key: 'streamLostMs',
    placeholder: '<duration|off>',
    fallback: 'off',
    describes:
      'end a session whose stream was lost after this long, if that is less than its session timeout and its client is not heard of',
    read: durationOrOff,
  },
  {
    name: 'heartbeat',
    key: 'heartbeatMs',
    placeholder: '<duration>',
    fallback: '30s',
    describes: 'ping the client of each open stream this often; three unanswered end the stream',
    read: duration,
  },
  {
    name: 'cleanupInterval',
    key: 'cleanupIntervalMs',
    placeholder: '<duration>',
    fallback: '1m',
    describes: 'look for stale sessions this often',
    read: duration,
  },
  {
    name: 'handshakeTimeout',
    key: 'handshakeTimeoutMs',
    placeholder: '<duration>',
    fallback: '30s',
    describes: 'end a session whose handshake is not completed after this long',
    read: duration,
  },
  {
    name: 'keepAlive',
    key: 'keepAliveMs',
    placeholder: '<duration>',
    fallback: '15s',
    describes: 'never let a stream or a call be silent for longer than this, so that no proxy cuts it',
    read: duration,
  },
  {
    name: 'streamRetry',
    key: 'streamRetryMs',
    placeholder: '<duration>',
    fallback: '3s',
    describes: 'ask clients to wait for this long before they open a stream again that ended',
    read: duration,
  },
  {
    name: 'websocket',
    key: 'isWebSocketOn',
    placeholder: '<on|off>',
    fallback: 'off',
    describes: 'carry sessions over WebSockets on /mcp, too; not part of the MCP specification',
    read: onOrOff,
  },
  {
    name: 'store',
    key: 'store',
    placeholder: '<file>',
    fallback: '',
    describes: 'keep sessions in this SQLite file, so that they survive a restart; one hub to a file',
    read: z.string(),
  },
  {
    name: 'maxEvents',
    key: 'maxEvents',
    placeholder: '<number>',
    fallback: '200',
    describes: 'events kept per session, so that streams that broke can be resumed',
    read: count({ min: 1, max: 1_000_000 }),
  },
  {
    name: 'maxEventBytes',
    key: 'maxEventBytes',
    placeholder: '<bytes>',
    fallback: '262144',
    describes: 'and their size in all',
    read: count({ min: 1, max: 1_073_741_824 }),
  },
  {
    name: 'eventAge',
    key: 'eventAgeMs',
    placeholder: '<duration>',
    fallback: '5m',
    describes: 'and for how long',
    read: duration,
  },
  {
    name: 'maxBuffered',
    key: 'maxBufferedBytes',
    placeholder: '<bytes>',
    fallback: '262144',
    describes: 'bytes that may wait on one stream for a slow reader',
    read: count({ min: 1, max: 1_073_741_824 }),
  },
  {
    name: 'drain',
    key: 'drainMs',
    placeholder: '<duration>',
    fallback: '10s',
    describes: 'on shutdown, let calls in flight finish for up to this long',
    read: duration,
  },
  {
    name: 'maxSessions',
    key: 'maxSessions',
    placeholder: '<number>',
    fallback: '10000',
    describes: 'most sessions at once',
    read: count({ min: 1, max: 10_000_000 }),
  },
  {
    name: 'maxSessionsPerClient',
    key: 'maxSessionsPerClient',
    placeholder: '<number>',
    fallback: '0',
    describes: 'the same for each client: its identity, or else its address; 0 sets no cap',
    read: count({ min: 0, max: 10_000_000 }),
  },
  {
    name: 'capRule',
    key: 'capRule',
    placeholder: '<rule>',
    fallback: 'refuse',
    describes: `what happens at these caps, one of ${CAP_RULES.join(', ')}: evict-idle ends the session that was idle longest, never one in use`,
    read: z.enum(CAP_RULES),
  },
  {
    name: 'maxCalls',
    key: 'maxCalls',
    placeholder: '<number>',
    fallback: '1000',
    describes: 'calls of one session that may be under way at once, whether or not their client still waits',
    read: count({ min: 1, max: 1_000_000 }),
  },
  {
    name: 'rateLimit',
    key: 'isRateLimited',
    placeholder: '<on|off>',
    fallback: 'on',
    describes: 'limit the rate of requests; off for load tests',
    read: onOrOff,
  },
  {
    name: 'initializeRate',
    key: 'initializeRate',
    placeholder: '<number>',
    fallback: '300',
    describes: 'sessions that one client may ask for in a minute; as many requests on unknown sessions',
    read: count({ min: 1, max: 10_000_000 }),
  },
  {
    name: 'sessionRate',
    key: 'sessionRate',
    placeholder: '<number>',
    fallback: '100',
    describes: 'requests that one session may send in a second',
    read: count({ min: 1, max: 10_000_000 }),
  },
  {
    name: 'authToken',
    key: 'authTokens',
    placeholder: '<token,…>',
    fallback: '',
    describes:
      'demand one of these bearer tokens, each alone or as name=token; better given as the variable: flags show in process lists',
    read: staticTokens,
    isSecret: true,
  },
  {
    name: 'allowInsecure',
    key: 'isInsecureAllowed',
    placeholder: '<on|off>',
    fallback: 'off',
    describes: 'listen beyond this machine without authentication and --allowed-hosts',
    read: onOrOff,
  },
  {
    name: 'maxBody',
    key: 'maxBodyBytes',
    placeholder: '<bytes>',
    fallback: '4194304',
    describes: 'largest request body',
    read: count({ min: 1, max: 1_073_741_824 }),
  },
  {
    name: 'headersTimeout',
    key: 'headersTimeoutMs',
    placeholder: '<duration>',
    fallback: '10s',
    describes: 'close a connection whose request headers take longer',
    read: duration,
  },
  {
    name: 'requestTimeout',
    key: 'requestTimeoutMs',
    placeholder: '<duration>',
    fallback: '12s',
    describes: 'close a connection whose whole request takes longer to arrive',
    read: duration,
  },
  {
    name: 'allowedHosts',
    key: 'allowedHosts',
    placeholder: '<name,…>',
    fallback: OWN_NAMES,
    describes: 'host names that Host and Origin may carry (protects against DNS rebinding)',
    read: names,
  },
  {
    name: 'logLevel',
    key: 'logLevel',
    placeholder: '<level>',
    fallback: 'info',
    describes: `one of ${LOG_LEVELS.join(', ')}`,
    read: z.enum(LOG_LEVELS),
  },
];

/** Environment variable of a setting: `MCP_HUB_` and the name in upper snake case. */
export function envName(setting: Setting): string {
  return `MCP_HUB_${setting.name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Flag of a setting: its name in kebab case. */
export function flagName(setting: Setting): string {
  return `--${setting.name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
