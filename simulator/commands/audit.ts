import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MEMORY_CHECKS } from '../audit/memory-checks.ts';
import type { ToolTemplate } from '../audit/offer.ts';
import { filled } from '../audit/offer.ts';
import { PROBES } from '../audit/probes/index.ts';
import { checkMemoryRequest } from '../audit-memory.ts';
import type { AuditRequest } from '../audit-request.ts';
import { formatLength } from '../judge/format.ts';
import type { Policy } from '../judge/policy.ts';
import { AuditProgressReporter } from '../reporters/audit-progress.ts';
import { renderSummary } from '../reporters/console.ts';
import { runAudit } from '../run-audit.ts';
import { RequestError, type TargetRequest } from '../run-request.ts';
import { DurationError, parseDuration, resolveDuration } from '../scenario/duration.ts';
import type { Mode } from '../scenario/schema-parts.ts';
import { auditReplay } from './audit-replay.ts';
import { parseBytes } from './bytes.ts';
import { someOf } from './formats.ts';
import { parseHeaders } from './headers.ts';
import { parsePolicy } from './policy.ts';
import { type Console, freshDir, isColourful, parseSeed } from './run.ts';
import { RUN_REPORTS, writeReports } from './run-reports.ts';
import { nameOf, parseModes, parseObservers, parseTarget, type TargetOptions } from './run-target.ts';

/** Options of `mcp-soak audit`, as the command line gives them. */
export interface AuditOptions extends TargetOptions {
  readonly mode?: string;
  readonly seed?: string;
  readonly sessionTimeout?: string;
  readonly cleanupInterval?: string;
  readonly policy?: readonly string[];
  readonly header?: readonly string[];
  readonly otherHeader?: readonly string[];
  readonly echoTool?: string;
  readonly slowTool?: string;
  readonly only?: string;
  readonly maxWait?: string;
  readonly bail?: boolean;
  readonly memory?: boolean;
  readonly sessionBudget?: string;
  readonly list?: boolean;
  readonly out: string;
  readonly report?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/**
 * Audits one target and prints the score card. Returns the exit code.
 * @throws RequestError for input that cannot be used, before anything runs
 */
export async function auditTarget(
  shorthand: string | undefined,
  options: AuditOptions,
  console: Console,
): Promise<number> {
  if (options.list === true) {
    console.out.write(listProbes());
    return 0;
  }
  const target = parseTarget(withShorthand(shorthand, options));
  const mode = parseMode(options.mode, target);
  const seed = parseSeed(options.seed);
  const reports = someOf('--report', options.report, RUN_REPORTS);
  const request = parseRequest(options, { target, mode, seed });
  checkMemoryRequest(request);
  const runDir = join(freshDir(options.out), `audit-${mode}`);
  mkdirSync(runDir, { recursive: true });
  const isTalkative = options.json !== true && options.quiet !== true;
  if (isTalkative) console.out.write(`mcp-soak: audit of ${nameOf(target)}, ${mode} time, seed ${seed}\n`);
  const progress = isTalkative ? new AuditProgressReporter(console.err) : undefined;
  const result = await runAudit({
    ...request,
    outDir: runDir,
    stop: console.stop,
    replay: auditReplay(shorthand, { ...options, seed: String(seed) }),
    onPlan: ({ known, lastsMs, notes }) => {
      if (isTalkative) console.out.write(announcement({ server: known.offer.server, lastsMs, mode, notes }));
    },
    ...(progress && { onProgress: (state) => progress.update(state) }),
  });
  progress?.clear();
  writeReports(result, { runDir, reports }, console);
  if (options.json === true) console.out.write(`${JSON.stringify(result)}\n`);
  else if (options.quiet !== true || result.verdict !== 'pass') {
    console.out.write(renderSummary(result, { useColour: isColourful(console.out), reportDir: runDir }));
  }
  return result.exitCode;
}

/** Every check there is, a line each. */
function listProbes(): string {
  const all = [...PROBES, ...MEMORY_CHECKS];
  const width = Math.max(...all.map(({ name }) => name.length));
  return all
    .map(
      ({ name, failureModes, demands }) =>
        `${failureModes.join(' ').padEnd(12)}${name.padEnd(width)}  ${demands}\n`,
    )
    .join('');
}

/** `mcp-soak audit http://…/mcp` and `mcp-soak audit ./server.ts` say which they mean by themselves. */
function withShorthand(shorthand: string | undefined, options: AuditOptions): AuditOptions {
  if (shorthand === undefined) return options;
  if (/^https?:/.test(shorthand)) return { ...options, target: shorthand };
  if (existsSync(shorthand)) return { ...options, module: shorthand };
  throw new RequestError(
    `audit: got '${shorthand}', allowed: the URL of an MCP endpoint such as http://127.0.0.1:3000/mcp, or a file that exports a server. A command goes with --command … --url ….`,
  );
}

function parseMode(text: string | undefined, target: TargetRequest | undefined): Mode {
  const [mode, second] = parseModes(text, target);
  if (mode === undefined || second !== undefined) {
    throw new RequestError("--mode: got 'both', allowed for an audit: virtual, real.");
  }
  return mode;
}

function parseRequest(
  options: AuditOptions,
  { target, mode, seed }: { target: TargetRequest | undefined; mode: Mode; seed: number },
): AuditRequest {
  const observers = parseObservers(options, target, [mode]);
  const policy = parseStated(options, target);
  const headers = parseHeaders('--header', options.header ?? []);
  const echo = parseTool('--echo-tool', options.echoTool);
  const slow = parseTool('--slow-tool', options.slowTool);
  const sessionBudgetBytes = parseBytes('--session-budget', options.sessionBudget);
  if (sessionBudgetBytes !== undefined && options.memory !== true) {
    throw new RequestError('--session-budget goes with --memory: without it nothing is weighed.');
  }
  return {
    mode,
    seed,
    headers,
    tools: { ...(echo && { echo }), ...(slow && { slow }) },
    ...(options.maxWait !== undefined && { maxWaitMs: parseWait(options.maxWait) }),
    ...(options.bail === true && { bail: true }),
    ...(options.memory === true && {
      memory: { ...(sessionBudgetBytes !== undefined && { sessionBudgetBytes }) },
    }),
    ...(target && { target }),
    ...(policy && { policy }),
    ...(observers && { observers }),
    ...(options.otherHeader && { otherHeaders: parseHeaders('--other-header', options.otherHeader) }),
    ...(options.only !== undefined && { only: options.only.split(',').map((word) => word.trim()) }),
  };
}

/** What the user said that the target promises, and nothing else. */
function parseStated(
  { policy = [], sessionTimeout, cleanupInterval }: AuditOptions,
  target: TargetRequest | undefined,
): Partial<Policy> | undefined {
  const entries = [
    ...policy,
    ...(sessionTimeout === undefined ? [] : [`sessionTimeout=${sessionTimeout}`]),
    ...(cleanupInterval === undefined ? [] : [`cleanupInterval=${cleanupInterval}`]),
  ];
  const whole = parsePolicy(entries, target);
  if (!whole) return undefined;
  const said = entries.map((entry) => entry.split('=')[0] ?? '');
  const isSaid = (key: string) => said.some((name) => key === name || key === `${name}Ms`);
  return Object.fromEntries(Object.entries(whole).filter(([key]) => isSaid(key)));
}

/** `sleep {"ms":$MS}`: a name, and JSON with places to fill in. */
function parseTool(option: string, text: string | undefined): ToolTemplate | undefined {
  if (text === undefined) return undefined;
  const [, name = '', json = '{}'] = /^(\S+)(?:\s+(.+))?$/s.exec(text.trim()) ?? [];
  try {
    if (name !== '') filled(json, { TAG: 'a', MS: '1', S: '1' });
  } catch {
    throw new RequestError(
      `${option}: got '${text}', allowed: the name of a tool and its arguments as JSON, with $TAG for a text to echo, $MS or $S for a time: sleep {"ms":$MS}.`,
    );
  }
  return { name, arguments: json };
}

function parseWait(text: string): number {
  try {
    return resolveDuration(parseDuration(text), { T: null, C: null, H: null, D: null });
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new RequestError(`--max-wait: ${error.message}. Allowed: a duration such as 90s or 15m.`);
  }
}

function announcement({
  server,
  lastsMs,
  mode,
  notes,
}: {
  server: string;
  lastsMs: number;
  mode: Mode;
  notes: readonly string[];
}): string {
  const time =
    mode === 'virtual'
      ? `${formatLength(lastsMs)} of virtual time at most, which take seconds`
      : `${formatLength(lastsMs)} at most`;
  return `${[`server ${server}; ${time}`, ...notes].map((line) => `  ${line}\n`).join('')}\n`;
}
