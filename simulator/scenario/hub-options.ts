import { parseDuration, resolveDuration } from './duration.ts';
import type { Scenario } from './schema.ts';
import type { Mode } from './schema-parts.ts';

/**
 * Options of the bundled reference hub that a scenario asks for, by the hub's own names and as its own text;
 * what it does not name keeps the hub's default. Known before there is a policy: the hub's policy follows from it.
 */
export function hubOptions(scenario: Scenario, mode: Mode): Record<string, string | number> {
  const { clientTimeouts, ...settings } = scenario.hub?.[mode] ?? {};
  const { maxSessions, maxSessionsPerClient, capRule, maxEvents, maxBuffered, ...others } = settings;
  const { rateLimit, initializeRate, sessionRate, ...durations } = others;
  // Who sets a rate wants it to hold.
  const isRateSet = initializeRate !== undefined || sessionRate !== undefined;
  const asWritten = {
    maxSessions,
    maxSessionsPerClient,
    capRule,
    maxEvents,
    maxBuffered,
    rateLimit: rateLimit ?? (isRateSet ? 'on' : undefined),
    initializeRate,
    sessionRate,
  };
  const timeouts = Object.entries(clientTimeouts ?? {}).map(([client, text]) => `${client}=${inMs(text)}`);
  // Who somebody is does not depend on the mode.
  const tokens = Object.entries(scenario.hub?.authTokens ?? {}).map(([name, token]) => `${name}=${token}`);
  return {
    ...Object.fromEntries(
      Object.entries(durations).flatMap(([name, text]) => (text === undefined ? [] : [[name, inMs(text)]])),
    ),
    ...Object.fromEntries(
      Object.entries(asWritten).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    ...(timeouts.length > 0 && { clientTimeouts: timeouts.join(',') }),
    ...(tokens.length > 0 && { authToken: tokens.join(',') }),
  };
}

function inMs(text: string): string {
  return `${resolveDuration(parseDuration(text), { T: null, C: null, H: null, D: null })}ms`;
}
