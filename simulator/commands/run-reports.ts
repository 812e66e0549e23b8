import { appendFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderSummary } from '../reporters/console.ts';
import { renderCtrf } from '../reporters/ctrf.ts';
import { renderAnnotations } from '../reporters/github.ts';
import { renderHtml } from '../reporters/html/page.ts';
import { writeJson } from '../reporters/json.ts';
import { renderJunit } from '../reporters/junit.ts';
import { MAX_SUMMARY_BYTES, renderMarkdown } from '../reporters/markdown.ts';
import { renderOpenMetrics } from '../reporters/openmetrics.ts';
import type { RunResult } from '../result.ts';
import type { Console } from './run.ts';

/** Reports that a run writes when asked; `result.json`, `report.html` and `summary.txt` are always written. */
export const RUN_REPORTS = ['junit', 'markdown', 'html', 'ctrf', 'openmetrics'] as const;
export type RunReport = (typeof RUN_REPORTS)[number];

/** Writes the reports of a run into its folder, and where it runs on GitHub, onto the page of the job. */
export function writeReports(
  result: RunResult,
  { runDir, reports }: { runDir: string; reports: readonly RunReport[] },
  { err, env }: Pick<Console, 'err' | 'env'>,
): void {
  writeJson(result, join(runDir, 'result.json'));
  writeFileSync(join(runDir, 'report.html'), renderHtml(result));
  writeFileSync(join(runDir, 'summary.txt'), renderSummary(result, { useColour: false, reportDir: runDir }));
  if (reports.includes('junit')) writeFileSync(join(runDir, 'junit.xml'), renderJunit([result]));
  if (reports.includes('ctrf')) writeFileSync(join(runDir, 'ctrf.json'), renderCtrf([result]));
  if (reports.includes('openmetrics'))
    writeFileSync(join(runDir, 'metrics.prom'), renderOpenMetrics([result]));
  if (!reports.includes('markdown')) return;
  writeFileSync(join(runDir, 'summary.md'), renderMarkdown(result));
  if (env.GITHUB_STEP_SUMMARY) appendSummary(result, env.GITHUB_STEP_SUMMARY);
  // GitHub reads commands from both outputs; with --json the other one is for the results alone.
  if (env.GITHUB_ACTIONS === 'true') err.write(renderAnnotations(result));
}

/** The least that is worth a page: a headline and the note that the rest is missing. */
const LEAST_BYTES = 1_000;

/** All runs of a step share one page, and GitHub drops the page as a whole when it grows too large. */
function appendSummary(result: RunResult, path: string): void {
  const written = existsSync(path) ? statSync(path).size : 0;
  const maxBytes = MAX_SUMMARY_BYTES - written - 1;
  if (maxBytes < LEAST_BYTES) return;
  appendFileSync(path, `${renderMarkdown(result, { maxBytes })}\n`);
}
