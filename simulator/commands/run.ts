import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { EXIT, worstExitCode } from '../exit-code.ts';
import { renderLine, renderSummary, renderTroubles } from '../reporters/console.ts';
import { ProgressReporter } from '../reporters/progress.ts';
import type { RunResult } from '../result.ts';
import { run } from '../run.ts';
import { RequestError, type TargetRequest } from '../run-request.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import type { Mode } from '../scenario/schema-parts.ts';
import { saveBaseline } from './baselines.ts';
import { openScenario, scenarioNames } from './files.ts';
import { someOf } from './formats.ts';
import { parseClientHeaders } from './headers.ts';
import { parsePolicy } from './policy.ts';
import { RUN_REPORTS, writeReports } from './run-reports.ts';
import { nameOf, parseModes, parseObservers, parseTarget, type TargetOptions } from './run-target.ts';

/** Options of `mcp-soak run`, as the command line gives them. */
export interface RunOptions extends TargetOptions {
  readonly mode?: string;
  readonly seed?: string;
  readonly policy?: readonly string[];
  readonly header?: readonly string[];
  readonly out: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly repeat?: string;
  readonly report?: string;
  readonly saveBaseline?: string;
}

/** A stream for people or for programs; `process.stdout`, say. */
export type Output = Writable & { readonly isTTY?: boolean; hasColors?(): boolean };

/** Whether to paint: not into a file, and not on a terminal that cannot. */
export function isColourful(output: Output): boolean {
  return output.isTTY === true && output.hasColors?.() === true;
}

/** What a command works with besides its options. */
export interface Console {
  readonly out: Output;
  readonly err: Output;
  readonly stop: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
}

const MAX_SEED = 2 ** 32 - 1;
/** More repeats say little more about a median; a longer soak is one longer scenario. */
const MAX_REPEAT = 1_000;

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
  const repeat = parseRepeat(options.repeat);
  const reports = someOf('--report', options.report, RUN_REPORTS);
  const observers = parseObservers(options, target, modes);
  const policy = parsePolicy(options.policy ?? [], target);
  const headers = options.header && parseClientHeaders(options.header);
  const loaded = await Promise.all(scenarioNames(names).map(openScenario));
  const outDir = freshDir(options.out);
  const jobs = jobsOf(modes, loaded, seed, repeat);
  const isTalkative = options.json !== true && options.quiet !== true;
  if (isTalkative) console.out.write(`mcp-soak: ${announce(jobs.length, target)}, seed ${seed}\n\n`);

  const progress = isTalkative ? new ProgressReporter(console.err) : undefined;
  const results: RunResult[] = [];
  for (const { mode, scenario, seed, folder } of jobs) {
    if (console.stop.aborted) break;
    const runDir = join(outDir, folder);
    mkdirSync(runDir, { recursive: true });
    const result = await run({
      loaded: scenario,
      mode,
      seed,
      outDir: runDir,
      stop: console.stop,
      ...(target && { target }),
      ...(policy && { policy }),
      ...(observers && { observers }),
      ...(headers && { headers }),
      ...(progress && { onProgress: (state) => progress.update(state) }),
      onWarning: (warning) => {
        progress?.clear();
        console.err.write(`mcp-soak: warning: ${warning}.\n`);
      },
    });
    progress?.clear();
    results.push(result);
    writeReports(result, { runDir, reports }, console);
    if (options.saveBaseline !== undefined)
      saveBaseline(result, join(options.saveBaseline, `${folder}.json`));
    tell(result, { ...options, isOnly: jobs.length === 1, runDir }, console);
  }
  if (isTalkative && jobs.length > 1) console.out.write(renderTotal(results, jobs.length, outDir));
  const codes = results.map(({ exitCode }) => exitCode);
  // Runs that a signal kept from beginning have not passed.
  if (results.length < jobs.length) codes.push(EXIT.aborted);
  return worstExitCode(codes);
}

interface Job {
  readonly mode: Mode;
  readonly scenario: LoadedScenario;
  readonly seed: number;
  /** Where its reports go, below the folder of this call. */
  readonly folder: string;
}

/** Each scenario in each mode, `repeat` times. The seed rises with each repeat, so that each is another run. */
function jobsOf(
  modes: readonly Mode[],
  loaded: readonly LoadedScenario[],
  seed: number,
  repeat: number,
): Job[] {
  return modes.flatMap((mode) =>
    loaded.flatMap((scenario) =>
      Array.from({ length: repeat }, (_, index) => {
        const folder = `${scenario.scenario.name}-${mode}`;
        return {
          mode,
          scenario,
          seed: (seed + index) % (MAX_SEED + 1),
          folder: repeat === 1 ? folder : `${folder}-${index + 1}`,
        };
      }),
    ),
  );
}

/** A directory of this moment that nobody else has: several may start within one second. */
export function freshDir(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const base = join(parent, new Date().toISOString().replaceAll(':', '-').replace(/\..*/, ''));
  for (let n = 1; ; n += 1) {
    const dir = n === 1 ? base : `${base}-${n}`;
    if (isMade(dir)) return dir;
  }
}

/** Whether the directory is new: not recursive, so that it tells if somebody was faster. */
function isMade(dir: string): boolean {
  try {
    mkdirSync(dir);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function announce(runs: number, target: TargetRequest | undefined): string {
  return `${runs} ${runs === 1 ? 'run' : 'runs'} against ${nameOf(target)}`;
}

function tell(
  result: RunResult,
  { json, quiet, isOnly, runDir }: RunOptions & { isOnly: boolean; runDir: string },
  { out }: Console,
): void {
  const useColour = isColourful(out);
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

export function parseSeed(text: string | undefined): number {
  if (text === undefined) return randomInt(MAX_SEED);
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed <= MAX_SEED) return seed;
  throw new RequestError(`--seed: got '${text}', allowed: a whole number from 0 to ${MAX_SEED}.`);
}

function parseRepeat(text = '1'): number {
  const repeat = Number(text);
  if (/^\d+$/.test(text) && repeat >= 1 && repeat <= MAX_REPEAT) return repeat;
  throw new RequestError(`--repeat: got '${text}', allowed: a whole number from 1 to ${MAX_REPEAT}.`);
}
