import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { RunResultSchema } from '../../simulator/result.ts';
import { serveHub } from '../hub/hub-on-loopback.ts';

const COMMAND = fileURLToPath(new URL('../../bin/mcp-soak.js', import.meta.url));
const FILES = 100;

/** More clients at once, each with a stream, than there are files for. */
const SCENARIO = `version: 1
name: too-many
description: More connections than files.
settle: 3s
workloads:
  many:
    executor: per-vu-iterations
    vus: ${FILES}
    iterations: 1
    flow:
      - initialize
      - listen
      - call: { tool: echo, arguments: { message: hello } }
      - think: 300ms
      - call: { tool: echo, arguments: { message: hello } }
      - delete
thresholds:
  mcp_request_errors: [rate == 0]
`;

it('a simulator with too few files says so beforehand, and accuses nobody afterwards', {
  timeout: 60_000,
}, async () => {
  const { endpoint } = await serveHub({ sessionTimeout: '1s', cleanupInterval: '200ms' });
  const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const scenario = join(dir, 'too-many.yaml');
  writeFileSync(scenario, SCENARIO);
  const args = ['run', scenario, '--target', endpoint.href, '--out', dir, '--json'];
  const child = spawn('sh', [
    '-c',
    `ulimit -n ${FILES} && exec "$@"`,
    'sh',
    process.execPath,
    COMMAND,
    ...args,
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  expect(err).toContain(`up to 200 connections open at once, and the simulator may open ${FILES} files`);
  const { checks, generator } = RunResultSchema.parse(JSON.parse(out));
  expect(checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'no-data')).toEqual([]);
  expect(checks.find(({ name }) => name === 'all_requests_sent')).toMatchObject({
    verdict: 'invalid',
    reason: expect.stringContaining('ulimit -n'),
  });
  expect(generator.localFailuresBy).toEqual({ EMFILE: expect.any(Number) });
  expect(code).toBe(98);
});
