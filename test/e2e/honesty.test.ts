import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunResultSchema } from '../../simulator/result.ts';
import { run } from '../../simulator/run.ts';
import { parseScenario } from '../../simulator/scenario/load.ts';
import { tempDir } from '../simulator/targets/own-server.ts';
import { start, textIn, until } from './cli.ts';

/** 80 arrivals a second, long enough that a standstill of half a second is more than a percent of it. */
const scenarioText = (seconds: number, rest = '') => `version: 1
name: honest
description: Of a test.
workloads:
  w:
    executor: constant-arrival-rate
    rate: 80
    duration: ${seconds}s
    maxVUs: 400
    # Long enough for several looks to meet each session, however busy the machine is.
    flow: [initialize, { think: 400ms }, delete]
settle: 200ms
observe: 100ms
thresholds:
  "mcp_request_duration_ms{method:initialize}": [p(99) < 100ms]
  sessions_opened: [count == ${80 * seconds}]
${rest}`;
const COUNTED = (seconds: number) => `sessions_opened count == ${80 * seconds}`;

describe('a run in real time', { timeout: 30_000 }, () => {
  it('shows a target that was stopped for 1 s in its response times, and blames it for no error', async () => {
    const loaded = parseScenario(scenarioText(4, 'events: [{ at: 1s, pause: 1s }]'), 'own.yaml');
    const { metrics, checks } = await run({ loaded, mode: 'real', seed: 1 });
    const times = metrics.trends.mcp_request_duration_ms?.methods.initialize;
    const service = metrics.trends.mcp_request_service_ms?.methods.initialize;
    expect(times?.p99Ms).toBeGreaterThan(500);
    // Only a quarter of them met the standstill: who came when it ran was served as ever.
    expect(service?.p50Ms).toBeLessThan(250);
    expect(metrics.rates.mcp_request_errors?.hits).toBe(0);
    expect(
      checks.filter(({ class: evidence, verdict }) => evidence !== 'timing' && verdict === 'fail'),
    ).toEqual([]);
  });

  it('is void in its times when the generator was blocked for 1 s, and stands in its counts', async () => {
    let isBlocked = false;
    const result = await run({
      loaded: parseScenario(scenarioText(3), 'own.yaml'),
      mode: 'real',
      seed: 1,
      onProgress: ({ now, phase }) => {
        if (isBlocked || phase !== 'load' || now < 500) return;
        isBlocked = true;
        const blockedUntil = performance.now() + 1_000;
        while (performance.now() < blockedUntil);
      },
    });
    expect(isBlocked).toBe(true);
    const byName = new Map(result.checks.map((check) => [check.name, check]));
    const late = 'mcp_request_duration_ms{method:initialize} p(99) < 100 ms';
    expect(byName.get(late)).toMatchObject({
      verdict: 'invalid',
      reason: expect.stringContaining('the simulator sent its requests late'),
    });
    expect(byName.get(COUNTED(3))?.verdict).toBe('pass');
    expect(byName.get('sessions_not_lost')?.verdict).not.toBe('fail');
    expect([result.verdict, result.exitCode]).toEqual(['invalid', 98]);
    expect(result.generator.lagMaxMs).toBeGreaterThan(800);
    expect(result.generator.strain?.loopDelayMaxMs).toBeGreaterThan(800);
  });

  it('is void in its times when the whole process was stopped for 500 ms, which it finds out afterwards', async () => {
    const dir = tempDir();
    const file = join(dir, 'honest.yaml');
    writeFileSync(file, scenarioText(3));
    const out = join(dir, 'out');
    const child = start('run', file, '--mode', 'real', '--json', '--out', out);
    await until(() => textIn(dir, 'events.jsonl').split('\n').length > 200);
    child.signal('SIGSTOP');
    const stoppedAt = performance.now();
    await until(() => performance.now() - stoppedAt > 500);
    child.signal('SIGCONT');
    const { code, out: said } = await child.ended;
    const result = RunResultSchema.parse(JSON.parse(said));
    expect(result.generator.lagMaxMs).toBeGreaterThan(400);
    expect(result.generator.timingInvalid).toContain('the simulator sent its requests late');
    expect([result.verdict, code]).toEqual(['invalid', 98]);
    expect(result.checks.find(({ name }) => name === COUNTED(3))?.verdict).toBe('pass');
  });
});
