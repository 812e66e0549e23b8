/**
 * What a client does when it is refused, cut off, or told that its session is gone:
 * `plain` ends its flow at the first 404 · `compliant` as the specification wants it · `sdk-like` as the official
 * TypeScript client 1.32 · `stuck` asks on with the dead id · `herd` comes back in the same instant as all others ·
 * `claude-like` numbers every request 1. The rules are in fleet/profiles/.
 */
export const CLIENT_PROFILES = ['plain', 'compliant', 'sdk-like', 'stuck', 'herd', 'claude-like'] as const;
export type ClientProfile = (typeof CLIENT_PROFILES)[number];

/** Those that open another session when theirs is gone, and go on with that. */
export const STARTING_OVER: readonly ClientProfile[] = ['compliant', 'herd'];
