import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledNames } from '../../simulator/commands/files.ts';
import { type RunResult, RunResultSchema } from '../../simulator/result.ts';
import { childrenOf, fileIn, hasPendingSignal, isRunning, mcpSoak, start, textIn, until } from './cli.ts';
import { SHORT } from './short-scenario.ts';

/** Sessions that would stay for an hour. */
const LONG = SHORT.replace('name: short', 'name: long').replaceAll('think: 300ms', 'think: 1h');

let dir: string;
let short: string;
let long: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-soak-e2e-'));
  short = write('short.yaml', SHORT);
  long = write('long.yaml', LONG);
});
afterAll(() => rmSync(dir, { recursive: true }));

const newDir = () => mkdtempSync(join(dir, 'out-'));

function write(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

function resultIn(out: string): RunResult {
  return RunResultSchema.parse(JSON.parse(textIn(out, 'result.json')));
}

describe('help', () => {
  it.each([
    [['--help'], ['run', 'list', 'validate', 'hub', '105  stopped by Ctrl-C']],
    [
      ['run', '--help'],
      ['--mode', '--seed', '--target', '--policy', '--allow-remote', '--out', '--json', '--quiet'],
    ],
    [
      ['hub', '--help'],
      ['--session-timeout', '--drain'],
    ],
  ])('%j is the manual', async (args, words) => {
    const { code, out, err } = await mcpSoak(...args);
    expect([code, err]).toEqual([0, '']);
    for (const word of words) expect(out).toContain(word);
  });

  it('names the version', async () => {
    expect(await mcpSoak('--version')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('list', () => {
  it('names every bundled scenario in a line of its own, with what it covers', async () => {
    const { code, out } = await mcpSoak('list');
    const lines = out.trimEnd().split('\n');
    expect([code, lines.map((line) => line.split(' ')[0])]).toEqual([0, bundledNames()]);
    for (const line of lines) expect(line).toMatch(/\[F\d\d.*\]$/);
  });
});

describe('validate', () => {
  it('accepts the bundled scenarios and a good file', async () => {
    const { code, out, err } = await mcpSoak('validate', ...bundledNames(), short);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`${short}: valid, 2 workloads`);
  });

  it('says what is wrong with file, line, column and the nearest word, for every file', async () => {
    const bad = write('bad.yaml', SHORT.replace('- expect-gone', '- expect-gnoe'));
    const worse = write('worse.yaml', SHORT.replace('observe:', 'observes:'));
    const { code, out, err } = await mcpSoak('validate', bad, 'no-such-thing', worse, short);
    expect(code).toBe(104);
    expect(err).toContain(`${bad}:17:9: `);
    expect(err).toContain(`'expect-gone'`);
    expect(err).toContain("There is no scenario 'no-such-thing'");
    expect(err).toContain(`${worse}:27:1: `);
    expect(err).toContain(`did you mean 'observe'?`);
    expect(out).toContain(`${short}: valid`);
  });
});

describe('what cannot be run is bad input, and is told of before anything runs', () => {
  it.each<[string, string[], string[]]>([
    ['an unknown command', ['walk'], ["unknown command 'walk'"]],
    ['an unknown option', ['run', 'churn', '--speed', '2'], ["unknown option '--speed'"]],
    ['no scenario', ['run'], ['missing required argument']],
    ['an unknown scenario', ['run', 'churm'], ["no scenario 'churm'", ...bundledNames()]],
    ['a seed that is none', ['run', 'churn', '--seed', 'x'], ["--seed: got 'x'", 'whole number']],
    ['a negative seed', ['run', 'churn', '--seed=-1'], ["--seed: got '-1'"]],
    ['a mode that is none', ['run', 'churn', '--mode', 'x'], ["--mode: got 'x'", 'virtual, real, both']],
    ['a target that is no URL', ['run', 'churn', '--target', 'x'], ["--target: got 'x'"]],
    ['a target that is not HTTP', ['run', 'churn', '--target', 'ws://127.0.0.1/'], ['--target: got']],
    [
      'another machine, without leave',
      ['run', 'churn', '--target', 'http://192.0.2.1/mcp'],
      ['192.0.2.1 is not this machine', '--allow-remote'],
    ],
    [
      'a running server in virtual time',
      ['run', 'churn', '--target', 'http://127.0.0.1:1/mcp', '--mode', 'virtual'],
      ['--mode virtual', '--target'],
    ],
    ['a policy for the hub', ['run', 'churn', '--policy', 'sessionTimeout=5m'], ['--policy is for --target']],
    [
      'two targets',
      ['run', 'churn', '--module', 'a.ts', '--command', 'x'],
      ['--command and --module exclude'],
    ],
    ['a command without its address', ['run', 'churn', '--command', 'npm start'], ['--command needs --url']],
    [
      'a command elsewhere',
      ['run', 'churn', '--command', 'x', '--url', 'http://example.com/mcp'],
      ['--url', 'on this machine'],
    ],
    ['an address of nothing', ['run', 'churn', '--url', '/mcp'], ['--url goes with']],
    ['a module that is not there', ['run', 'churn', '--module', 'no.ts'], ['--module: there is no file']],
    [
      'a command in virtual time',
      ['run', 'churn', '--command', 'x', '--url', 'http://127.0.0.1:9/mcp', '--mode', 'virtual'],
      ['--mode virtual cannot be had with --command'],
    ],
    ['a heap in virtual time', ['run', 'churn', '--heap'], ['--heap needs --mode real']],
    [
      'a source it does not know',
      ['run', 'churn', '--sessions-from', 'x:y'],
      ['--sessions-from', 'prometheus:'],
    ],
    [
      'a policy that is none',
      ['run', 'churn', '--target', 'http://127.0.0.1:1/mcp', '--policy', 'sessionTimeout=soon'],
      ['--policy sessionTimeout=soon', 'sessionTimeout, cleanupInterval'],
    ],
    [
      'a promise there is no word for',
      ['run', 'churn', '--target', 'http://127.0.0.1:1/mcp', '--policy', 'patience=5m'],
      ['patience', 'sessionTimeout, cleanupInterval'],
    ],
  ])('%s', async (_, args, words) => {
    const out = newDir();
    const ended = await mcpSoak(...args, ...(args[0] === 'run' ? ['--out', out] : []));
    expect([ended.code, ended.out]).toEqual([104, '']);
    for (const word of words) expect(ended.err).toContain(word);
    expect(ended.err).not.toMatch(/^\s+at /m);
    expect(fileIn(out, '.json')).toBeUndefined();
  });
});

describe('a run', { timeout: 60_000 }, () => {
  it('prints its seed first, then a summary, and writes its reports', async () => {
    const out = newDir();
    const { code, out: said } = await mcpSoak('run', short, '--seed', '5', '--out', out);
    expect(code).toBe(0);
    expect(said).toMatch(/^mcp-soak: 1 run against the reference hub, seed 5\n\nPASS /);
    expect(resultIn(out)).toMatchObject({ verdict: 'pass', seed: 5, mode: 'virtual' });
    expect(said).toContain(textIn(out, 'summary.txt'));
    expect(fileIn(out, 'events.jsonl')).toBeDefined();
  });

  it('with --json prints the result documents and nothing else, one a line', async () => {
    const { code, out, err } = await mcpSoak('run', short, short, '--json', '--out', newDir());
    const results = out
      .trimEnd()
      .split('\n')
      .map((line) => RunResultSchema.parse(JSON.parse(line)));
    expect([code, err, results.map(({ verdict }) => verdict)]).toEqual([0, '', ['pass', 'pass']]);
  });

  it('with --quiet prints nothing when it passes', async () => {
    expect(await mcpSoak('run', short, '--quiet', '--out', newDir())).toMatchObject({
      code: 0,
      out: '',
      err: '',
    });
  });

  it('with --quiet prints what failed, and how to make it again', async () => {
    const strict = write('strict.yaml', `${SHORT}thresholds:\n  mcp_requests: ['count > 1000']\n`);
    const { code, out } = await mcpSoak('run', strict, '--quiet', '--seed', '5', '--out', newDir());
    expect(code).toBe(99);
    expect(out).toMatch(/^FAIL /);
    expect(out).toContain(`again       npx mcp-soak run ${strict} --mode virtual --seed 5`);
  });

  it('in both modes says how many of them passed', async () => {
    const out = newDir();
    const { code, out: said } = await mcpSoak('run', short, '--mode', 'both', '--out', out);
    expect(said).toMatch(/PASS +short +virtual/);
    expect(said).toMatch(/PASS +short +real/);
    expect(said).toMatch(/2 of 2 runs passed: 16 sessions/);
    expect(code).toBe(0);
  });

  it('never writes over the reports of another that began in the same second', async () => {
    const out = newDir();
    const runs = [1, 2, 3].map(() => mcpSoak('run', short, '--quiet', '--out', out));
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(readdirSync(out)).toHaveLength(3);
  });
});

describe('a run in real time', { timeout: 60_000 }, () => {
  /** Starts a long run, and waits until the hub holds sessions. */
  async function underLoad(out: string) {
    const running = start('run', long, '--mode', 'real', '--out', out);
    await until(() => textIn(out, 'hub.log').includes('session-opened'));
    const [hub = 0] = childrenOf(running.pid);
    expect(isRunning(hub)).toBe(true);
    return { running, hub };
  }

  it('that is interrupted is judged and written down, and leaves no hub behind', async () => {
    const out = newDir();
    const { running, hub } = await underLoad(out);
    running.signal('SIGINT');
    const { code, out: said } = await running.ended;
    expect(code).toBe(105);
    expect(said).toContain('ABORTED long: stopped by a signal');
    const result = resultIn(out);
    expect([result.verdict, result.exitCode]).toEqual(['aborted', 105]);
    expect(result.sessions.opened).toBeGreaterThan(0);
    expect(result.checks.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    expect(isRunning(hub)).toBe(false);
  });

  it('that is interrupted twice, by whatever signals, ends at once, and leaves no hub behind', async () => {
    const out = newDir();
    const { running, hub } = await underLoad(out);
    // The hub holds still: to stop it in order would take seconds.
    process.kill(hub, 'SIGSTOP');
    running.signal('SIGINT');
    // The first has been taken when it no longer waits in the kernel's queue (SigPnd and ShdPnd of proc_pid_status(5)).
    await until(() => !hasPendingSignal(running.pid));
    running.signal('SIGTERM');
    expect((await running.ended).code).toBe(105);
    expect(fileIn(out, 'result.json')).toBeUndefined();
    await until(() => !isRunning(hub));
  });

  it('whose terminal is closed is stopped as well, and does not begin the next one', async () => {
    const out = newDir();
    const running = start('run', long, short, '--mode', 'real', '--out', out);
    await until(() => textIn(out, 'hub.log').includes('session-opened'));
    running.signal('SIGHUP');
    const { code, out: said } = await running.ended;
    expect(code).toBe(105);
    expect(said).toContain('0 of 2 runs passed');
    expect(fileIn(out, 'short-real')).toBeUndefined();
  });

  it('against a server that runs already passes, and does not stop it', async () => {
    const hub = start(
      'hub',
      '--port',
      '0',
      '--session-timeout',
      '500ms',
      '--cleanup-interval',
      '100ms',
      '--heartbeat',
      '150ms',
      '--handshake-timeout',
      '500ms',
    );
    await until(() => hub.out().includes('"listening"'));
    const { url } = JSON.parse(hub.out().split('\n')[0] ?? '');
    const out = newDir();
    const { code, out: said } = await mcpSoak('run', short, '--target', url, '--out', out);
    expect([code, said.includes(`against ${url}`)]).toEqual([0, true]);
    expect(resultIn(out)).toMatchObject({ mode: 'real', target: { sessionsAre: 'listed' } });
    const health = await fetch(new URL('/health', url));
    expect([health.status, isRunning(hub.pid)]).toEqual([200, true]);
    hub.signal('SIGTERM');
    expect((await hub.ended).code).toBe(0);
  });

  it('against nothing says that the target cannot be reached', async () => {
    const port = await freePort();
    const out = newDir();
    const { code, err } = await mcpSoak(
      'run',
      short,
      '--target',
      `http://127.0.0.1:${port}/mcp`,
      '--out',
      out,
    );
    expect(code).toBe(104);
    expect(err).toContain(`cannot be reached at http://127.0.0.1:${port}/mcp: connect ECONNREFUSED`);
    expect(err).not.toMatch(/^\s+at /m);
  });

  it('against a server that is no MCP server fails, with what was refused and the policy to state again', async () => {
    const server = createHttpServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const flow = SHORT.replace('settle: D + T + 2C', 'settle: 100ms');
    const { code, out } = await mcpSoak(
      'run',
      write('blind.yaml', flow),
      '--target',
      `http://127.0.0.1:${port}/mcp`,
      '--out',
      newDir(),
      '--policy',
      'sessionTimeout=5m',
      'maxSessions=9',
    );
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(code).toBe(99);
    expect(out).toContain('refused 8');
    expect(out).toContain(`/mcp --policy sessionTimeout=300000ms cleanupInterval=0ms maxSessions=9\n`);
  });
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error(`no port: ${address}`);
  return address.port;
}
