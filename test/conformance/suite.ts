import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';

/** The suite has no programmatic interface: its command line is what it exports. */
const CLI = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js');

/** Measured: 5 s. */
const LIMIT_MS = 55_000;

const CheckSchema = z.object({
  id: z.string(),
  status: z.enum(['SUCCESS', 'FAILURE', 'WARNING', 'INFO', 'SKIPPED']),
  errorMessage: z.string().optional(),
});

export type Check = z.infer<typeof CheckSchema>;

/** What the suite says of each scenario it ran. */
export type Report = ReadonlyMap<string, readonly Check[]>;

/** Runs scenarios of the official suite against a server on loopback: all of them, or one. */
export async function runSuite(endpoint: URL, scenario?: string): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const which = scenario === undefined ? ['--suite', 'all'] : ['--scenario', scenario];
    const output = await run(['server', '--url', endpoint.href, '--output-dir', folder, ...which]);
    const report = await readReport(folder);
    if (report.size === 0) throw new Error(`The suite left no results. It said:\n${output}`);
    return report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The scenarios that the suite has for servers. */
export async function listScenarios(): Promise<string[]> {
  const output = await run(['list', '--server']);
  return [...output.matchAll(/^ {2}- (\S+)/gm)].map(([, name = '']) => name);
}

/** Failed checks are an exit code other than 0, too: what counts is what was written down. */
function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: LIMIT_MS, env: { NO_COLOR: '1' }, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [CLI, ...args], options, (error, stdout, stderr) => {
      if (error?.killed) reject(new Error(`The suite took longer than ${LIMIT_MS} ms:\n${stdout}`));
      else resolve(`${stdout}${stderr}`);
    });
  });
}

async function readReport(folder: string): Promise<Report> {
  const report = new Map<string, readonly Check[]>();
  for (const name of await readdir(folder)) {
    // `server-<scenario>-<ISO time>`
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1] ?? name;
    // Without the file the scenario threw: no checks, which counts as failed.
    const text = await readFile(join(folder, name, 'checks.json'), 'utf8').catch(() => '[]');
    report.set(scenario, z.array(CheckSchema).parse(JSON.parse(text)));
  }
  return report;
}
