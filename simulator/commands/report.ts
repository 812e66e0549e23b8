import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT } from '../exit-code.ts';
import { renderSummary } from '../reporters/console.ts';
import { renderCtrf } from '../reporters/ctrf.ts';
import { renderHtml } from '../reporters/html/page.ts';
import { renderJunit } from '../reporters/junit.ts';
import { renderMarkdown } from '../reporters/markdown.ts';
import { renderOpenMetrics } from '../reporters/openmetrics.ts';
import type { RunResult } from '../result.ts';
import { RequestError } from '../run-request.ts';
import { oneOf } from './formats.ts';
import { readResult } from './results.ts';
import { type Console, isColourful } from './run.ts';

export const REPORT_FORMATS = [
  'console',
  'json',
  'junit',
  'markdown',
  'html',
  'ctrf',
  'openmetrics',
] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportOptions {
  readonly format: string;
  readonly out?: string;
}

/**
 * Makes reports again, from results that were written. Says what they say, and so ends with 0 whatever that is.
 * @throws RequestError for files that are no results
 */
export function reportResults(paths: readonly string[], options: ReportOptions, { out }: Console): number {
  const format = oneOf('--format', options.format, REPORT_FORMATS);
  const results = paths.map(readResult);
  if (options.out === undefined) {
    out.write(render(results, format, isColourful(out)));
  } else {
    writeOut(options.out, render(results, format, false));
  }
  return EXIT.pass;
}

/** Writes a file that the user named. Throws RequestError when it cannot be written. */
export function writeOut(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new RequestError(`--out: ${path} cannot be written: ${message}`);
  }
}

function render(results: readonly RunResult[], format: ReportFormat, useColour: boolean): string {
  switch (format) {
    case 'console':
      return results.map((result) => renderSummary(result, { useColour })).join('\n');
    case 'json':
      return results.map((result) => `${JSON.stringify(result)}\n`).join('');
    case 'junit':
      return renderJunit(results);
    case 'markdown':
      return results.map((result) => renderMarkdown(result)).join('\n');
    case 'html':
      return renderHtml(onlyOne(results));
    case 'ctrf':
      return renderCtrf(results);
    case 'openmetrics':
      return renderOpenMetrics(results);
  }
}

/** A page is of one run: two documents in one file are none. */
function onlyOne([result, ...others]: readonly RunResult[]): RunResult {
  if (result !== undefined && others.length === 0) return result;
  throw new RequestError(
    `--format html: got ${others.length + 1} results, allowed: one. Make a page of each, with --out.`,
  );
}
