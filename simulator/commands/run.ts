import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { EXIT, worstExitCode } from '../exit-code.ts';
import { type Policy, PolicySchema } from '../judge/policy.ts';
import { renderLine, renderSummary, renderTroubles } from '../reporters/console.ts';
import { writeJson } from '../reporters/json.ts';
import { ProgressReporter } from '../reporters/progress.ts';
import type { RunResult } from '../result.ts';
import { run } from '../run.ts';
import { RequestError } from '../run-request.ts';
import { DurationError, parseDuration, resolveDuration } from '../scenario/duration.ts';
import type { Mode } from '../scenario/schema-parts.ts';
import { isLoopback } from '../targets/url.ts';
import { openScenario } from './files.ts';

/** Options of `mcp-soak run`, as the command line gives them. */
export interface RunOptions {
  readonly mode?: string;
  readonly seed?: string;
  readonly target?: string;
  readonly policy?: readonly string[];
  readonly allowRemote?: boolean;
  readonly out: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What a command works with besides its options. */
export interface Console {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  readonly stop: AbortSignal;
}

const MAX_SEED = 2 ** 32 - 1;
const TARGET_PROTOCOLS = ['http:', 'https:'];

/**
 * Runs scenarios one after another and reports each. Returns the exit code of them all.
 * @throws RequestError, ScenarioError for input that cannot be used, before anything runs
 */
export async function runScenarios(
  names: readonly string[],
  options: RunOptions,
  console: Console,
): Promise<number> {
  const target = parseTarget(options);
  const modes = parseModes(options.mode, target);
  const seed = parseSeed(options.seed);
  const policy = parsePolicy(options.policy ?? [], target);
  const loaded = await Promise.all(names.map(openScenario));
  const outDir = freshDir(options.out);
  const jobs = modes.flatMap((mode) => loaded.map((scenario) => ({ mode, scenario })));
  const isTalkative = options.json !== true && options.quiet !== true;
  if (isTalkative) console.out.write(`mcp-soak: ${announce(jobs.length, target)}, seed ${seed}\n\n`);

  const progress = isTalkative ? new ProgressReporter(console.err) : undefined;
  const results: RunResult[] = [];
  for (const { mode, scenario } of jobs) {
    if (console.stop.aborted) break;
    const runDir = join(outDir, `${scenario.scenario.name}-${mode}`);
    mkdirSync(runDir, { recursive: true });
    const result = await run({
      loaded: scenario,
      mode,
      seed,
      outDir: runDir,
      stop: console.stop,
      ...(target && { target }),
      ...(policy && { policy }),
      ...(progress && { onProgress: (state) => progress.update(state) }),
    });
    progress?.clear();
    results.push(result);
    writeReports(result, runDir);
    tell(result, { ...options, isOnly: jobs.length === 1, runDir }, console);
  }
  if (isTalkative && jobs.length > 1) console.out.write(renderTotal(results, jobs.length, outDir));
  const codes = results.map(({ exitCode }) => exitCode);
  // Runs that a signal kept from beginning have not passed.
  if (results.length < jobs.length) codes.push(EXIT.aborted);
  return worstExitCode(codes);
}

/** A directory of this moment that nobody else has: several may start within one second. */
function freshDir(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const base = join(parent, new Date().toISOString().replaceAll(':', '-').replace(/\..*/, ''));
  for (let n = 1; ; n += 1) {
    const dir = n === 1 ? base : `${base}-${n}`;
    if (existsSync(dir)) continue;
    mkdirSync(dir, { recursive: true });
    return dir;
  }
}

function announce(runs: number, target: URL | undefined): string {
  return `${runs} ${runs === 1 ? 'run' : 'runs'} against ${target ? target.href : 'the reference hub'}`;
}

function writeReports(result: RunResult, runDir: string): void {
  writeJson(result, join(runDir, 'result.json'));
  writeFileSync(join(runDir, 'summary.txt'), renderSummary(result, { useColour: false, reportDir: runDir }));
}

function tell(
  result: RunResult,
  { json, quiet, isOnly, runDir }: RunOptions & { isOnly: boolean; runDir: string },
  { out }: Console,
): void {
  const useColour = out.isTTY === true && out.hasColors();
  if (json === true) out.write(`${JSON.stringify(result)}\n`);
  else if (quiet === true) {
    if (result.verdict !== 'pass') out.write(renderSummary(result, { useColour, reportDir: runDir }));
  } else if (isOnly) out.write(renderSummary(result, { useColour, reportDir: runDir }));
  else {
    const again = result.verdict === 'pass' ? [] : [`      again: ${result.replay}`];
    out.write(
      `${[renderLine(result, useColour), ...renderTroubles(result, useColour), ...again].join('\n')}\n`,
    );
  }
}

function renderTotal(results: readonly RunResult[], planned: number, outDir: string): string {
  const passed = results.filter(({ verdict }) => verdict === 'pass').length;
  const sessions = results.reduce((sum, result) => sum + result.sessions.opened, 0);
  const checks = results.reduce(
    (sum, result) => sum + result.checks.filter((check) => check.verdict === 'pass').length,
    0,
  );
  const tail = passed === planned ? 'every session ended as it should' : 'see what failed above';
  return `\n${passed} of ${planned} runs passed: ${sessions.toLocaleString('en-US')} sessions, ${checks} checks; ${tail}.\nReports: ${outDir}\n`;
}

function parseModes(text: string | undefined, target: URL | undefined): Mode[] {
  const mode = text ?? (target ? 'real' : 'virtual');
  if (mode !== 'virtual' && mode !== 'real' && mode !== 'both') {
    throw new RequestError(`--mode: got '${mode}', allowed: virtual, real, both.`);
  }
  if (target && mode !== 'real') {
    throw new RequestError(
      `--mode ${mode} cannot be had with --target: a server that runs keeps real time. Leave it out.`,
    );
  }
  return mode === 'both' ? ['virtual', 'real'] : [mode];
}

function parseSeed(text: string | undefined): number {
  if (text === undefined) return randomInt(MAX_SEED);
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed <= MAX_SEED) return seed;
  throw new RequestError(`--seed: got '${text}', allowed: a whole number from 0 to ${MAX_SEED}.`);
}

function parseTarget({ target, allowRemote }: RunOptions): URL | undefined {
  if (target === undefined) return undefined;
  if (!URL.canParse(target) || !TARGET_PROTOCOLS.includes(new URL(target).protocol)) {
    throw new RequestError(
      `--target: got '${target}', allowed: the URL of an MCP endpoint such as http://127.0.0.1:8000/mcp.`,
    );
  }
  const url = new URL(target);
  if (isLoopback(url) || allowRemote === true) return url;
  throw new RequestError(
    `--target: ${url.host} is not this machine. mcp-soak opens thousands of sessions there; add --allow-remote if you may do that.`,
  );
}

const POLICY_HELP =
  'sessionTimeout, cleanupInterval, handshakeTimeout, deadPeer, drain (durations), maxSessions (number)';

/** `sessionTimeout=5m`, … as a policy; undefined when nothing is stated. */
function parsePolicy(entries: readonly string[], target: URL | undefined): Policy | undefined {
  if (entries.length === 0) return undefined;
  if (!target) throw new RequestError('--policy is for --target: the reference hub publishes its own.');
  const policy = Object.fromEntries(entries.map(parsePromise));
  const parsed = z.strictObject(PolicySchema.shape).safeParse(policy);
  if (parsed.success) return parsed.data;
  throw new RequestError(`--policy: ${z.prettifyError(parsed.error)}. Allowed: ${POLICY_HELP}.`);
}

function parsePromise(entry: string): [string, number] {
  const [name = '', value = ''] = entry.split('=');
  if (name === 'maxSessions') return [name, Number(value)];
  try {
    return [`${name}Ms`, resolveDuration(parseDuration(value), { T: null, C: null, H: null, D: null })];
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new RequestError(`--policy ${entry}: ${error.message}. Allowed: ${POLICY_HELP}.`);
  }
}
