import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Block, blocksOf, firstMissing } from './readme-blocks.ts';

/*
 * The three users of the README: its files are written into a fresh folder, its commands run there, and what they
 * print is held against what it shows. Runs in real time are compared by their checks and verdicts, not by numbers.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Bounds a hang only. */
const WITHIN_MS = 120_000;
const SECTIONS = ['Test your own server', 'In CI', 'Before a rollout'] as const;
type Command = Extract<Block, { kind: 'command' }>;

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

interface Ran extends Command {
  readonly seen: readonly string[];
}

const shownBy = (section: string) => blocksOf(section);
const isCommand = (block: Block): block is Command => block.kind === 'command';
const commandsIn = (section: string) => shownBy(section).filter(isCommand);

const folders: string[] = [];
const ran = new Map<string, readonly Ran[]>();

beforeAll(async () => {
  const [develop, ci, rollout] = SECTIONS;
  const [dir, port] = [freshFolder(), await freePort()];
  // The pull request of "In CI" is not merged: the rollout is of the server as it was mended.
  const mended = freshFolder();
  for (const block of shownBy(develop)) if (!isCommand(block)) put(mended, block);
  const writing = async () => {
    ran.set(develop, await follow(dir, develop, port));
    ran.set(ci, await follow(dir, ci, port));
  };
  const operating = async () => void ran.set(rollout, await follow(mended, rollout, port));
  await Promise.all([writing(), operating()]);
}, WITHIN_MS);
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe.each(SECTIONS)('what the README shows under "%s"', (section) => {
  it.each(commandsIn(section).map(({ command }, index) => [index, command] as const))('%d: %s', (index) => {
    const command = ran.get(section)?.[index];
    if (!command) throw new Error('it was not run');
    const { output, seen } = command;
    expect(missing(output, seen), seen.join('\n')).toBeUndefined();
  });
});

it('the workflow runs the commands that were shown to work', () => {
  const workflow = shownBy('In CI').find((block) => block.kind === 'file')?.text ?? '';
  const called = workflow.replaceAll(/\s+/g, ' ').match(/npx mcp-soak .*?(?= - |$)/g) ?? [];
  expect(called).toHaveLength(2);
  const commands = commandsIn('In CI').map(({ command }) => command);
  for (const line of called) expect(commands).toContain(line.split(' --format ')[0]?.trim());
});

describe('the comparison', () => {
  const lines = ['PASS  soak', '  ✓ one  0', 'end'];
  it.each([
    ['every line', lines, undefined],
    ['lines left out', ['…', '  ✓ one  0', '…'], undefined],
    ['a word changed', ['FAIL  soak', '…'], 'FAIL  soak'],
    ['a word changed further down', ['…', '  ✗ one  0', '…'], '  ✗ one  0'],
    ['an order changed', ['…', 'end', '  ✓ one  0', '…'], '  ✓ one  0'],
    ['an end that is none', ['PASS  soak'], 'nothing more, but there was:   ✓ one  0'],
  ])('%s', (_, shown, expected) => {
    expect(firstMissing(shown, lines)).toBe(expected);
  });
});

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-soak-users-'));
  folders.push(folder);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
  return folder;
}

function put(dir: string, block: Exclude<Block, Command>): void {
  const path = join(dir, block.path);
  if (block.kind === 'file') {
    // The workflow is read, not run.
    if (!block.path.includes('/')) writeFileSync(path, block.text);
    return;
  }
  const text = readFileSync(path, 'utf8');
  expect(text.split(block.before), `the change to ${block.path} fits one place`).toHaveLength(2);
  writeFileSync(
    path,
    text.replace(block.before, () => block.after),
  );
}

/** Does what the section shows, from top to bottom. */
async function follow(dir: string, section: string, port: number): Promise<readonly Ran[]> {
  const done: Ran[] = [];
  let code: number | null = 0;
  for (const block of shownBy(section)) {
    if (!isCommand(block)) {
      put(dir, block);
      continue;
    }
    const ended: Ended =
      block.command === 'echo $?' ? { code: 0, out: `${code}` } : await sh(dir, block.command, port);
    code = ended.code;
    const out = ended.out.trimEnd();
    done.push({ ...block, seen: out === '' ? [] : out.split('\n') });
  }
  return done;
}

function sh(cwd: string, command: string, port: number): Promise<Ended> {
  const mcpSoak = `'${process.execPath}' '${join(ROOT, 'bin/mcp-soak.js')}'`;
  const line = command.replaceAll('npx mcp-soak', mcpSoak).replaceAll(':3000/', `:${port}/`);
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    PORT: `${port}`,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    // What is shown is what comes out at home; pages of jobs are for jobs.
    GITHUB_ACTIONS: undefined,
    GITHUB_STEP_SUMMARY: undefined,
  };
  const child = spawn('sh', ['-c', line], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out }));
  });
}

/** What was shown and did not come out. Wall time and dates are nobody's promise. */
function missing(shown: readonly string[], seen: readonly string[]): string | undefined {
  if (!shown.some((line) => line.includes('real mode'))) {
    return firstMissing(shown.map(timeless), seen.map(timeless));
  }
  const shapes = seen.map(shapeOf);
  return shown.map(shapeOf).find((line) => line !== '…' && !shapes.includes(line));
}

function timeless(line: string): string {
  return line
    .replace(/(of virtual time in )[\d.]+ m?s/, '$1…')
    .replace(/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d/, '<when>');
}

/**
 * Of a run in real time: marks and names of checks, the verdict, and lines without their numbers. A busy machine leaves
 * times undecided (`?`) and sorts these first: that is no failure, and the README says so.
 */
function shapeOf(line: string): string {
  const [, mark = '', name = ''] = /^ {2}([✓✗?–]) (.+?)(?: {2,}|$)/.exec(line) ?? [];
  if (mark !== '') return `${mark === '?' ? '✓' : mark} ${name}`;
  return line.replaceAll(/\d[\d,.]*/g, '#').replace(/^(?:PASS|INVALID) +(\S+) .*/, 'no check failed: $1');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
