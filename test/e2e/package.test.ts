import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/*
 * SLOW (half a minute) and needs the npm registry or its cache: the package as a user gets it, packed and installed
 * into an empty folder. What runs there is JavaScript: Node strips no types inside node_modules.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A registry that does not answer must not hang the tests. */
const INSTALL_WITHIN_MS = 120_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program with this Node first on the PATH. */
function call(cwd: string, command: string, ...args: string[]): Promise<Ended> {
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    // What npm has to say about its own configuration is no business of these tests.
    npm_config_loglevel: 'error',
  };
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

let dir: string;
let home: string;
let packed: string[];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-soak-package-'));
  home = mkdtempSync(join(dir, 'home-'));
  const pack = await call(ROOT, 'npm', 'pack', '--json', '--pack-destination', dir);
  expect(pack, pack.err).toMatchObject({ code: 0 });
  const [tarball = ''] = readdirSync(dir).filter((file) => file.endsWith('.tgz'));
  packed = (await call(dir, 'tar', '-tzf', tarball)).out.trim().split('\n');
  writeFileSync(join(home, 'package.json'), '{"private":true,"type":"module"}\n');
  const install = await call(
    home,
    'npm',
    ...['install', '--prefer-offline', '--no-audit', '--no-fund', join(dir, tarball)],
  );
  expect(install, install.err).toMatchObject({ code: 0 });
}, INSTALL_WITHIN_MS);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const mcpSoak = (...args: string[]) => call(home, 'npx', '--no-install', 'mcp-soak', ...args);

describe('the package', () => {
  it('holds JavaScript and what it reads, and neither sources nor tests', () => {
    const files = packed.map((path) => path.replace(/^package\//, ''));
    for (const file of [
      'bin/mcp-soak.js',
      'dist/simulator/cli.js',
      'dist/simulator/index.d.ts',
      'dist/hub/main.js',
      'scenarios/abandon.yaml',
      'schema/scenario.schema.json',
      'README.md',
      'LICENSE',
    ]) {
      expect(files).toContain(file);
    }
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([]);
    expect(files.filter((file) => /^(test|reports|simulator|hub|bin\/build)/.test(file))).toEqual([]);
  });

  it('says its manual', async () => {
    const { code, out, err } = await mcpSoak('--help');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('Usage: mcp-soak');
  });

  it('finds its scenarios, and runs one in virtual time', async () => {
    const { code, out, err } = await mcpSoak('run', 'churn', '--seed', '1', '--quiet');
    expect([code, out, err]).toEqual([0, '', '']);
    const [run = ''] = readdirSync(join(home, 'reports'));
    expect(readdirSync(join(home, 'reports', run, 'churn-virtual'))).toContain('result.json');
  });

  it('starts its hub as a process, and writes a scenario that editors can check', async () => {
    expect(await mcpSoak('init')).toMatchObject({ code: 0, err: '' });
    const made = await mcpSoak('run', 'soak.yaml', '--mode', 'both', '--json');
    expect(made.err).toBe('');
    const verdicts = made.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).mode);
    expect(verdicts).toEqual(['virtual', 'real']);
    // A machine under load may leave times undecided; nothing may have failed.
    expect([0, 98]).toContain(made.code);
  });

  it('is a library, too', async () => {
    writeFileSync(
      join(home, 'use.js'),
      `import { createServer } from 'node:http';
import { defineLaunch, parseScenario, run } from 'mcp-soak';
import { createHub, loadConfig } from 'mcp-soak/hub';
const text = \`version: 1
name: library
description: A few sessions.
workloads:
  polite: { executor: per-vu-iterations, vus: 3, iterations: 1, flow: [initialize, { think: 10s }, delete] }
settle: C
\`;
const launch = defineLaunch(() => createServer(createHub(loadConfig({ logLevel: 'silent' })).app));
const target = { name: 'mine', launch };
const result = await run({ loaded: parseScenario(text, 'here'), mode: 'virtual', seed: 1, target });
console.log(result.target.name, result.verdict, result.sessions.opened);
`,
    );
    expect(await call(home, process.execPath, 'use.js')).toMatchObject({
      code: 0,
      out: 'mine pass 3\n',
      err: '',
    });
  });

  it('brings types that a strict compiler takes', async () => {
    writeFileSync(
      join(home, 'use.ts'),
      `import { type RunRequest, type RunResult, readScenario, run } from 'mcp-soak';
import { createHub, type HubConfig, loadConfig } from 'mcp-soak/hub';
const config: HubConfig = loadConfig({ sessionTimeout: '1m' });
const request: RunRequest = { loaded: await readScenario('soak.yaml'), mode: 'virtual', seed: 1 };
const result: RunResult = await run(request);
export const all: [string, number] = [result.verdict, createHub(config).sessions.size];
`,
    );
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024'];
    const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    expect(await call(home, process.execPath, tsc, ...options, ...types, 'use.ts')).toMatchObject({
      code: 0,
      out: '',
    });
  });
});
