import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledNames, openScenario } from '../../simulator/commands/files.ts';
import { PolicySchema } from '../../simulator/judge/policy.ts';
import { type RunResult, RunResultSchema } from '../../simulator/result.ts';
import { run } from '../../simulator/run.ts';
import { RequestError } from '../../simulator/run-request.ts';
import { type LoadedScenario, parseScenario } from '../../simulator/scenario/load.ts';
import type { Launch } from '../../simulator/targets/in-process.ts';
import { smallServer } from './fleet/small-server.ts';

const CLI = fileURLToPath(new URL('../../bin/mcp-soak.js', import.meta.url));
/** Every bundled scenario is to attempt at least so many sessions. */
const MANY = 1_000;
const SEED = 7;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-soak-run-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const newDir = (name: string) => mkdtempSync(join(dir, `${name}-`));

/** Runs a bundled scenario in this process, in virtual time. */
async function bundled(name: string, outDir = newDir(name)): Promise<RunResult> {
  return run({ loaded: await openScenario(name), mode: 'virtual', seed: SEED, outDir });
}

/** Runs that several tests look at. */
const done = new Map<string, Promise<{ result: RunResult; outDir: string }>>();

function ranBundled(name: string): Promise<{ result: RunResult; outDir: string }> {
  const outDir = newDir(name);
  const known = done.get(name) ?? bundled(name, outDir).then((result) => ({ result, outDir }));
  done.set(name, known);
  return known;
}

function scenario(text: string): LoadedScenario {
  return parseScenario(`version: 1\nname: own\ndescription: Of a test.\n${text}`, 'own.yaml');
}

const verdictOf = (result: RunResult, name: string) =>
  result.checks.find((check) => check.name === name)?.verdict;

function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** What cannot be seen: counters that begin anew with each process, and a process of its own. */
const UNSEEN: Readonly<Record<string, readonly string[]>> = {
  'restart-herd': ['books_balance'],
  rollout: ['target_rss_bytes max < 512 MiB'],
};

describe('the reference hub', { timeout: 60_000 }, () => {
  it.each(bundledNames())('passes %s in virtual time', async (name) => {
    const { result } = await ranBundled(name);
    const unseen = result.checks.filter(({ verdict }) => verdict !== 'pass').map((check) => check.name);
    expect(unseen).toEqual(UNSEEN[name] ?? []);
    expect([result.verdict, result.exitCode]).toEqual(['pass', 0]);
    expect(result.sessions.liveAtEnd).toBe(0);
    expect(RunResultSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
  });

  it.each(['abandon', 'churn', 'idle-timeout', 'shutdown'])(
    'sees a thousand sessions in %s',
    async (name) => {
      const { result } = await ranBundled(name);
      expect(result.sessions.attempted).toBeGreaterThanOrEqual(MANY);
    },
  );
});

describe('a run in virtual time', { timeout: 60_000 }, () => {
  /** What of a result may differ between two runs of one seed: the day and the machine. */
  const timeless = ({ startedAt: _1, wallMs: _2, ...rest }: RunResult) => rest;

  it('is the same run again with the same seed', async () => {
    const { result, outDir } = await ranBundled('churn');
    expect(timeless(await bundled('churn'))).toEqual(timeless(result));
    expect(sha256Of(join(outDir, 'events.jsonl'))).toBe(result.eventLog.sha256);
  });

  it('is another run with another seed', async () => {
    const hashOf = async (seed: number) => {
      const steps = 'initialize, { think: { between: [1s, 9s] } }, delete';
      const loaded = scenario(`
workloads:
  w: { executor: per-vu-iterations, vus: 5, iterations: 1, flow: [${steps}] }
settle: 1s
`);
      return (await run({ loaded, mode: 'virtual', seed })).eventLog.sha256;
    };
    const [a, again, b] = [await hashOf(1), await hashOf(1), await hashOf(2)];
    expect([again === a, b === a]).toEqual([true, false]);
  });

  it('is the same run in two other processes', async () => {
    const { result } = await ranBundled('churn');
    const elsewhere = async (out: string) => {
      const args = [CLI, 'run', 'churn', '--seed', String(SEED), '--json', '--out', out];
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 24 });
      const files = readdirSync(out, { recursive: true, encoding: 'utf8' });
      const log = files.find((file) => file.endsWith('events.jsonl')) ?? '';
      return { said: RunResultSchema.parse(JSON.parse(stdout)).eventLog, written: sha256Of(join(out, log)) };
    };
    const same = { said: result.eventLog, written: result.eventLog.sha256 };
    expect(await Promise.all([elsewhere(newDir('one')), elsewhere(newDir('two'))])).toEqual([same, same]);
  });

  it('writes a log without session ids and without fingerprints', async () => {
    const { outDir } = await ranBundled('churn');
    const log = readFileSync(join(outDir, 'events.jsonl'), 'utf8');
    expect(log).toContain('"kind":"initialize-answered"');
    // Ids of the hub are UUIDs or as long; fingerprints are twelve hex digits.
    expect(log).not.toMatch(/[0-9a-f]{12}|fingerprint|sessionId|[\w-]{32}/i);
  });
});

describe('a run that is stopped', () => {
  it('is judged by what there was, and says that it was stopped', async () => {
    const stop = new AbortController();
    let looks = 0;
    const result = await run({
      loaded: await openScenario('churn'),
      mode: 'virtual',
      seed: 3,
      outDir: newDir('stopped'),
      stop: stop.signal,
      onProgress: () => {
        looks += 1;
        if (looks === 3) stop.abort();
      },
    });
    expect([result.verdict, result.exitCode]).toEqual(['aborted', 105]);
    expect(looks).toBe(3);
    expect(result.sessions.opened).toBeGreaterThan(0);
    expect(result.generator.started).toBeLessThan(result.generator.planned);
    expect(result.checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'no-data')).toEqual([]);
    expect(verdictOf(result, 'answers_correct')).toBe('pass');
    RunResultSchema.parse(result);
  });

  it('before it begins ends at once, with a result', async () => {
    const loaded = await openScenario('abandon');
    const result = await run({ loaded, mode: 'virtual', seed: 3, stop: AbortSignal.abort() });
    expect([result.verdict, result.durationMs]).toEqual(['aborted', 0]);
  });

  it('tells what had failed by then', async () => {
    const stop = new AbortController();
    const flow = ['initialize', 'call: { tool: echo, arguments: { message: hi } }', 'think: 1h'];
    const loaded = scenario(`
workloads:
  w: { executor: per-vu-iterations, vus: 3, iterations: 1, flow: [${flow.map((step) => (step.includes(':') ? `{ ${step} }` : step)).join(', ')}] }
settle: 1s
`);
    const launch = silentHub({ 'tools/call': () => ({ content: [] }) });
    const result = run({
      loaded,
      mode: 'virtual',
      seed: 1,
      target: { name: 'forgetful', launch },
      stop: stop.signal,
      onProgress: ({ now }) => {
        if (now >= 60_000) stop.abort();
      },
    });
    expect(verdictOf(await result, 'answers_correct')).toBe('fail');
    expect((await result).verdict).toBe('aborted');
  });
});

/** A small server; shuts down without a word, that is: never. */
function silentHub(answers: Parameters<typeof smallServer>[0]): Launch {
  const launch = smallServer(answers);
  return async () => ({ ...(await launch()), shutdown: () => new Promise(() => undefined) });
}

describe('a target', () => {
  const oneCall = (rest: string) => `
workloads:
  w:
    executor: per-vu-iterations
    vus: 5
    iterations: 1
    flow:
      - initialize
      - listen
      - call: { tool: work, timeout: 2h }
${rest}
settle: 1s
`;

  it('that hangs when it is told to end fails for each call it never answered', async () => {
    const result = await run({
      loaded: scenario(oneCall('events:\n  - { at: 10s, signal: SIGTERM }')),
      mode: 'virtual',
      seed: 1,
      target: { name: 'hanging', launch: silentHub({ 'tools/call': () => 'never' }) },
    });
    const checks = result.checks.map(({ name, verdict, observed }) => [name, verdict, observed]);
    expect(checks).toContainEqual(['drain_answers_calls', 'fail', '5 of 5 calls in flight']);
    expect(checks).toContainEqual(['exits_by_itself', 'fail', 'still running after 33 s']);
  });

  it('is not found guilty of hanging when the run is stopped before its time is up', async () => {
    const stop = new AbortController();
    const result = await run({
      loaded: scenario(oneCall('events:\n  - { at: 10s, signal: SIGTERM }')),
      mode: 'virtual',
      seed: 1,
      target: { name: 'hanging', launch: silentHub({ 'tools/call': () => 'never' }) },
      stop: stop.signal,
      onProgress: ({ now }) => {
        if (now > 15_000) stop.abort();
      },
    });
    expect(result.verdict).toBe('aborted');
    expect(result.checks.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
  });

  it('whose sessions can only be asked for is asked for each of them, once', async () => {
    let pings = 0;
    const launch = smallServer({
      ping: () => {
        pings += 1;
        return 404;
      },
    });
    const result = await run({
      loaded: scenario(`
workloads:
  w: { executor: per-vu-iterations, vus: 4, iterations: 1, flow: [initialize, { call: { tool: work } }] }
settle: 10m
invariants: [sessions_not_leaked]
`),
      mode: 'virtual',
      seed: 1,
      target: { name: 'mute', launch },
      policy: PolicySchema.parse({ sessionTimeoutMs: 300_000, cleanupIntervalMs: 60_000 }),
    });
    expect(result.target.sessionsAre).toBe('none');
    expect(pings).toBe(4);
    expect(verdictOf(result, 'sessions_not_leaked')).toBe('pass');
  });
});

describe('a target that cannot be had', () => {
  const loaded = () =>
    scenario(
      'workloads:\n  w: { executor: per-vu-iterations, vus: 1, iterations: 1, flow: [initialize] }\nsettle: 1s\n',
    );

  it('is bad input, and the error says where and why', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const endpoint = new URL(`http://127.0.0.1:${port}/mcp`);
    const error = await run({ loaded: loaded(), mode: 'real', seed: 1, target: endpoint }).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(RequestError);
    expect(error.message).toContain(`cannot be reached at ${endpoint.href}: `);
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('in virtual time is one that runs already', async () => {
    const target = new URL('http://127.0.0.1:1/mcp');
    const running = run({ loaded: loaded(), mode: 'virtual', seed: 1, target });
    await expect(running).rejects.toBeInstanceOf(RequestError);
  });

  it('is one that breaks at its start, and virtual time is gone again', async () => {
    const { setTimeout: before } = globalThis;
    const launch = () => {
      throw new Error('no database');
    };
    const broken = run({ loaded: loaded(), mode: 'virtual', seed: 1, target: { name: 'broken', launch } });
    await expect(broken).rejects.toThrow('no database');
    expect(globalThis.setTimeout).toBe(before);
  });
});
