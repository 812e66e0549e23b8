import { readFileSync } from 'node:fs';

/** Counters of the machine since it was started; absent where the kernel does not tell (only Linux does). */
export interface MachineCounters {
  /** Time in which some task waited for a CPU, µs, and the share of it over the last 10 s, 0 to 1 (/proc/pressure/cpu). */
  readonly pressureUs?: number;
  readonly pressureAvg10?: number;
  /** CPU time in all, and of that taken away by the host, in ticks (/proc/stat). */
  readonly cpuTicks?: number;
  readonly stealTicks?: number;
}

export function readMachine(): MachineCounters {
  return { ...parsePressure(textOf('/proc/pressure/cpu')), ...parseCpuTimes(textOf('/proc/stat')) };
}

/** `some avg10=0.07 avg60=1.72 avg300=4.18 total=50396417` (Documentation/accounting/psi.rst). */
export function parsePressure(text: string): Pick<MachineCounters, 'pressureUs' | 'pressureAvg10'> {
  const match = /^some avg10=([\d.]+) .*total=(\d+)$/m.exec(text);
  if (!match) return {};
  return { pressureAvg10: Number(match[1]) / 100, pressureUs: Number(match[2]) };
}

/** `cpu user nice system idle iowait irq softirq steal guest guest_nice` (proc_stat(5)). */
export function parseCpuTimes(text: string): Pick<MachineCounters, 'cpuTicks' | 'stealTicks'> {
  const line = /^cpu +([\d ]+)$/m.exec(text)?.[1];
  if (line === undefined) return {};
  // Guest time is in user time already.
  const ticks = line.trim().split(/ +/).slice(0, 8).map(Number);
  const steal = ticks[7];
  if (steal === undefined) return {};
  return { cpuTicks: ticks.reduce((sum, n) => sum + n, 0), stealTicks: steal };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Another system, an old kernel, or not for us to read: then there is nothing to tell.
    return '';
  }
}
