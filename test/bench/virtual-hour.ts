import { fileURLToPath } from 'node:url';
import { run } from '../../simulator/run.ts';
import { readScenario } from '../../simulator/scenario/load.ts';

/* Prints what an hour of a thousand clients costs in virtual time. Not a test: it judges nothing but the run. */

const file = fileURLToPath(new URL('virtual-hour.yaml', import.meta.url));
const cpuBefore = process.cpuUsage();
const result = await run({ loaded: await readScenario(file), mode: 'virtual', seed: 1 });
const cpu = process.cpuUsage(cpuBefore);
const hours = result.durationMs / 3_600_000;
const requests = result.metrics.counters.mcp_requests ?? 0;
const cpuSeconds = (cpu.user + cpu.system) / 1e6;
process.stdout.write(
  `${result.verdict}: ${result.sessions.opened} clients, ${hours.toFixed(2)} virtual hours, ${requests} requests, ` +
    `${result.eventLog.lines} events\n` +
    `${(result.wallMs / 1_000 / hours).toFixed(1)} s wall, ${(cpuSeconds / hours).toFixed(1)} s CPU per virtual hour; ` +
    `${((1e6 * cpuSeconds) / requests).toFixed(0)} µs CPU per request, hub and client and ledger together; ` +
    `peak RSS ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB; Node ${process.versions.node}\n`,
);
if (result.verdict !== 'pass') process.exitCode = 1;
