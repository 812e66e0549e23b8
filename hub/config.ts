import * as z from 'zod';
import { parseDuration } from './duration.ts';

/** Log levels of pino, quietest last. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** Everything that can be set about a hub. Times in milliseconds, sizes in bytes. */
export interface HubConfig {
  readonly host: string;
  readonly port: number;
  readonly sessionTimeoutMs: number;
  readonly clientTimeoutsMs: Readonly<Record<string, number>>;
  readonly heartbeatMs: number;
  readonly cleanupIntervalMs: number;
  readonly handshakeTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly drainMs: number;
  readonly maxSessions: number;
  readonly maxBodyBytes: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly allowedHosts: readonly string[];
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

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
  readonly read: z.ZodType<unknown, string>;
}

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1 && ms <= MAX_TIMER_MS) return Math.round(ms);
  context.addIssue({
    code: 'custom',
    message: 'expected a duration of at least 1ms such as 250ms, 30s or 5m, at most 596h',
  });
  return z.NEVER;
});

/** Timers take 31 bits of milliseconds; anything longer would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const count = ({ min, max }: { min: number; max: number }) =>
  z.string().transform((text, context) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    context.addIssue({ code: 'custom', message: `expected a whole number from ${min} to ${max}` });
    return z.NEVER;
  });

const clientTimeouts = z.string().transform((text, context) => {
  const timeouts: Record<string, number> = {};
  for (const entry of text.split(',').filter((part) => part.trim() !== '')) {
    const [name = '', timeout = '', ...rest] = entry.split('=').map((part) => part.trim());
    const ms = parseDuration(timeout);
    if (name === '' || ms === undefined || ms <= 0 || rest.length > 0) {
      context.addIssue({
        code: 'custom',
        message: 'expected name=duration pairs such as batch-agent=30m,ui=2m',
      });
      return z.NEVER;
    }
    timeouts[name] = ms;
  }
  return timeouts;
});

const names = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== ''),
);

export const SETTINGS: readonly Setting[] = [
  {
    name: 'host',
    key: 'host',
    placeholder: '<address>',
    fallback: '127.0.0.1',
    describes: 'address to listen on',
    read: z.string().min(1),
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
    describes: 'refuse new sessions with 503 beyond this many',
    read: count({ min: 1, max: 10_000_000 }),
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
    fallback: 'localhost,127.0.0.1,[::1]',
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

/** Options by name, each as text or number: `{ sessionTimeout: '2s', maxSessions: 100 }`. */
export type HubOptions = Readonly<Record<string, string | number | undefined>>;

/** A setting that cannot be read: names it, says what it got and what is allowed. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * The configuration from options (strongest), environment and defaults.
 * @throws ConfigError for an unknown option or a value that does not fit
 */
export function loadConfig(options: HubOptions = {}, env: NodeJS.ProcessEnv = {}): HubConfig {
  const known = new Set(SETTINGS.map((setting) => setting.name));
  const unknown = Object.keys(options).find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new ConfigError(`Unknown hub option '${unknown}'. There are: ${[...known].join(', ')}.`);
  }
  const entries = SETTINGS.map((setting) => {
    const text = textOf(setting, options, env);
    const parsed = setting.read.safeParse(text);
    if (parsed.success) return [setting.key, parsed.data];
    throw misfit(setting, text, parsed.error.issues.map((issue) => issue.message).join('; '));
  });
  const config = ConfigSchema.parse(Object.fromEntries(entries));
  if (config.headersTimeoutMs > config.requestTimeoutMs) {
    // Node refuses this combination, in words that name neither setting.
    const setting = SETTINGS.find(({ key }) => key === 'headersTimeoutMs');
    const allowed = `expected at most --request-timeout, which is ${config.requestTimeoutMs}ms`;
    if (setting) throw misfit(setting, textOf(setting, options, env), allowed);
  }
  return config;
}

function textOf(setting: Setting, options: HubOptions, env: NodeJS.ProcessEnv): string {
  return String(options[setting.name] ?? env[envName(setting)] ?? setting.fallback);
}

function misfit(setting: Setting, text: string, allowed: string): ConfigError {
  return new ConfigError(`${flagName(setting)} (${envName(setting)}): got '${text}', ${allowed}.`);
}

const ms = z.number().positive();

/** The shape of a whole configuration, checked once more as such, so that types follow from it. */
const ConfigSchema: z.ZodType<HubConfig> = z.strictObject({
  host: z.string(),
  port: z.number().int(),
  sessionTimeoutMs: ms,
  clientTimeoutsMs: z.record(z.string(), ms),
  heartbeatMs: ms,
  cleanupIntervalMs: ms,
  handshakeTimeoutMs: ms,
  keepAliveMs: ms,
  drainMs: ms,
  maxSessions: z.number().int().positive(),
  maxBodyBytes: z.number().int().positive(),
  headersTimeoutMs: ms,
  requestTimeoutMs: ms,
  allowedHosts: z.array(z.string()),
  logLevel: z.enum(LOG_LEVELS),
});
