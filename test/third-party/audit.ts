import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type RunResult, RunResultSchema } from '../../simulator/result.ts';
import { SUBJECTS, type Subject, versionOf } from './subjects.ts';

/*
 * Audits servers that we did not write, each started as its README says, and prints what failed as a table.
 * What costs more than a minute of waiting is left out; --max-wait lets it in.
 */

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const CLI = fileURLToPath(new URL('../../bin/mcp-soak.js', import.meta.url));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, 'max-wait': { type: 'string', default: '40s' } },
  });
  if (!existsSync(`${FOLDER}node_modules`)) {
    throw new Error('The servers are not installed: run test/third-party/install.sh first.');
  }
  const rows: string[] = [];
  for (const subject of SUBJECTS.filter(({ name }) => name.includes(values.only ?? ''))) {
    const result = await audit(subject, values['max-wait']);
    rows.push(rowOf(subject, result));
    process.stdout.write(`${rows.at(-1)}\n`);
  }
  const table = [
    '| server | version | passed | failed | not observable |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ];
  writeFileSync(`${FOLDER}../../reports/third-party.md`, `${table.join('\n')}\n`);
}

async function audit(subject: Subject, maxWait: string): Promise<RunResult> {
  const options = subject.options(await freePort());
  const child = spawn(
    process.execPath,
    [
      CLI,
      'audit',
      ...options,
      '--max-wait',
      maxWait,
      '--json',
      '--seed',
      '1',
      '--out',
      '../../reports/third-party',
    ],
    { cwd: FOLDER, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return RunResultSchema.parse(JSON.parse(said));
}

function rowOf(subject: Subject, { checks }: RunResult): string {
  const names = (verdict: string) => checks.filter((check) => check.verdict === verdict);
  const failed = names('fail').map(({ name, failureModes }) => `${failureModes[0]} \`${name}\``);
  const undecided = names('invalid').map(({ name }) => `undecided: \`${name}\``);
  const cells = [
    subject.name,
    versionOf(subject),
    String(names('pass').length),
    [...failed, ...undecided].join('<br>') || 'none',
    String(names('not-observable').length),
  ];
  return `| ${cells.join(' | ')} |`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port could be had');
  return address.port;
}

await main();
