import { Command, Option } from 'commander';
import { ConfigError, envName, flagName, type HubConfig, loadConfig, SETTINGS } from './config.ts';
import { createHub } from './hub.ts';

/** Exit codes follow the simulator's: 104 for bad input, 107 for a hub that cannot run. */
const EXIT = { badInput: 104, failed: 107, secondSignal: { SIGINT: 130, SIGTERM: 143 } } as const;

/** The hub's command line: one flag per setting, each also an environment variable. */
export function hubCommand(name: string, run: (config: HubConfig) => Promise<void>): Command {
  const command = new Command(name)
    .description(
      'Run the reference MCP hub: Streamable HTTP on /mcp, with GET /health, GET /sessions and GET /metrics.',
    )
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT.badInput))
    .addHelpText('after', HELP);
  for (const setting of SETTINGS) {
    const describes = `${setting.describes} (default: ${setting.fallback || 'none'}, env: ${envName(setting)})`;
    command.addOption(new Option(`${flagName(setting)} ${setting.placeholder}`, describes));
  }
  return command.action(async (options: Record<string, string>) => run(loadConfig(options, process.env)));
}

const HELP = `
Durations are numbers with a unit: 250ms, 30s, 5m, 1h.
A flag is stronger than its environment variable. Give tokens as a variable: flags show in process lists.

Beyond this machine the hub listens only with --auth-token and --allowed-hosts, or with --allow-insecure on.
Answers: 401 no valid token · 404 no such session (never hidden by a limit) · 429 too fast, or too many sessions of
one client · 503 no session free, or shutting down. 429 and 503 say in Retry-After when to come back.
For load tests: --rate-limit off.

SIGINT and SIGTERM shut down gracefully: no new sessions, calls in flight are let finish (--drain), streams
end, and the process ends by itself. A second signal ends it at once.

Example:
  npm run hub -- --port 9000 --session-timeout 10m --client-timeouts batch-agent=1h`;

/** Starts a hub and shuts it down on SIGINT or SIGTERM. */
export async function runHub(config: HubConfig): Promise<void> {
  const hub = createHub(config);
  const listening = hub.listen();
  let isShuttingDown = false;
  const shutDown = (signal: keyof typeof EXIT.secondSignal) => {
    if (isShuttingDown) process.exit(EXIT.secondSignal[signal]);
    isShuttingDown = true;
    listening.then(() => hub.shutdown()).catch(fail);
  };
  // Before the hub says that it listens: whoever reads that may signal in the same instant.
  process.on('SIGINT', shutDown);
  process.on('SIGTERM', shutDown);
  await listening;
}

function fail(error: unknown): void {
  const isBadInput = error instanceof ConfigError;
  process.stderr.write(`mcp-soak hub: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isBadInput ? EXIT.badInput : EXIT.failed;
}

if (import.meta.main) await hubCommand('mcp-soak hub', runHub).parseAsync().catch(fail);
