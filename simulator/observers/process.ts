import { readdirSync, readFileSync } from 'node:fs';

/** What a process uses, as the kernel counts it. */
export interface ProcessUsage {
  readonly rssBytes: number;
  /** CPU used since the process began, user and system, ms. */
  readonly cpuMs: number;
  readonly openFiles: number;
}

/** Linux: pages of 4 KiB and 100 clock ticks a second, on every architecture that Node runs on there. */
const PAGE_BYTES = 4_096;
const TICK_MS = 10;

/** Usage of a process on this machine; undefined when it is gone, not ours, or there is no /proc. */
export function readProcess(pid: number): ProcessUsage | undefined {
  try {
    const residentPages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    // Fields after the command, which stands in brackets and may hold anything (proc_pid_stat(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const openFiles = readdirSync(`/proc/${pid}/fd`).length;
    return { rssBytes: residentPages * PAGE_BYTES, cpuMs: ticks * TICK_MS, openFiles };
  } catch {
    // Gone between two looks, or never to be seen: there is nothing to say about it.
    return undefined;
  }
}
