import { Command } from 'commander';
import { ConfigError } from '../hub/config.ts';
import { hubCommand, runHub } from '../hub/main.ts';
import { listScenarios } from './commands/list.ts';
import { type Console, type RunOptions, runScenarios } from './commands/run.ts';
import { validateScenarios } from './commands/validate.ts';
import { EXIT } from './exit-code.ts';
import { RequestError } from './run-request.ts';
import { ScenarioError } from './scenario/errors.ts';
import { TOOL } from './tool.ts';

/** The command line. The only place of the simulator that ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const console: Console = { out: process.stdout, err: process.stderr, stop: stopOnSignal() };
  ignoreClosedPipe();
  try {
    await program(console).parseAsync([...argv]);
  } catch (error) {
    process.exitCode = explain(error);
  }
}

function program(console: Console): Command {
  const mcpSoak = new Command(TOOL.name)
    .description('Proves that MCP servers keep their sessions in order.')
    .version(TOOL.version)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', MANUAL)
    .showHelpAfterError('(add --help for the manual)')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.pass : EXIT.badInput));

  mcpSoak
    .command('run')
    .description('Run scenarios and judge every session.')
    .argument('<scenario...>', 'scenario files, or names of bundled ones (mcp-soak list)')
    .option('--mode <mode>', 'virtual, real or both (default: virtual; real with --target)')
    .option('--seed <number>', 'repeat the run that had this seed (default: a new one, printed)')
    .option('--target <url>', 'load this MCP endpoint instead of the reference hub')
    .option('--policy <name=value...>', 'what that target promises, where it does not publish it itself')
    .option('--allow-remote', 'let --target be another machine')
    .option('--out <dir>', 'where reports go', 'reports')
    .option('--json', 'print the result documents and nothing else, one a line')
    .option('--quiet', 'print only what did not pass')
    .addHelpText('after', RUN_MANUAL)
    .action(async (names: string[], options: RunOptions) => {
      process.exitCode = await runScenarios(names, options, console);
    });

  mcpSoak
    .command('list')
    .description('List the bundled scenarios and the failure modes they cover.')
    .action(async () => {
      console.out.write(await listScenarios());
    });

  mcpSoak
    .command('validate')
    .description('Check scenario files without running them.')
    .argument('<file...>', 'scenario files, or names of bundled ones')
    .action(async (files: string[]) => {
      process.exitCode = await validateScenarios(files, console);
    });

  mcpSoak.addCommand(hubCommand('hub', runHub));
  return mcpSoak;
}

const MANUAL = `
Exit codes:
  0    every check passed
  98   a check could not be decided (the machine was too busy to measure, say)
  99   a check failed, or saw nothing it could judge
  104  a scenario, an option or a target that cannot be used
  105  stopped by Ctrl-C or SIGTERM; what there was has been judged and written
  107  mcp-soak or the target broke

Examples:
  mcp-soak run abandon                                      against the reference hub, in virtual time
  mcp-soak run abandon churn --mode both                    in virtual time, then with real sockets
  mcp-soak run ./mine.yaml --target http://127.0.0.1:3000/mcp --policy sessionTimeout=5m cleanupInterval=1m
  mcp-soak hub --port 9000                                  the reference hub alone`;

const RUN_MANUAL = `
Virtual mode runs the target in this process, without sockets, on a clock that jumps: minutes take seconds, and
the same seed gives the same run. Real mode uses sockets and the time there is.

--policy takes sessionTimeout (T), cleanupInterval (C), handshakeTimeout (H), deadPeer (D), drain, maxSessions.
What is not promised cannot be judged; durations of the scenario that use it are then refused.

Every run writes result.json, events.jsonl and summary.txt below --out. Ctrl-C stops cleanly: what there is by
then is judged and written. A second Ctrl-C stops at once.`;

/** First signal: stop cleanly. Second: stop. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT.aborted);
    stop.abort();
  };
  // The hub command has handlers of its own.
  if (process.argv[2] === 'run') {
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    // The terminal was closed.
    process.on('SIGHUP', onSignal);
  }
  return stop.signal;
}

/** `mcp-soak … | head` is no reason to crash. */
function ignoreClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.pass);
    throw error;
  });
}

/** Says what went wrong; returns the exit code. */
function explain(error: unknown): number {
  const isBadInput =
    error instanceof ScenarioError || error instanceof RequestError || error instanceof ConfigError;
  if (isBadInput) {
    process.stderr.write(`mcp-soak: ${error.message}\n`);
    return EXIT.badInput;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`mcp-soak broke, or its target did:\n${text}\n`);
  return EXIT.crash;
}
