import { Command, Option } from 'commander';
import { ConfigError } from '../hub/config.ts';
import { hubCommand, runHub } from '../hub/main.ts';
import { type AuditOptions, auditTarget } from './commands/audit.ts';
import {
  type CompareOptions,
  compareResults,
  describeLimit,
  LIMIT_FLAGS,
  limitFlagName,
} from './commands/compare.ts';
import { type InitOptions, initScenario } from './commands/init.ts';
import { findLeaks, type LeakCommandOptions } from './commands/leak.ts';
import { listScenarios } from './commands/list.ts';
import { REPORT_FORMATS, type ReportOptions, reportResults } from './commands/report.ts';
import { type Console, type RunOptions, runScenarios } from './commands/run.ts';
import { RUN_REPORTS } from './commands/run-reports.ts';
import { printSchema } from './commands/schema.ts';
import { validateScenarios } from './commands/validate.ts';
import { EXIT } from './exit-code.ts';
import { RequestError } from './run-request.ts';
import { ScenarioError } from './scenario/errors.ts';
import { TOOL } from './tool.ts';

/** The command line. The only place of the simulator that ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const console: Console = {
    out: process.stdout,
    err: process.stderr,
    stop: stopOnSignal(),
    env: process.env,
  };
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

  addRun(mcpSoak, console);
  addAudit(mcpSoak, console);
  addLeak(mcpSoak, console);
  addScenarioCommands(mcpSoak, console);
  addReport(mcpSoak, console);
  addCompare(mcpSoak, console);
  mcpSoak.addCommand(hubCommand('hub', runHub));
  return mcpSoak;
}

function addRun(mcpSoak: Command, console: Console): void {
  mcpSoak
    .command('run')
    .description('Run scenarios and judge every session.')
    .argument('<scenario...>', 'scenario files, names of bundled ones (mcp-soak list), or all of these: all')
    .option('--mode <mode>', 'virtual, real or both (default: virtual; real with --target and --command)')
    .option('--seed <number>', 'repeat the run that had this seed (default: a new one, printed)')
    .option('--repeat <n>', 'run each n times, with seeds seed, seed + 1, …')
    .option('--target <url>', 'load this MCP endpoint instead of the reference hub')
    .option('--command <line>', 'start this as the target, in a shell; needs --url')
    .option('--url <url>', 'where --command listens; with --module, the path of its endpoint (default: /mcp)')
    .option('--module <file>', 'load the server that this module exports')
    .option('--policy <name=value...>', 'what the target promises, where it does not publish it itself')
    .option('--header <line>', "sent with every request: 'Authorization: Bearer …'", collect)
    .option('--allow-remote', 'let --target be another machine')
    .option('--heap', 'look at the heap, handles and event loop of a Node target through its inspector')
    .option(
      '--inspect-pid <pid>',
      'the same of a Node process that runs already, on this machine and of this user',
    )
    .option('--sessions-from <source>', 'read the number of sessions there: prometheus:…, json:…, cmd:…')
    .option('--out <dir>', 'where reports go', 'reports')
    .option(
      '--report <formats>',
      'write these as well: junit, markdown, ctrf, openmetrics (with a comma between)',
    )
    .option('--save-baseline <dir>', 'write results for mcp-soak compare there, one a scenario and mode')
    .option('--json', 'print the result documents and nothing else, one a line')
    .option('--quiet', 'print only what did not pass')
    .addHelpText('after', RUN_MANUAL)
    .action(async (names: string[], options: RunOptions) => {
      process.exitCode = await runScenarios(names, options, console);
    });
}

function addAudit(mcpSoak: Command, console: Console): void {
  mcpSoak
    .command('audit')
    .description('Look for every known failure mode of sessions in one MCP server.')
    .argument('[target]', 'a URL as --target, or a file as --module (default: the reference hub)')
    .option('--target <url>', 'audit the MCP endpoint that runs there')
    .option('--command <line>', 'start this, in a shell, and audit it; needs --url')
    .option('--url <url>', 'where --command listens; with --module, the path of its endpoint (default: /mcp)')
    .option('--module <file>', 'audit the server that this module exports, in virtual time')
    .option('--mode <mode>', 'virtual or real (default: virtual; real with --target and --command)')
    .option(
      '--session-timeout <duration>',
      'the idle timeout that is promised (default: as published, or found out)',
    )
    .option('--cleanup-interval <duration>', 'how often idle sessions are looked for')
    .option('--policy <name=value...>', 'what else the target promises, as for mcp-soak run')
    .option('--sessions-from <source>', 'read the number of sessions there: prometheus:…, json:…, cmd:…')
    .option('--header <line>', "sent with every request: 'Authorization: Bearer …'", collect)
    .option('--other-header <line>', 'the same of a second identity, to which sessions are foreign', collect)
    .option('--echo-tool <tool>', 'a harmless tool that gives a text back: echo {"message":"$TAG"}')
    .option('--slow-tool <tool>', 'a harmless tool that takes its time: sleep {"ms":$MS}')
    .option('--only <checks>', 'failure modes or names, with a comma between: F12,F36')
    .option(
      '--memory',
      'measure what stays behind as well, as mcp-soak leak does, in a minute or two; in real time',
    )
    .option('--session-budget <bytes>', 'with --memory: what an open session may weigh (default: 1MiB)')
    .option('--inspect-pid <pid>', 'with --memory and --target: the Node process to look at, on this machine')
    .option('--list', 'print every check there is, and what it demands')
    .option('--bail', 'stop at the first failure')
    .option(
      '--max-wait <duration>',
      "leave out checks that take longer (default in real time: 40s, or what the target's timeouts call for)",
    )
    .option('--seed <number>', 'repeat the audit that had this seed (default: a new one, printed)')
    .option('--allow-remote', 'let --target be another machine')
    .option('--out <dir>', 'where reports go', 'reports')
    .option('--report <formats>', `write these as well: ${RUN_REPORTS.join(', ')} (with a comma between)`)
    .option('--json', 'print the result document and nothing else')
    .option('--quiet', 'print only what did not pass')
    .addHelpText('after', AUDIT_MANUAL)
    .action(async (target: string | undefined, options: AuditOptions) => {
      process.exitCode = await auditTarget(target, options, console);
    });
}

function addLeak(mcpSoak: Command, console: Console): void {
  mcpSoak
    .command('leak')
    .description('Look for memory, timers and sockets that stay behind, in cycles of act, undo, settle.')
    .option('--target <url>', 'load this MCP endpoint instead of the reference hub; needs --inspect-pid')
    .option('--inspect-pid <pid>', 'the Node process to look at, on this machine and of this user')
    .option('--command <line>', 'start this as the target, in a shell; needs --url')
    .option('--url <url>', 'where --command listens; with --module, the path of its endpoint (default: /mcp)')
    .option('--module <file>', 'load the server that this module exports, in a process of its own')
    .option('--header <line>', "sent with every request: 'Authorization: Bearer …'", collect)
    .option('--allow-remote', 'let --target be another machine')
    .option('--per <units>', 'what comes and goes: session, request, event, reader (default: all of them)')
    .option('--budget <bytes>', 'what each may leave behind (default: 64B; 1KiB per reader)')
    .option('--session-budget <bytes>', 'what a session may weigh while it is open (default: 1MiB)')
    .option('--strict', 'a quarter of the default budget')
    .option('--units <n>', 'how many come and go in a cycle')
    .option('--tool <name>', 'call this tool (default: echo where there is one, else tools/list)')
    .option('--arguments <json>', 'what the tool is called with')
    .option('--sessions-from <source>', 'read the number of sessions there: prometheus:…, json:…, cmd:…')
    .option('--seed <number>', 'kept in the result; what is done is the same whatever it is')
    .option('--out <dir>', 'where reports go', 'reports')
    .option('--report <formats>', `write these as well: ${RUN_REPORTS.join(', ')} (with a comma between)`)
    .option('--json', 'print the result document and nothing else')
    .option('--quiet', 'print only what did not pass')
    .addHelpText('after', LEAK_MANUAL)
    .action(async (options: LeakCommandOptions) => {
      process.exitCode = await findLeaks(options, console);
    });
}

function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

function addScenarioCommands(mcpSoak: Command, console: Console): void {
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

  mcpSoak
    .command('init')
    .description('Write a first scenario, with comments, for your server.')
    .argument('[file]', 'where', 'soak.yaml')
    .option('--force', 'write over a file that is there')
    .action((file: string, options: InitOptions) => {
      process.exitCode = initScenario(file, options, console);
    });

  mcpSoak
    .command('schema')
    .description('Print the JSON Schema of scenario files, for editors.')
    .option('--out <file>', 'write it there instead')
    .action((options: { out?: string }) => {
      process.exitCode = printSchema(options, console);
    });
}

function addReport(mcpSoak: Command, console: Console): void {
  mcpSoak
    .command('report')
    .description('Make reports again from results that were written.')
    .argument('<result...>', 'files result.json')
    .option('--format <format>', REPORT_FORMATS.join(', '), 'console')
    .option('--out <file>', 'write it there instead of printing it')
    .action((files: string[], options: ReportOptions) => {
      process.exitCode = reportResults(files, options, console);
    });
}

function addCompare(mcpSoak: Command, console: Console): void {
  const compare = mcpSoak
    .command('compare')
    .description('Compare results with an older one of the same scenario and mode.')
    .argument('<baseline>', 'the older result')
    .argument('<current...>', 'the newer one; of several, the median is compared')
    .option('--baseline <file>', 'one more older result; of several, the median is compared', collected)
    .option('--format <format>', 'console, markdown or json', 'console')
    .option('--json', 'the same as --format json')
    .addHelpText('after', COMPARE_MANUAL);
  for (const flag of LIMIT_FLAGS) {
    compare.addOption(new Option(`${limitFlagName(flag)} <limit>`, describeLimit(flag)));
  }
  compare.action((baseline: string, currents: string[], options: CompareOptions) => {
    process.exitCode = compareResults(baseline, currents, options, console);
  });
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
  mcp-soak init && mcp-soak run soak.yaml                   a scenario of your own to begin with
  mcp-soak compare baseline.json reports/…/result.json      whether anything became worse
  mcp-soak hub --port 9000                                  the reference hub alone`;

const RUN_MANUAL = `
Virtual mode runs the target in this process, without sockets, on a clock that jumps: minutes take seconds, and
the same seed gives the same run. Real mode uses sockets and the time there is.

--policy takes sessionTimeout (T), cleanupInterval (C), handshakeTimeout (H), deadPeer (D), streamLost, drain, maxSessions,
maxSessionsPerClient, capRule=evict-idle, openStreamProtects=off, callProtects=off.
What is not promised cannot be judged; durations of the scenario that use it are then refused.

The target is the reference hub, or --target <url> (it runs already), --command <line> --url <url> (started in a shell,
ready when the URL answers) or --module <file> (its default export: an Express app, a request listener, an http.Server,
{ server, shutdown }, or a function that returns one; virtual mode, or a process of its own with --mode real).

--header 'Authorization: Bearer …' lets the run into a server that demands a token; clients of a scenario may have headers
of their own (client: { headers: … }), which go before it. No report shows the value of a header.

--sessions-from prometheus:<url>#<metric>, json:<url>#<path.to.number> or cmd:<command> reads the number of sessions
elsewhere than in /health and /sessions of the target; a url that is only a path is on the target. --heap forces garbage
collections, before the load and after each cycle.

Every run writes result.json, report.html, events.jsonl and summary.txt below --out. Ctrl-C stops cleanly: what there is by
then is judged and written. A second Ctrl-C stops at once.

--report junit,markdown,ctrf,openmetrics adds junit.xml, summary.md, ctrf.json and metrics.prom. On GitHub, markdown also goes onto the page of the job, with up
to ten failed checks as annotations.`;

const AUDIT_MANUAL = `
Each check looks for one failure mode and says what it demands, who demands it, what was seen, and, when it fails, how
others mended it, with the requests that showed it as curl lines. What cannot be seen on this target is listed with the
reason. Checks that wait do so together: an audit takes less than a minute on a server with an idle timeout of two seconds.

The more is known, the more can be checked: an idle timeout, a number of sessions, a tool that takes its time, a
process that may be ended and started again (--command, --module). Tools are called only if they are known to be
harmless (echo, sleep, …) or named with --echo-tool and --slow-tool.

--memory measures, after all else and on a server that is started for it, what sessions, requests, events and clients that
do not read leave behind, and what an open session weighs: V8 is pinned meanwhile (see mcp-soak leak --help). It needs a process: real time.

An audit deletes the sessions it opens, unless leaving them is the point. It puts little load on the server, but
--command and --module servers are sent SIGTERM, killed and started again.

Examples:
  mcp-soak audit http://127.0.0.1:3000/mcp --session-timeout 2s --cleanup-interval 500ms
  mcp-soak audit ./server.ts                                  in virtual time: a day takes seconds
  mcp-soak audit --command "npm start" --url http://127.0.0.1:3000/mcp --only F36,F37,F38
  mcp-soak audit --module ./server.ts --mode real --memory    with all that is known of memory`;

const LEAK_MANUAL = `
Does the same again and again, undoes it, and reads memory in between. A Node target is looked at through its inspector:
V8 is pinned for as long as it takes (no optimizing, and so about 1.25 times slower), and garbage is collected twice
before each reading. It fails when growth is above the budget for certain (99 %), and goes on after as many cycles again:
a cache that fills up is no leak. What leaks is named then, with what holds it and where it was allocated. Sessions are
weighed as well while they are open (--session-budget), and so is what waits for a client that does not read.

CPython is looked at through /proc. Processes that keep garbage as they like (Java, Go) give a coarse alarm only.

  mcp-soak leak                                            the reference hub
  mcp-soak leak --command 'npm start' --url http://127.0.0.1:3000/mcp --per session
  mcp-soak leak --target http://127.0.0.1:3000/mcp --inspect-pid 4711 --tool search --arguments '{"q":"x"}'`;

const COMPARE_MANUAL = `
Worse is what grew by more than both its limits: --max-p95-growth 25% and --min-p95-growth 5ms, say. A check that
passed and does not pass any more is worse, too. Memory and CPU are those of the target.

Times are undecided (exit code 98) where the machine was too busy to measure them. In virtual mode nothing takes time:
there, counts are compared, and with the same seed they have to be equal.

Of several runs the median is compared; with it comes the interval that holds it (told from the runs' order alone) and
how many of the runs are worse each for itself. mcp-soak run … --repeat 5 makes them: mcp-soak compare baseline.json reports/…/churn-real-*/result.json`;

/** An option that may be given several times. */
function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** First signal: stop cleanly. Second: stop. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT.aborted);
    stop.abort();
  };
  // The hub command has handlers of its own.
  if (process.argv[2] !== 'hub') {
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
