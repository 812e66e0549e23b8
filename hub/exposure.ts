import { isLoopback } from './address.ts';
import { ConfigError, type HubConfig } from './config.ts';
import { OWN_NAMES } from './settings.ts';

/**
 * A hub that other machines can reach asks who they are, and knows by which names it is called: otherwise
 * whoever finds its port may use it (F35).
 * @throws ConfigError that names the ways out
 */
export function refuseExposure(config: HubConfig, isAuthenticated: boolean): void {
  if (config.isInsecureAllowed || isLoopback(config.host)) return;
  const hasOwnNames = config.allowedHosts.join() !== OWN_NAMES;
  if (isAuthenticated && hasOwnNames) return;
  const missing = [
    ...(isAuthenticated ? [] : ['--auth-token (better: MCP_HUB_AUTH_TOKEN)']),
    ...(hasOwnNames ? [] : ['--allowed-hosts with the names that clients use']),
  ].join(' and ');
  throw new ConfigError(
    `--host (MCP_HUB_HOST): got '${config.host}', which other machines can reach. Set ${missing}, or let everybody in with --allow-insecure on.`,
  );
}
