import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { PolicySchema } from '../../simulator/judge/policy.ts';
import { parseCountSource } from '../../simulator/observers/count-source.ts';
import type { RunResult } from '../../simulator/result.ts';
import { run } from '../../simulator/run.ts';
import type { RunRequest } from '../../simulator/run-request.ts';
import { parseScenario } from '../../simulator/scenario/load.ts';
import { isRunning } from '../e2e/cli.ts';
import { freePort, moduleFile, serverSource, tempDir } from './targets/own-server.ts';

const HealthSchema = z.object({ pid: z.number() });
const POLICY = PolicySchema.parse({ sessionTimeoutMs: 60_000, cleanupIntervalMs: 15_000 });
const CLOSE_ALL = 'for (const { transport } of sessions.values()) await transport.close();';

function scenario(text: string) {
  return parseScenario(`version: 1\nname: own\ndescription: Of a test.\n${text}`, 'own.yaml');
}

/** Clients that come, call, wait and leave all the time. */
const busy = (rest: string, duration = '3s') =>
  scenario(`
workloads:
  busy:
    executor: constant-arrival-rate
    rate: 20
    duration: ${duration}
    maxVUs: 60
    flow: [initialize, { call: { tool: echo, arguments: { message: hi } } }, { think: 400ms }, expect-alive, delete]
settle: 1s
observe: 100ms
${rest}`);

const bad = ({ checks }: RunResult) =>
  checks.flatMap(({ name, verdict, reason }) =>
    verdict === 'pass' || verdict === 'not-observable' ? [] : [`${name} ${verdict}: ${reason}`],
  );

const events = (outDir: string) =>
  readFileSync(join(outDir, 'events.jsonl'), 'utf8')
    .split('\n')
    .flatMap((line) => (line.includes('"target":true') ? [JSON.parse(line).kind] : []));

async function ran(request: Pick<RunRequest, 'loaded' | 'mode'> & Partial<RunRequest>) {
  const outDir = tempDir();
  const result = await run({ seed: 7, outDir, policy: POLICY, ...request });
  return { result, outDir };
}

describe('a module as the target', { timeout: 60_000 }, () => {
  const offers = [
    ['an Express app', 'export default app;'],
    ['an http.Server', "import { createServer } from 'node:http'; export default createServer(app);"],
    ['a function that makes one', 'export default async () => app;'],
    [
      'a server and its shutdown',
      `import { createServer } from 'node:http';
const server = createServer(app);
export default { server, shutdown: async () => { ${CLOSE_ALL} server.close(); } };`,
    ],
    ['a program that listens itself', "app.listen(3000, () => console.log('listening on 3000'));"],
  ] as const;

  it.each(offers)('is loaded in virtual time: %s', async (_, tail) => {
    const module = moduleFile(serverSource(tail));
    const { result } = await ran({ mode: 'virtual', loaded: busy(''), target: { module, path: '/mcp' } });
    expect(bad(result)).toEqual([]);
    expect(result.sessions.opened).toBe(60);
    expect(result.target).toMatchObject({ name: 'server.ts', sessionsAre: 'counted' });
  });

  it.each([offers[0], offers[4]])('is loaded as a process of its own: %s', async (_, tail) => {
    const module = moduleFile(serverSource(tail));
    const { result, outDir } = await ran({
      mode: 'real',
      loaded: busy(''),
      target: { module, path: '/mcp' },
    });
    expect(bad(result)).toEqual([]);
    expect(result.sessions.opened).toBe(60);
    expect(existsSync(join(outDir, 'target.log'))).toBe(true);
  });

  it('is told to end by its own handler of SIGTERM, which may exit the process', async () => {
    const tail = `const server = app.listen(3000);
process.on('SIGTERM', async () => { ${CLOSE_ALL} server.close(); process.exit(0); });`;
    const before = process.listenerCount('SIGTERM');
    const { exit } = process;
    const { result } = await ran({
      mode: 'virtual',
      loaded: busy('events: [{ at: 2s, signal: SIGTERM }]\ninvariants: [exits_by_itself]'),
      target: { module: moduleFile(serverSource(tail)), path: '/mcp' },
    });
    expect(bad(result)).toEqual([]);
    expect([process.listenerCount('SIGTERM'), process.exit === exit]).toEqual([before, true]);
  });

  it.each(['virtual', 'real'] as const)(
    'says what is missing when it exports no server, in %s mode',
    async (mode) => {
      const target = { module: moduleFile('export const app = 1;'), path: '/mcp' };
      await expect(ran({ mode, loaded: busy(''), target })).rejects.toThrow(
        /exports no server: its default export/,
      );
    },
  );

  it('starts anew when it is restarted in virtual time, and nobody is accused for what was lost', async () => {
    const module = moduleFile(serverSource('export default app;'));
    const { result, outDir } = await ran({
      mode: 'virtual',
      loaded: busy(
        'events: [{ at: 1500ms, kill: true }, { at: 1900ms, restart: true }, { at: 2500ms, restart: true }]',
      ),
      target: { module, path: '/mcp' },
    });
    expect(bad(result)).toEqual([]);
    expect(events(outDir)).toEqual(['killed', 'exited', 'started', 'restarting', 'exited', 'started']);
    expect(result.sessions.opened).toBeGreaterThan(40);
    expect(result.sessions.opened).toBeLessThan(60);
  });
});

describe('a command as the target', { timeout: 60_000 }, () => {
  const command = async (timeoutMs?: number) => {
    const port = await freePort();
    const tail = `app.listen(${port}, '127.0.0.1', () => console.log('up'));`;
    const file = moduleFile(serverSource(tail, timeoutMs === undefined ? {} : { timeoutMs }));
    // A shell that stays, as npm does.
    return { command: `'${process.execPath}' '${file}'; true`, url: new URL(`http://127.0.0.1:${port}/mcp`) };
  };

  it('is started, observed as a process group, and leaves nothing behind', async () => {
    const target = await command();
    let pid = 0;
    const { result, outDir } = await ran({
      mode: 'real',
      loaded: busy(''),
      target,
      onProgress: () => {
        if (pid === 0)
          fetch(new URL('/health', target.url)).then(
            async (it) => (pid = HealthSchema.parse(await it.json()).pid),
          );
      },
    });
    expect(bad(result)).toEqual([]);
    expect(readFileSync(join(outDir, 'target.log'), 'utf8')).toContain('up');
    // The shell alone would be a few MB.
    expect(result.series.at(-1)?.rssBytes).toBeGreaterThan(30 * 2 ** 20);
    expect(pid).toBeGreaterThan(1);
    expect(isRunning(pid)).toBe(false);
  });

  it('survives kill, restart and pause without an accusation', async () => {
    const { result, outDir } = await ran({
      mode: 'real',
      loaded: busy(
        'events: [{ at: 500ms, kill: true }, { at: 600ms, restart: true }, { at: 1900ms, pause: 300ms }, { at: 2600ms, restart: true }]',
        // On a busy machine each start takes seconds, in which nothing can be expected.
        '9s',
      ),
      target: await command(),
    });
    expect(bad(result)).toEqual([]);
    const kinds = ['killed', 'exited', 'started', 'paused', 'resumed', 'restarting', 'exited', 'started'];
    expect(events(outDir)).toEqual(kinds);
  });

  it.each([
    [
      'ends before it listens',
      'echo no such thing >&2; exit 3',
      /ended before it listened \(code 3\).*\n.*no such thing/,
    ],
    ['does not exist', 'no-such-command-here', /ended before it listened \(code 127\)/],
  ])('is a bad request when it %s', async (_, line, message) => {
    const target = { command: line, url: new URL(`http://127.0.0.1:${await freePort()}/mcp`) };
    const failed = ran({ mode: 'real', loaded: busy(''), target });
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toHaveProperty('name', 'RequestError');
  });

  it('shows its heap, handles and event loop, and its sessions by metric name', async () => {
    const sessionsFrom = parseCountSource('prometheus:/metrics#own_sessions{kind="live"}');
    const { result } = await ran({
      mode: 'real',
      loaded: busy(''),
      target: await command(),
      observers: { heap: 'target', ...(sessionsFrom && { sessionsFrom }) },
    });
    expect(bad(result)).toEqual([]);
    const heaps = result.series.flatMap(({ heapBytes }) => heapBytes ?? []);
    expect(heaps.length).toBeGreaterThanOrEqual(2);
    expect(heaps[0]).toBeGreaterThan(2 ** 20);
    expect(result.series.at(-1)?.handles).toBeGreaterThan(0);
    expect(result.target.sessionsAre).toBe('counted');
  });
});

describe('an event that a target cannot suffer', () => {
  it.each([['pause', '1s', 'cannot be paused']])(
    '%s is a bad request in virtual time',
    async (kind, value, message) => {
      const loaded = busy(`events: [{ at: 1s, ${kind}: ${value} }]`);
      await expect(ran({ mode: 'virtual', loaded })).rejects.toThrow(message);
    },
  );

  it('restart is a bad request for a server that is not ours', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => void response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const failed = ran({
      mode: 'real',
      loaded: busy('events: [{ at: 1s, restart: true }]'),
      target: new URL(`http://127.0.0.1:${port}/mcp`),
    });
    await expect(failed).rejects.toThrow(/is not ours to restart/);
    server.closeAllConnections();
    server.close();
  });
});

describe('a clock that jumps', () => {
  it.each(['+1h', '-1h'])('by %s takes no session of the hub, and keeps none (F19)', async (jump) => {
    const loaded = scenario(`
workloads:
  at-work:
    executor: per-vu-iterations
    vus: 20
    iterations: 1
    flow: [initialize, listen, { think: 0.5T }, expect-alive, { think: 0.5T }, expect-alive, delete]
  gone: { executor: per-vu-iterations, vus: 20, iterations: 1, flow: [initialize, { abandon: silent }] }
events: [{ at: 0.2T, clock-jump: ${jump} }, { at: 0.7T, clock-jump: ${jump} }]
settle: T + 2C
`);
    const result = await run({ loaded, mode: 'virtual', seed: 7 });
    expect(bad(result)).toEqual([]);
    expect(result.reapLag.certified).toBe(20);
  });
});
