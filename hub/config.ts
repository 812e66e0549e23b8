import * as z from 'zod';
import type { StaticToken } from './setting-readers.ts';
import { CAP_RULES, envName, flagName, LOG_LEVELS, SETTINGS, type Setting } from './settings.ts';

export { envName, flagName, LOG_LEVELS, SETTINGS, type Setting };

/** Everything that can be set about a hub. Times in milliseconds, sizes in bytes. */
export interface HubConfig {
  readonly host: string;
  readonly port: number;
  readonly sessionTimeoutMs: number;
  readonly clientTimeoutsMs: Readonly<Record<string, number>>;
  /** null: the loss of a stream ends no session sooner. */
  readonly streamLostMs: number | null;
  readonly heartbeatMs: number;
  readonly cleanupIntervalMs: number;
  readonly handshakeTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly streamRetryMs: number;
  readonly drainMs: number;
  readonly isWebSocketOn: boolean;
  /** Path of the session store; empty: sessions live in memory. */
  readonly store: string;
  readonly maxEvents: number;
  readonly maxEventBytes: number;
  readonly eventAgeMs: number;
  readonly maxBufferedBytes: number;
  readonly maxSessions: number;
  /** 0: no cap. */
  readonly maxSessionsPerClient: number;
  readonly capRule: (typeof CAP_RULES)[number];
  /** Per session. */
  readonly maxCalls: number;
  readonly isRateLimited: boolean;
  /** Per client and minute. */
  readonly initializeRate: number;
  /** Per session and second. */
  readonly sessionRate: number;
  readonly authTokens: readonly StaticToken[];
  readonly isInsecureAllowed: boolean;
  readonly maxBodyBytes: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly allowedHosts: readonly string[];
  readonly logLevel: (typeof LOG_LEVELS)[number];
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
  const got = setting.isSecret ? 'got a text that does not fit' : `got '${text}'`;
  return new ConfigError(`${flagName(setting)} (${envName(setting)}): ${got}, ${allowed}.`);
}

const ms = z.number().positive();

/** The shape of a whole configuration, checked once more as such, so that types follow from it. */
const ConfigSchema: z.ZodType<HubConfig> = z.strictObject({
  host: z.string(),
  port: z.number().int(),
  sessionTimeoutMs: ms,
  clientTimeoutsMs: z.record(z.string(), ms),
  streamLostMs: ms.nullable(),
  heartbeatMs: ms,
  cleanupIntervalMs: ms,
  handshakeTimeoutMs: ms,
  keepAliveMs: ms,
  streamRetryMs: ms,
  drainMs: ms,
  isWebSocketOn: z.boolean(),
  store: z.string(),
  maxEvents: z.number().int().positive(),
  maxEventBytes: z.number().int().positive(),
  eventAgeMs: ms,
  maxBufferedBytes: z.number().int().positive(),
  maxSessions: z.number().int().positive(),
  maxSessionsPerClient: z.number().int().nonnegative(),
  capRule: z.enum(CAP_RULES),
  maxCalls: z.number().int().positive(),
  isRateLimited: z.boolean(),
  initializeRate: z.number().int().positive(),
  sessionRate: z.number().int().positive(),
  authTokens: z.array(z.strictObject({ name: z.string(), digest: z.string() })),
  isInsecureAllowed: z.boolean(),
  maxBodyBytes: z.number().int().positive(),
  headersTimeoutMs: ms,
  requestTimeoutMs: ms,
  allowedHosts: z.array(z.string()),
  logLevel: z.enum(LOG_LEVELS),
});
