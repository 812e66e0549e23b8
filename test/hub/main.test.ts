import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { envName, flagName, SETTINGS } from '../../hub/config.ts';
import { fingerprint } from '../../hub/fingerprint.ts';
import { socketDial } from '../../simulator/targets/socket-dial.ts';
import { callRequest, RawClient, textResult } from './raw-client.ts';

const MAIN = fileURLToPath(new URL('../../hub/main.ts', import.meta.url));

interface HubProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** The log so far, a line each. */
  lines(): string[];
  stderr(): string;
  /** Resolves with the first line of the log that holds an event; rejects when the process ends without. */
  event(name: string): Promise<Record<string, unknown>>;
}

/** `whenFinished`: that of the test, which tests that run side by side must give. */
function startMain(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  whenFinished: (stop: () => void) => void = onTestFinished,
): HubProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  whenFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // 'close' and not 'exit': by then all output has been read.
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  const lines = () => stdout.split('\n').filter((line) => line !== '');
  async function event(name: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = lines().find((line) => line.includes(`"event":"${name}"`));
      if (found) return JSON.parse(found);
      const ended = await Promise.race([
        once(child.stdout, 'data').then(() => false),
        exited.then(() => true),
      ]);
      if (ended) throw new Error(`ended without ${name}: ${stdout} ${stderr}`);
    }
  }
  return { child, exited, lines, stderr: () => stderr, event };
}

/** A hub that listens, and a client for it. */
async function listening(...args: string[]) {
  const hub = startMain(['--port', '0', ...args]);
  const { url } = await hub.event('listening');
  return { ...hub, raw: new RawClient(socketDial(new URL(String(url)))) };
}

describe('--help', () => {
  it('names every flag with its variable and default, and how signals work', async () => {
    const { exited, lines, stderr } = startMain(['--help']);
    expect([await exited, stderr()]).toEqual([{ code: 0, signal: null }, '']);
    const help = lines().join(' ').replaceAll(/\s+/g, ' ');
    for (const setting of SETTINGS) {
      const described = `${flagName(setting)} ${setting.placeholder} ${setting.describes}`;
      const sources = `(default: ${setting.fallback || 'none'}, env: ${envName(setting)})`;
      expect(help).toContain(`${described} ${sources}`);
    }
    expect(help).toContain('SIGTERM');
    expect(help).toContain('Give tokens as a variable: flags show in process lists.');
  });
});

describe('Input that cannot be used', () => {
  const rows: readonly [what: string, args: readonly string[], env: NodeJS.ProcessEnv, says: string][] = [
    [
      'a bad value',
      ['--session-timeout', 'soon'],
      {},
      "--session-timeout (MCP_HUB_SESSION_TIMEOUT): got 'soon', expected a duration",
    ],
    [
      'a bad variable',
      [],
      { MCP_HUB_PORT: 'http' },
      "--port (MCP_HUB_PORT): got 'http', expected a whole number",
    ],
    ['an unknown flag', ['--sesion-timeout', '5m'], {}, "unknown option '--sesion-timeout'"],
    ['a flag without its value', ['--port'], {}, '--port <number>'],
    ['an argument that nobody asked for', ['9000'], {}, 'too many arguments'],
    [
      'a host beyond this machine, and nobody asked who they are',
      ['--host', '0.0.0.0', '--port', '0'],
      {},
      'or let everybody in with --allow-insecure on',
    ],
    [
      'a host beyond this machine with a token, but no names',
      ['--host', '0.0.0.0', '--port', '0'],
      { MCP_HUB_AUTH_TOKEN: 'ci=0123456789abcdef' },
      'Set --allowed-hosts with the names that clients use',
    ],
    [
      'a token that is too short, which is not shown',
      ['--auth-token', 'secret'],
      {},
      '--auth-token (MCP_HUB_AUTH_TOKEN): got a text that does not fit, expected tokens of at least 16',
    ],
  ];
  it.concurrent.for(rows)('%s: exit code 104 and a message', async ([_what, args, env, says], test) => {
    const { exited, lines, stderr } = startMain(args, env, test.onTestFinished);
    expect(await exited).toEqual({ code: 104, signal: null });
    expect(stderr()).toContain(says);
    expect(stderr().trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(lines()).toEqual([]);
  });
});

describe('A port in use', () => {
  it('ends the hub with exit code 107 and names the address', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const address = other.address();
    if (address === null || typeof address === 'string') throw new Error(`no port: ${address}`);
    const { exited, stderr } = startMain(['--port', String(address.port)]);
    expect(await exited).toEqual({ code: 107, signal: null });
    expect(stderr()).toMatch(
      new RegExp(`^mcp-soak hub: .*address already in use 127\\.0\\.0\\.1:${address.port}\n$`),
    );
  });
});

describe('A running hub', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s answers the call in flight, ends the stream, and ends by itself with 0 (F37, F38)',
    async (signal) => {
      const { child, raw, exited, event, stderr, lines } = await listening();
      const session = await raw.open();
      const stream = await raw.stream(session);
      const call = callRequest('last', 'emit', { count: 3, intervalMs: 100 });
      const answer = await raw.streamedCall(session, {
        ...call,
        params: { ...call.params, _meta: { progressToken: 1 } },
      });
      child.kill(signal);
      await event('shutdown');
      expect((await raw.initialize()).status).toBe(503);
      await answer.ended;
      expect(answer.messages().at(-1)).toEqual(textResult('last', 'emitted 3'));
      await stream.ended;
      expect(stream.text()).toMatch(/retry: \d+\n\n$/);
      expect([await exited, stderr()]).toEqual([{ code: 0, signal: null }, '']);
      const phases = lines().flatMap((line) => JSON.parse(line).phase ?? []);
      expect(phases).toEqual(['draining', 'drained', 'closed']);
    },
  );

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('on a second %s ends at once, with %i', async (signal, code) => {
    const { child, raw, exited, event } = await listening();
    const call = raw.call(await raw.open(), 'sleep', { ms: 60_000 });
    const broken = expect(call).rejects.toThrow();
    await raw.get('/health');
    child.kill(signal);
    await event('shutdown');
    child.kill(signal);
    expect(await exited).toEqual({ code, signal: null });
    await broken;
  });

  it('takes settings from variables where no flag says otherwise; idle, it ends within a second (F58)', async () => {
    const { child, exited, event } = startMain(['--port', '0', '--heartbeat', '7s'], {
      MCP_HUB_SESSION_TIMEOUT: '7m',
      MCP_HUB_HEARTBEAT: '9s',
    });
    const { url } = await event('listening');
    const { json } = await new RawClient(socketDial(new URL(String(url)))).get('/health');
    expect(json).toMatchObject({ policy: { sessionTimeoutMs: 420_000, deadPeerMs: 28_000 } });
    const signalledAt = performance.now();
    child.kill('SIGTERM');
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - signalledAt).toBeLessThan(1_000);
  });

  it('takes its token from the variable, asks for it, and tells it to nobody (F32)', async () => {
    const token = 'ci-token-0123456789';
    const { child, exited, event, lines, stderr } = startMain(['--port', '0', '--log-level', 'debug'], {
      MCP_HUB_AUTH_TOKEN: `ci=${token}`,
    });
    const { url } = await event('listening');
    const raw = new RawClient(socketDial(new URL(String(url))));
    const page = (headers = {}) => raw.send({ method: 'GET', path: '/sessions', headers });
    expect((await raw.initialize()).status).toBe(401);
    expect((await page()).status).toBe(401);
    expect((await page({ authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await raw.get('/health')).status).toBe(200);
    child.kill('SIGTERM');
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(lines().join() + stderr()).not.toContain(token);
    expect(lines().join()).toContain('"kind":"UNAUTHORIZED","count":2');
  });

  it('limits rates unless told otherwise (F45)', async () => {
    const limited = await listening('--initialize-rate', '2');
    const free = await listening('--initialize-rate', '2', '--rate-limit', 'off');
    const statuses = async ({ raw }: { raw: RawClient }) => [
      (await raw.initialize()).status,
      (await raw.initialize()).status,
      (await raw.initialize()).status,
    ];
    expect(await statuses(limited)).toEqual([200, 200, 429]);
    expect(await statuses(free)).toEqual([200, 200, 200]);
  });

  it('shuts down gracefully also when it is signalled as soon as it says that it listens', async () => {
    const { child, exited, event } = startMain(['--port', '0']);
    child.stdout?.once('data', () => child.kill('SIGTERM'));
    await event('listening');
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  it('logs its life as JSON, with fingerprints: no id, nothing of bodies (F33)', async () => {
    const { child, raw, exited, lines } = await listening('--log-level', 'debug');
    const session = await raw.open({ name: 'logged' });
    const stream = await raw.stream(session);
    await raw.call(session, 'echo', { message: 'top secret' });
    await raw.call(session, 'no such tool', { message: 'top secret' });
    await raw.send({ session, body: '{"broken": "top secret"' });
    await raw.send({ session: `${session}x`, body: callRequest(1, 'echo', {}) });
    await raw.delete(session);
    await stream.ended;
    const other = await raw.open();
    child.kill('SIGTERM');
    await exited;
    const log = lines().map((line) => JSON.parse(line));
    expect(log.map((line) => line.event)).toEqual([
      'listening',
      'session-opened',
      'stream-opened',
      'refused',
      'refused',
      'session-ended',
      'session-opened',
      'shutdown',
      'shutdown',
      'session-ended',
      'shutdown',
    ]);
    expect(log[1]).toMatchObject({ session: fingerprint(session), client: 'logged' });
    expect(log[5]).toMatchObject({ session: fingerprint(session), reason: 'client' });
    expect(log[9]).toMatchObject({ session: fingerprint(other), reason: 'shutdown' });
    for (const secret of [session, other, 'top secret']) expect(lines().join()).not.toContain(secret);
  });
});
