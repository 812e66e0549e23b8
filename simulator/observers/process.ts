import { readdirSync, readFileSync } from 'node:fs';
import { processesOf } from '../targets/listeners.ts';

/** What a process uses, as the kernel counts it. */
export interface ProcessUsage {
  readonly rssBytes: number;
  /** CPU used since the process began, user and system, ms. */
  readonly cpuMs: number;
  readonly openFiles: number;
}

/** The units in which the kernel counts. */
interface Units {
  readonly pageBytes: number;
  readonly tickMs: number;
}

/** Entries of the auxiliary vector, which the kernel gives every process (getauxval(3)). */
const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;
const ENTRY_BYTES = 16;
const USUAL: Units = { pageBytes: 4_096, tickMs: 10 };
/** How long the members of a group are taken to be the same: to find them all processes have to be looked at, ms. */
const MEMBERS_FOR_MS = 1_000;

/** Looks at processes of this machine. */
export class ProcessReader {
  readonly #units = readUnits();
  /** CPU of members of the group that have ended, ms: what was used stays used. */
  readonly #lastCpuMs = new Map<number, number>();
  #endedCpuMs = 0;
  #members: { group: number; pids: number[]; untilMs: number } | undefined;

  /** Usage of one process; undefined when it is gone, not ours, or there is no /proc. */
  read(pid: number): ProcessUsage | undefined {
    return usageOf(pid, this.#units);
  }

  /** Usage of a process group, all its processes together; undefined when none of them can be seen. */
  readGroup(group: number): ProcessUsage | undefined {
    const seen = this.#membersOf(group).flatMap((pid) => {
      const usage = usageOf(pid, this.#units);
      return usage ? [{ pid, ...usage }] : [];
    });
    if (seen.length === 0) return undefined;
    const alive = new Set(seen.map(({ pid }) => pid));
    for (const [pid, cpuMs] of this.#lastCpuMs) {
      if (alive.has(pid)) continue;
      this.#endedCpuMs += cpuMs;
      this.#lastCpuMs.delete(pid);
    }
    for (const { pid, cpuMs } of seen) this.#lastCpuMs.set(pid, cpuMs);
    return {
      rssBytes: sum(seen.map(({ rssBytes }) => rssBytes)),
      cpuMs: this.#endedCpuMs + sum(seen.map(({ cpuMs }) => cpuMs)),
      openFiles: sum(seen.map(({ openFiles }) => openFiles)),
    };
  }

  #membersOf(group: number): number[] {
    const now = performance.now();
    const known = this.#members;
    if (known && known.group === group && now < known.untilMs) return known.pids;
    const pids = processesOf(group);
    this.#members = { group, pids, untilMs: now + MEMBERS_FOR_MS };
    return pids;
  }
}

/** Usage of a process on this machine, looked at once; undefined when it is gone, not ours, or there is no /proc. */
export function readProcess(pid: number): ProcessUsage | undefined {
  return usageOf(pid, readUnits());
}

function usageOf(pid: number, { pageBytes, tickMs }: Units): ProcessUsage | undefined {
  try {
    const residentPages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    // Fields after the command, which stands in brackets and may hold anything (proc_pid_stat(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const openFiles = readdirSync(`/proc/${pid}/fd`).length;
    return { rssBytes: residentPages * pageBytes, cpuMs: ticks * tickMs, openFiles };
  } catch {
    // Gone between two looks, or never to be seen: there is nothing to say about it.
    return undefined;
  }
}

/** Pages are 4 KiB on most machines, and 16 or 64 KiB on some. */
function readUnits(): Units {
  try {
    const vector = readFileSync('/proc/self/auxv');
    const entries = new Map<bigint, number>();
    for (let at = 0; at + ENTRY_BYTES <= vector.length; at += ENTRY_BYTES) {
      entries.set(vector.readBigUInt64LE(at), Number(vector.readBigUInt64LE(at + 8)));
    }
    const ticks = entries.get(AT_CLKTCK);
    return {
      pageBytes: entries.get(AT_PAGESZ) ?? USUAL.pageBytes,
      tickMs: ticks === undefined ? USUAL.tickMs : 1_000 / ticks,
    };
  } catch {
    // No Linux: nothing can be read in these units either.
    return USUAL;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
