import { parseDuration, resolveDuration } from './duration.ts';
import type { Scenario } from './schema.ts';
import type { Mode } from './schema-parts.ts';

/**
 * Options of the bundled reference hub that a scenario asks for, by the hub's own names and as its own text;
 * what it does not name keeps the hub's default. Known before there is a policy: the hub's policy follows from it.
 */
export function hubOptions(scenario: Scenario, mode: Mode): Record<string, string | number> {
  const { maxSessions, clientTimeouts, ...durations } = scenario.hub?.[mode] ?? {};
  const timeouts = Object.entries(clientTimeouts ?? {}).map(([client, text]) => `${client}=${inMs(text)}`);
  return {
    ...Object.fromEntries(
      Object.entries(durations).flatMap(([name, text]) => (text === undefined ? [] : [[name, inMs(text)]])),
    ),
    ...(maxSessions !== undefined && { maxSessions }),
    ...(timeouts.length > 0 && { clientTimeouts: timeouts.join(',') }),
  };
}

function inMs(text: string): string {
  return `${resolveDuration(parseDuration(text), { T: null, C: null, H: null, D: null })}ms`;
}
