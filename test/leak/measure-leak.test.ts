import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished, vi } from 'vitest';
import { realClock } from '../../simulator/clock/real.ts';
import { climbs } from '../../simulator/judge/counted.ts';
import type { LeakSeries } from '../../simulator/judge/leak-series.ts';
import type { LeakOptions } from '../../simulator/leak/leak-options.ts';
import { measureLeak } from '../../simulator/leak/measure-leak.ts';
import { openMemoryReader } from '../../simulator/leak/memory-reader.ts';
import { RequestError } from '../../simulator/run-request.ts';
import { urlTarget } from '../../simulator/targets/url.ts';
import { leakTarget } from './leak-target.ts';

/** Processes that are pinned and read: 15 s on a quiet machine, and a minute on one that others use. */
vi.setConfig({ testTimeout: 180_000 });

/** Six readings are the least that can be decided by. */
const SHORT = { unitsPerCycle: 10, warmupCycles: 3, cycles: 6 };

async function measured(leak: string, options: Partial<LeakOptions> = {}): Promise<LeakSeries> {
  const target = await leakTarget(leak);
  onTestFinished(() => target.stop());
  return measureLeak(target, { unit: 'session', ...SHORT, ...options }, { clock: realClock() });
}

function climbing({ counted }: LeakSeries): string[] {
  return counted.filter((one) => climbs(one) === true).map(({ what }) => what);
}

it('passes a server in the pattern of the SDK that keeps nothing', async () => {
  const series = await measured('none');
  expect([series.verdict, series.reason]).toEqual(['pass', '']);
  expect(series).toMatchObject({ source: 'heap', isPinned: true, growing: [] });
  expect(climbing(series)).toEqual([]);
});

it('fails one that keeps closed transports, and names the class, what holds it, and where it was made', async () => {
  const series = await measured('transport');
  expect(series.verdict).toBe('fail');
  expect(series.slope?.bytes).toBeGreaterThan(20_000);
  const transport = series.growing.find(
    ({ className }) => className === 'WebStandardStreamableHTTPServerTransport',
  );
  expect(transport?.counts).toEqual([10, 10, 10]);
  expect(transport?.retainers.join(' → ')).toContain('process → _events → SIGTERM → zombies (Map)');
  expect(series.allocations.map(({ site }) => site).join()).toContain('ajv');
});

it('finds 32 bytes per session under the strict budget', async () => {
  const series = await measured('obj:32', { isStrict: true, unitsPerCycle: 20, namesCulprit: false });
  expect([series.verdict, series.budgetBytes]).toEqual(['fail', 16]);
  expect(series.slope?.bytes).toBeGreaterThan(28);
  expect(series.slope?.bytes).toBeLessThan(40);
});

it('passes a bounded cache that fills up meanwhile, and says so', async () => {
  const series = await measured('lru:400', { unitsPerCycle: 20, cycles: 12 });
  expect(series.verdict).toBe('pass');
  expect(series.reason).toContain('levelled off');
});

it('counts timers that stay behind, one by one, and sockets that stay open', async () => {
  const series = await measured('timer+socket', { namesCulprit: false });
  expect(climbing(series)).toEqual(
    expect.arrayContaining(['Timeout', 'open files', 'sockets', 'TCPSocketWrap']),
  );
  const timers = series.counted.find(({ what }) => what === 'Timeout')?.values ?? [];
  expect(timers.slice(1).map((value, index) => value - (timers[index] ?? 0))).toEqual(
    new Array(timers.length - 1).fill(10),
  );
});

it('finds what a call leaves behind in a session that stays open, and nothing in one that is clean', async () => {
  const leaking = await measured('call', {
    unit: 'request',
    unitsPerCycle: 50,
    isStrict: true,
    namesCulprit: false,
  });
  expect(leaking.verdict).toBe('fail');
  const clean = await measured('none', { unit: 'request', unitsPerCycle: 50 });
  expect(clean.verdict).toBe('pass');
});

it('finds events that are kept for ever, and none where they are not', async () => {
  const leaking = await measured('events', { unit: 'event', unitsPerCycle: 200, namesCulprit: false });
  expect(leaking.verdict).toBe('fail');
  const clean = await measured('none', { unit: 'event', unitsPerCycle: 200 });
  expect(clean.verdict).toBe('pass');
});

it('shows what a peer that does not read costs a server without backpressure', async () => {
  const series = await measured('none', { unit: 'reader', unitsPerCycle: 3 });
  expect(series.verdict).toBe('pass');
  expect(series.heldBytes).toBeGreaterThan(2 * 2 ** 20);
});

it('weighs sessions while they are open, to a few KiB: the same server with 64 KiB more in each', async () => {
  const plain = (await measured('none')).heldBytes ?? 0;
  const heavier = (await measured('weight:64')).heldBytes ?? 0;
  expect(plain).toBeGreaterThan(10_000);
  expect((heavier - plain) / 1_024).toBeGreaterThan(60);
  expect((heavier - plain) / 1_024).toBeLessThan(68);
});

it('ends early when it is stopped, undecided, and with what it had', async () => {
  const target = await leakTarget('none');
  onTestFinished(() => target.stop());
  const stop = new AbortController();
  const onProgress = ({ cycles }: { cycles: number }) => {
    if (cycles === 5) stop.abort();
  };
  const context = { clock: realClock(), signal: stop.signal, onProgress };
  const series = await measureLeak(target, { unit: 'session', ...SHORT }, context);
  expect(series.verdict).toBe('invalid');
  expect(series.reason).toBe('it was stopped');
});

it('is undecided when the target ends in the middle, and afterwards, and says how it ended', async () => {
  const target = await leakTarget('none');
  onTestFinished(() => target.stop());
  const onProgress = ({ cycles }: { cycles: number }) => {
    if (cycles === 4) target.kill?.();
  };
  const cut = await measureLeak(target, { unit: 'session', ...SHORT }, { clock: realClock(), onProgress });
  expect(cut.verdict).toBe('invalid');
  expect(cut.reason).toMatch(/^the target ended \(SIGKILL\), and was not told to; it said last: .*Debugger/);
  const next = await measureLeak(target, { unit: 'request', ...SHORT }, { clock: realClock() });
  expect([next.verdict, next.reason]).toEqual(['invalid', cut.reason]);
});

it('needs a process to read memory from', async () => {
  const target = urlTarget(new URL('http://127.0.0.1:9/mcp'));
  await expect(measureLeak(target, { unit: 'session' }, { clock: realClock() })).rejects.toThrow(
    RequestError,
  );
});

it('reads what nobody can make collect its garbage as a coarse alarm', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const reader = await openMemoryReader(child.pid ?? 0);
  expect(reader.source).toBe('rss');
  expect(await reader.bytes()).toBeGreaterThan(0);
  expect(await reader.counts()).toMatchObject({ threads: 1 });
  await reader.close();
});
