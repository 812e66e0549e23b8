import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { type LeakUnit, LeakUnitSchema } from '../judge/leak-series.ts';
import type { LeakOptions } from '../leak/leak-options.ts';
import { renderSummary } from '../reporters/console.ts';
import { LeakProgressReporter } from '../reporters/leak-progress.ts';
import { runLeak } from '../run-leak.ts';
import { RequestError } from '../run-request.ts';
import { parseBytes } from './bytes.ts';
import { someOf } from './formats.ts';
import { parseClientHeaders } from './headers.ts';
import { leakReplay } from './leak-replay.ts';
import { type Console, freshDir, isColourful, parseSeed } from './run.ts';
import { RUN_REPORTS, writeReports } from './run-reports.ts';
import { nameOf, parseObservers, parseTarget, type TargetOptions } from './run-target.ts';

/** Options of `mcp-soak leak`, as the command line gives them. */
export interface LeakCommandOptions extends TargetOptions {
  readonly per?: string;
  readonly budget?: string;
  readonly sessionBudget?: string;
  readonly strict?: boolean;
  readonly units?: string;
  readonly tool?: string;
  readonly arguments?: string;
  readonly header?: readonly string[];
  readonly seed?: string;
  readonly out: string;
  readonly report?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** More in one cycle only blurs what a cycle is. */
const MAX_UNITS = 100_000;

/**
 * Looks for leaks in one target and prints what it found. Returns the exit code.
 * @throws RequestError for input that cannot be used, before anything runs
 */
export async function findLeaks(options: LeakCommandOptions, console: Console): Promise<number> {
  const target = parseTarget(options);
  if (target instanceof URL && options.inspectPid === undefined) {
    throw new RequestError(
      'leak: the process behind --target is not known: give --inspect-pid <pid>, a Node process on this machine.',
    );
  }
  const units = parseUnits(options.per);
  const call = parseCall(options);
  const budgetBytes = parseBytes('--budget', options.budget);
  const sessionBudgetBytes = parseBytes('--session-budget', options.sessionBudget);
  const unitsPerCycle = parseCount(options.units);
  const seed = parseSeed(options.seed);
  const reports = someOf('--report', options.report, RUN_REPORTS);
  const observers = parseObservers(options, target, ['real']);
  const headers = options.header && parseClientHeaders(options.header);
  const runDir = join(freshDir(options.out), 'leak-real');
  mkdirSync(runDir, { recursive: true });
  const isTalkative = options.json !== true && options.quiet !== true;
  if (isTalkative) {
    console.out.write(`mcp-soak: leaks of ${nameOf(target)}, per ${units.join(', ')}, seed ${seed}\n\n`);
  }
  const progress = isTalkative ? new LeakProgressReporter(console.err) : undefined;
  const result = await runLeak({
    units,
    seed,
    outDir: runDir,
    stop: console.stop,
    replay: leakReplay({ ...options, seed: String(seed) }),
    isStrict: options.strict === true,
    ...(target && { target }),
    ...(headers && { headers }),
    ...(call && { call }),
    ...(budgetBytes !== undefined && { budgetBytes }),
    ...(sessionBudgetBytes !== undefined && { sessionBudgetBytes }),
    ...(unitsPerCycle !== undefined && { unitsPerCycle }),
    ...(typeof observers?.heap === 'number' && { inspectPid: observers.heap }),
    ...(observers?.sessionsFrom && { sessionsFrom: observers.sessionsFrom }),
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

function parseUnits(text: string | undefined): LeakUnit[] {
  const units = someOf('--per', text, LeakUnitSchema.options);
  return units.length === 0 ? [...LeakUnitSchema.options] : units;
}

function parseCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_UNITS) return count;
  throw new RequestError(`--units: got '${text}', allowed: a whole number from 1 to ${MAX_UNITS}.`);
}

const ArgumentsSchema = z.record(z.string(), z.unknown());

function parseCall({ tool, arguments: json }: LeakCommandOptions): LeakOptions['call'] {
  if (tool === undefined) {
    if (json === undefined) return undefined;
    throw new RequestError('--arguments goes with --tool: it says with what the tool is called.');
  }
  const parsed = ArgumentsSchema.safeParse(fromJson(json ?? '{}'));
  if (parsed.success) return { tool, arguments: parsed.data };
  throw new RequestError(`--arguments: got '${json}', allowed: a JSON object such as {"message":"hello"}.`);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever wants an object says so.
    return undefined;
  }
}
